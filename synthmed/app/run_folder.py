"""The folder of a run: what it wrote there can be taken back, and nothing else is ever touched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo

from synthmed._files import is_free, write_atomic
from synthmed.errors import DatasetError

MARKER = ".synthmed-run.json"


def default_folder(dataset: fo.Dataset, key: str) -> Path:
    """Where a run keeps its files: a new folder beneath FiftyOne's own folder of datasets.

    An earlier dataset of the same name may have left a folder behind, which stays as it is.
    """
    parent = Path(str(fo.config.default_dataset_dir), "synthmed", str(dataset.slug))
    folder, number = parent / key, 1
    while not is_free(folder):
        number += 1
        folder = parent / f"{key}-{number}"
    return folder


def claim_folder(folder: Path, dataset: fo.Dataset, key: str) -> None:
    """Make a folder and mark it as this run's.

    Raises:
        DatasetError: something is there already, or it cannot be made.
    """
    if not is_free(folder):
        raise DatasetError(
            "the folder of the run is not empty", file=folder, remedy="choose another run key or folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_marker(folder, dataset, key, files=None)
    except OSError as error:
        raise DatasetError(
            "the folder of the run cannot be written",
            file=folder,
            value=error.strerror,
            remedy="make it writable, or choose another",
        ) from error


def seal_folder(folder: Path, dataset: fo.Dataset, key: str) -> None:
    """Note which files the run has written, so that deleting it spares any that are added later."""
    _write_marker(folder, dataset, key, files=sorted(_files(folder)))


def empty_folder(folder: Path, dataset: fo.Dataset, key: str) -> tuple[int, int]:
    """Delete the files that a run wrote, and the folders that are empty then.

    A run that was cut off has no list of files yet; all of its folder is its own.

    Returns:
        How many files were deleted, and how many others were left where they are.
    """
    marker = _read_marker(folder)
    if marker.get("dataset") != str(dataset._doc.id) or marker.get("run") != key:
        return 0, sum(1 for _ in _files(folder)) if folder.is_dir() else 0
    own = None if marker["files"] is None else set(marker["files"])
    deleted = kept = 0
    for name in list(_files(folder)):
        if own is None or name in own:
            (folder / name).unlink(missing_ok=True)
            deleted += 1
        else:
            kept += 1
    (folder / MARKER).unlink(missing_ok=True)
    for root, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(root):
            os.rmdir(root)
    return deleted, kept


def _files(folder: Path) -> Iterator[str]:
    """Relative POSIX paths of all files; links are listed, never followed."""
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in [*names, *links]:
            if name != MARKER:
                yield (Path(root) / name).relative_to(folder).as_posix()


def _write_marker(folder: Path, dataset: fo.Dataset, key: str, files: list[str] | None) -> None:
    content = {"dataset": str(dataset._doc.id), "run": key, "files": files}
    write_atomic(folder / MARKER, json.dumps(content, indent=1).encode())


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
