"""Datasets that synthmed makes itself, and may make again."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo

from synthmed.errors import DatasetError

_OWNER = "synthmed_owner"


def fresh_dataset(name: str, owner: Path) -> fo.Dataset:
    """A new persistent dataset, in place of one of the same name that has the same owner.

    Args:
        name: the name.
        owner: the folder of the work that the dataset belongs to.

    Raises:
        DatasetError: a dataset of that name exists and belongs to something else.
    """
    mark = str(owner.resolve())
    if fo.dataset_exists(name):
        if fo.load_dataset(name).info.get(_OWNER) != mark:
            raise DatasetError(
                "a FiftyOne dataset of this name exists and belongs to something else",
                value=name,
                remedy=f"rename or delete it: fiftyone datasets delete {name}",
            )
        fo.delete_dataset(name)
    dataset = fo.Dataset(name, persistent=True)
    dataset.info[_OWNER] = mark
    dataset.save()
    return dataset


def owned_datasets() -> list[str]:
    """The datasets that synthmed made itself, the newest first."""
    infos = fo.list_datasets(info=True)
    mine = [info for info in infos if _OWNER in fo.load_dataset(info["name"]).info]
    return [info["name"] for info in sorted(mine, key=lambda info: info["created_at"], reverse=True)]
