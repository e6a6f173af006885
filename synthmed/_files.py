"""Writing files and folders so that nothing half-written ever looks whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from synthmed.errors import SynthmedError


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


def require_free(path: Path, kind: type[SynthmedError], what: str) -> None:
    """Make sure that something new can be written to ``path``, before anything is computed for it.

    Args:
        path: a file or folder to be.
        kind: of the error.
        what: is wrong where something is there already.

    Raises:
        SynthmedError: something other than an empty folder is there, or the place cannot be written to.
    """
    if not is_free(path):
        raise kind(what, file=path, remedy="choose another name (--out), or delete it first")
    above = next(folder for folder in path.resolve().parents if folder.exists())
    try:
        with tempfile.TemporaryDirectory(dir=above):
            pass
    except OSError as error:
        raise kind(
            f"cannot write here: {error.strerror}",
            file=path,
            remedy="choose another place (--out), or make this one writable",
        ) from error


def is_free(path: Path) -> bool:
    """Whether nothing is at ``path``, or only an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def give_number(*paths: Path) -> list[Path]:
    """Rename what is at some paths to the first number that is free for all of them: ``bank-1``.

    Returns:
        What the first, the second ... of those that exist are called now.
    """
    for number in count(1):
        names = []
        for path in paths:
            ending = path.suffix if path.is_file() else ""
            names.append(path.with_name(f"{path.name.removesuffix(ending)}-{number}{ending}"))
        if not any(map(os.path.lexists, names)):
            break
    pairs = zip(paths, names, strict=True)
    return [path.rename(name) for path, name in pairs if os.path.lexists(path)]


_DIGEST_END_BYTES = 1 << 25


def file_digest(path: Path) -> str:
    """SHA-256 of a file as hex; of one above 64 MiB that of its size and its first and last 32 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(file.read(_DIGEST_END_BYTES))
        if size > 2 * _DIGEST_END_BYTES:
            digest.update(str(size).encode())
            file.seek(-_DIGEST_END_BYTES, os.SEEK_END)
        digest.update(file.read())
    return digest.hexdigest()
