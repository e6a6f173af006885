"""Datasets that synthmed makes itself, and may make again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import fiftyone as fo

from synthmed.app.runs import delete_run, list_runs
from synthmed.errors import DatasetError

OWNED_TAG = "synthmed-demo"
_OWNER = "synthmed_owner"
_MADE = "synthmed_made"


@contextmanager
def fresh_dataset(name: str, owner: Path) -> Iterator[tuple[fo.Dataset, str | None]]:
    """A new persistent dataset, in place of one of the same name that has the same owner.

    The earlier one is deleted with the files of its runs, unless somebody has worked on it since it was
    made: then it gets another name.

    Args:
        name: the name.
        owner: the folder of the work that the dataset belongs to.

    Yields:
        The dataset, to be filled in the block, and the new name of an earlier one that was kept.

    Raises:
        DatasetError: a dataset of that name exists and belongs to something else.
    """
    mark = str(owner.resolve())
    kept = _make_way(name, mark) if fo.dataset_exists(name) else None
    dataset = fo.Dataset(name, persistent=True)
    dataset.tags = [OWNED_TAG]
    dataset.info[_OWNER] = mark
    dataset.save()
    yield dataset, kept
    dataset.info[_MADE] = _state(dataset)
    dataset.save()


def owned_datasets() -> list[str]:
    """The datasets that synthmed made itself, the newest first."""
    infos = fo.list_datasets(tags=OWNED_TAG, info=True)
    return [info["name"] for info in sorted(infos, key=lambda info: info["created_at"], reverse=True)]


def _make_way(name: str, mark: str) -> str | None:
    """Delete the earlier dataset, or say what it is called now."""
    dataset = fo.load_dataset(name)
    if dataset.info.get(_OWNER) != mark:
        raise DatasetError(
            "a FiftyOne dataset of this name exists and belongs to something else",
            value=name,
            remedy=f"rename or delete it: fiftyone datasets delete {name}",
        )
    made = dataset.info.get(_MADE)
    # Without that note the work was cut off while the dataset was filled.
    if made is not None and made != _state(dataset):
        kept = next(new for number in count(1) if not fo.dataset_exists(new := f"{name}-{number}"))
        dataset.name = kept
        return kept
    while runs := list_runs(dataset):
        delete_run(dataset, runs[0].key, with_dependents=True)
    fo.delete_dataset(name)
    return None


def _state(dataset: fo.Dataset) -> dict[str, object]:
    """What changes when somebody tags, edits, adds or deletes something."""
    newest = dataset.max("last_modified_at") if len(dataset) else None
    return {
        "samples": len(dataset),
        "modified": None if newest is None else newest.isoformat(),
        "fields": sorted(dataset.get_field_schema(flat=True)),
        "views": sorted(dataset.list_saved_views()),
        "evaluations": sorted(dataset.list_evaluations()),
        "runs": sorted(dataset.list_runs()),
    }
