"""Writing files and folders so that nothing half-written ever looks whole."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old content or the new, never a part of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_when_done(path: Path) -> Iterator[Path]:
    """A temporary sibling folder that takes the name ``path`` when the block ends without an error.

    The caller has made sure that ``path`` is free (see `is_free`); an empty folder there is replaced.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # tempfile would make it readable for its owner alone, and a dataset is shared like any other folder.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    try:
        yield partial
        if path.is_dir():
            path.rmdir()
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_free(path: Path) -> bool:
    """Whether nothing is at ``path``, or only an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))
