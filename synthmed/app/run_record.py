"""`Run`: the record of something that synthmed did to a dataset, kept in the dataset itself.

It is stored as one of FiftyOne's custom runs with the method ``"synthmed"``, so ``dataset.list_runs()`` and
``dataset.get_run_info()`` show it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import fiftyone as fo

from synthmed import __version__
from synthmed.app.run_folder import claim_folder, default_folder
from synthmed.errors import DatasetError

METHOD = "synthmed"
KINDS = ("import_points", "build_patch_bank", "synthesize", "apply_models", "evaluate")

_STORED = "kind params state summary own_fields shared_fields declared depends_on evaluation".split()


@dataclass(repr=False)
class Run:
    """One run and everything that undoing it needs.

    Attributes:
        dataset: the dataset that it belongs to.
        key: its name in the dataset.
        kind: one of `KINDS`.
        params: what it was asked to do.
        state: ``"running"`` until it has ended without an error, then ``"done"``.
        started: when it began, in UTC.
        summary: what came of it, for people and programs to read.
        folder: where its files are; ``None`` where it has none.
        own_fields: fields that it created for itself.
        shared_fields: fields that it wrote only on samples that it added; those that were there before any
            run are not listed.
        declared: paths of label attributes that it declared, so that the App can filter by them; those
            that were there before any run are not listed.
        depends_on: runs that made what it read; see `dependencies`.
        evaluation: the key of an evaluation that it stored.
        version: the version of synthmed.
    """

    dataset: fo.Dataset
    key: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    started: datetime | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    own_fields: list[str] = field(default_factory=list)
    shared_fields: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    evaluation: str | None = None
    version: str = __version__

    def __repr__(self) -> str:
        return f"<Run {self.key!r} of dataset {self.dataset.name!r}, {self.state}>"

    def make_folder(self, folder: Path | None = None) -> Path:
        """Make the run's own folder, by default beneath FiftyOne's folder of datasets.

        Raises:
            DatasetError: it is not empty, or cannot be written.
        """
        folder = default_folder(self.dataset, self.key) if folder is None else folder.absolute()
        claim_folder(folder, self.dataset, self.key)
        self.folder = folder
        self.save()
        return folder

    def create_fields(self, *names: str) -> None:
        """Announce fields that this run is going to write.

        Raises:
            DatasetError: one of them exists already.
        """
        check_free(self.dataset, *names)
        self.own_fields += names
        self.save()

    def share_fields(self, **types: type) -> None:
        """Announce fields, with their types, that this run is going to write on samples that it adds.

        Raises:
            DatasetError: one of them exists with another type.
        """
        schema = self.dataset.get_field_schema()
        created = {name for run in list_runs(self.dataset) for name in run.shared_fields}
        for name, kind in types.items():
            if name in schema and not issubclass(_type_of(schema[name]), kind):
                raise DatasetError(
                    f"the field {name!r} exists with another type",
                    value=_type_of(schema[name]).__name__,
                    remedy=f"rename it, or name a field that holds {kind.__name__}",
                )
            if name not in schema or name in created:
                self.shared_fields.append(name)
        self.save()

    def made(self, name: str) -> bool:
        """Whether a field was made by this run or an earlier one, so that its looks are theirs to choose."""
        return name in self.own_fields or name in self.shared_fields

    def declare_attributes(self, *names: str) -> None:
        """Declare the attributes that labels of these fields have."""
        before = set(self.dataset.get_field_schema(flat=True))
        self.dataset.add_dynamic_sample_fields(fields=list(names))
        declared = {path for run in list_runs(self.dataset) for path in run.declared}
        for path in self.dataset.get_field_schema(flat=True):
            under = path.startswith(tuple(f"{name}." for name in names))
            if under and (path not in before or path in declared):
                self.declared.append(path)
        self.save()

    def register(self) -> None:
        """Write the first record into the dataset."""
        self.dataset.register_run(self.key, self._config())

    def save(self) -> None:
        """Write the record as it is now into the dataset."""
        self.dataset.update_run_config(self.key, self._config())

    def _config(self) -> Any:
        values = {name: getattr(self, name) for name in _STORED}
        folder = None if self.folder is None else str(self.folder)
        return self.dataset.init_run(method=METHOD, synthmed_version=self.version, folder=folder, **values)


def list_runs(dataset: fo.Dataset, kind: str | None = None) -> list[Run]:
    """The runs of a dataset, oldest first.

    Args:
        dataset: the dataset.
        kind: only runs of this kind.
    """
    runs = [_load(dataset, key) for key in dataset.list_runs(method=METHOD)]
    return sorted(
        (run for run in runs if kind in (None, run.kind)), key=lambda run: (str(run.started), run.key)
    )


def get_run(dataset: fo.Dataset, key: str) -> Run:
    """One run.

    Raises:
        DatasetError: there is no run of that key.
    """
    if key not in dataset.list_runs(method=METHOD):
        known = ", ".join(run.key for run in list_runs(dataset)) or "none"
        raise DatasetError("there is no such run", value=key, remedy=f"the runs of this dataset are: {known}")
    return _load(dataset, key)


def check_free(dataset: fo.Dataset, *names: str) -> None:
    """Make sure that no field of these names exists.

    Raises:
        DatasetError: there is one, or a name cannot be a field's.
    """
    schema = dataset.get_field_schema()
    for name in names:
        if not name.isidentifier() or name.startswith("_"):
            raise DatasetError(
                "not a name for a field", value=name, remedy="use letters, digits and underscores"
            )
        if name in schema:
            owner = field_owner(dataset, name)
            remedy = "choose another field name" + (f", or delete the run {owner!r} first" if owner else "")
            raise DatasetError(f"the field {name!r} exists already", remedy=remedy)


def field_owner(dataset: fo.Dataset, name: str) -> str | None:
    """The key of the run that created a field for itself, if one did."""
    return next((run.key for run in list_runs(dataset) if name in run.own_fields), None)


def _load(dataset: fo.Dataset, key: str) -> Run:
    info = dataset.get_run_info(key)
    config = info.config
    return Run(
        dataset=dataset,
        key=key,
        started=info.timestamp,
        folder=None if config.folder is None else Path(config.folder),
        version=config.synthmed_version,
        # A record of another version may lack what has a default here.
        **{name: getattr(config, name) for name in _STORED if hasattr(config, name)},
    )


def _type_of(present: fo.Field) -> type:
    """The class of label that a field holds, or else the class of the field itself."""
    kind: type = getattr(present, "document_type", None) or type(present)
    return kind
