"""Runs: whatever synthmed does to a dataset is recorded in it, and can be listed, looked at and undone.

A run writes fields that it creates, samples that it adds, and files in a folder of its own; never a value
that was there before. So deleting it leaves the dataset as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from fiftyone import ViewField as F
from pymongo.errors import ConnectionFailure

from synthmed.app.appearance import forget_fields
from synthmed.app.database import told
from synthmed.app.dependencies import dependents
from synthmed.app.names import RUN
from synthmed.app.run_folder import empty_folder, seal_folder
from synthmed.app.run_record import KINDS, Run, get_run, list_runs
from synthmed.errors import DatasetError

__all__ = [
    "KINDS",
    "Deleted",
    "Run",
    "check_key",
    "delete_run",
    "dependents",
    "get_run",
    "list_runs",
    "new_key",
    "recorded",
    "view_run",
]


@dataclass(frozen=True)
class Deleted:
    """What deleting a run took away.

    Attributes:
        runs: keys of the runs.
        samples: how many samples.
        fields: names of the fields.
        files: how many files.
        kept_files: files in the run's folder that it had not written, and that are still there.
    """

    runs: tuple[str, ...]
    samples: int
    fields: tuple[str, ...]
    files: int
    kept_files: int


@contextmanager
def recorded(
    dataset: fo.Dataset, kind: str, *, key: str | None = None, params: Mapping[str, Any] | None = None
) -> Iterator[Run]:
    """Record what the block does as a run; where it raises, everything it did is undone.

    A run whose database goes away cannot be undone at once. Its record stays, as one that was cut off, and
    says all that there is to undo: `delete_run` does it when the database is back.

    Args:
        dataset: the dataset.
        kind: one of `KINDS`.
        key: the name of the run; by default the kind with a number.
        params: what it is asked to do; plain JSON values.

    Raises:
        DatasetError: the key is taken or no identifier, or the database does not answer.
    """
    with told("start it again"):
        run = Run(
            dataset, check_key(dataset, key) if key else new_key(dataset, kind), kind, dict(params or {})
        )
        run.register()
    with told(f"start it again, and delete the run {run.key!r}, which was cut off"):
        try:
            yield run
            if run.folder is not None:
                seal_folder(run.folder, dataset, run.key)
            run.state = "done"
            run.save()
        except ConnectionFailure:
            raise
        except BaseException:
            run.state = "running"
            run.save()
            delete_run(dataset, run.key)
            raise


def new_key(dataset: fo.Dataset, kind: str) -> str:
    """A free key: the kind with the next number."""
    taken = set(dataset.list_runs())
    number = 1
    while f"{kind}_{number}" in taken:
        number += 1
    return f"{kind}_{number}"


def check_key(dataset: fo.Dataset, key: str) -> str:
    """The key itself.

    Raises:
        DatasetError: it is taken, or no identifier.
    """
    if not key.isidentifier():
        raise DatasetError(
            "the run key is not a name", value=key, remedy="use letters, digits and underscores"
        )
    if key in dataset.list_runs():
        raise DatasetError(
            "the run key is taken", value=key, remedy="choose another, or delete that run first"
        )
    return key


def view_run(dataset: fo.Dataset, key: str) -> fo.DatasetView:
    """The samples that a run added, or else those that have its fields.

    Raises:
        DatasetError: there is no run of that key.
    """
    run = get_run(dataset, key)
    schema = dataset.get_field_schema()
    if RUN in schema and len(added := dataset.match(F(RUN) == key)):
        return added
    names = [name for name in run.own_fields if name in schema]
    return dataset.exists(names[0]) if names else dataset.limit(0)


def delete_run(dataset: fo.Dataset, key: str, *, with_dependents: bool = False) -> Deleted:
    """Undo a run: its samples, fields, evaluation and files go, and nothing else.

    Args:
        dataset: the dataset.
        key: the run.
        with_dependents: also undo the runs that depend on it.

    Raises:
        DatasetError: there is no such run, or others depend on it.
    """
    run = get_run(dataset, key)
    others = dependents(dataset, key)
    if others and not with_dependents:
        raise DatasetError(
            f"other runs depend on {key!r}",
            value=", ".join(others),
            remedy="delete them first, the last one before the others, or delete all together",
        )
    parts = []
    for gone in [*(get_run(dataset, other) for other in reversed(others)), run]:
        parts.append(_undo(gone))
        dataset.delete_run(gone.key)
    return Deleted(
        runs=tuple(name for part in parts for name in part.runs),
        samples=sum(part.samples for part in parts),
        fields=tuple(name for part in parts for name in part.fields),
        files=sum(part.files for part in parts),
        kept_files=sum(part.kept_files for part in parts),
    )


def _undo(run: Run) -> Deleted:
    dataset = run.dataset
    if run.evaluation and dataset.has_evaluation(run.evaluation):
        dataset.delete_evaluation(run.evaluation)
    samples = 0
    if RUN in dataset.get_field_schema():
        added = dataset.match(F(RUN) == run.key)
        samples = len(added)
        dataset.delete_samples(added)
    schema = dataset.get_field_schema()
    gone = [name for name in run.own_fields if name in schema]
    gone += [name for name in run.shared_fields if name in schema and not len(dataset.exists(name))]
    if gone:
        dataset.delete_sample_fields(gone)
    forget_fields(dataset, gone)
    kept_by_others = {path for other in list_runs(dataset) if other.key != run.key for path in other.declared}
    present = dataset.get_field_schema(flat=True)
    undeclared = [path for path in run.declared if path in present and path not in kept_by_others]
    if undeclared:
        dataset.remove_dynamic_sample_fields(undeclared)
    files, kept = (0, 0) if run.folder is None else empty_folder(run.folder, dataset, run.key)
    return Deleted((run.key,), samples, tuple(gone), files, kept)
