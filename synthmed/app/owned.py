"""Datasets that synthmed makes itself, and may make again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

import fiftyone as fo

from synthmed.app.runs import delete_run, list_runs

OWNED_TAG = "synthmed-demo"
_OWNER = "synthmed_owner"
_MADE = "synthmed_made"


@contextmanager
def fresh_dataset(name: str, owner: Path) -> Iterator[fo.Dataset]:
    """A new persistent dataset, to be filled in the block.

    An earlier one of the same name and owner is deleted with the files of its runs, unless somebody has
    worked on it since it was made. Where the name stays taken, the new dataset gets a number.

    Args:
        name: the name.
        owner: the folder of the work that the dataset belongs to.
    """
    mark = str(owner.resolve())
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    chosen = next(one for one in names if not fo.dataset_exists(one) or _taken_back(one, mark))
    dataset = fo.Dataset(chosen, persistent=True)
    dataset.tags = [OWNED_TAG]
    dataset.info[_OWNER] = mark
    dataset.save()
    yield dataset
    dataset.info[_MADE] = _state(dataset)
    dataset.save()


def owned_datasets() -> list[str]:
    """The datasets that synthmed made itself, the newest first."""
    infos = fo.list_datasets(tags=OWNED_TAG, info=True)
    return [info["name"] for info in sorted(infos, key=lambda info: info["created_at"], reverse=True)]


def _taken_back(name: str, mark: str) -> bool:
    """Delete an earlier dataset, if it is the owner's and nobody has worked on it."""
    dataset = fo.load_dataset(name)
    if dataset.info.get(_OWNER) != mark:
        return False
    made = dataset.info.get(_MADE)
    # Without that note the work was cut off while the dataset was filled.
    if made is not None and made != _state(dataset):
        return False
    while runs := list_runs(dataset):
        delete_run(dataset, runs[0].key, with_dependents=True)
    fo.delete_dataset(name)
    return True


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
