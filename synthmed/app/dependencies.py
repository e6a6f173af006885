"""Which runs a run depends on: those that made what it reads.

Undoing one of them would leave the run with results whose origin is gone. What a run reads are samples, each
of which names the run that added it; fields, which belong to the run that created them; files, which lie in a
run's folder; and class sizes, which are those of a bank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import fiftyone as fo

from synthmed.app.names import RUN
from synthmed.app.run_record import Run, list_runs


def depend_on_data(
    run: Run, sample_ids: Collection[str] = (), fields: Iterable[str] = (), folder: Path | None = None
) -> None:
    """Note in a run which others made the data that it reads.

    Args:
        run: the run.
        sample_ids: samples that it reads or writes on.
        fields: fields that it reads.
        folder: a folder that it reads.
    """
    dataset, read = run.dataset, set(fields)
    added_by = set(dataset.select(list(sample_ids)).distinct(RUN)) if _marked(dataset, sample_ids) else set()
    for other in list_runs(dataset):
        inside = folder is not None and other.folder is not None and _is_inside(folder, other.folder)
        if other.key in added_by or read & set(other.own_fields) or inside:
            depend_on(run, other.key)
    run.save()


def depend_on(run: Run, *keys: str) -> None:
    """Note that a run depends on others; the caller saves it."""
    run.depends_on += [key for key in dict.fromkeys(keys) if key not in (*run.depends_on, run.key)]


def dependents(dataset: fo.Dataset, key: str) -> list[str]:
    """Keys of the runs that depend on a run, themselves or by another one, the oldest first."""
    runs, found = list_runs(dataset), {key}
    while new := {run.key for run in runs if found & set(run.depends_on)} - found:
        found |= new
    return [run.key for run in runs if run.key in found - {key}]


def _marked(dataset: fo.Dataset, sample_ids: Collection[str]) -> bool:
    return len(sample_ids) > 0 and RUN in dataset.get_field_schema()


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
