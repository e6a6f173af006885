"""Where a rendering is written: a folder of this machine, or anything that fsspec can reach.

Every file appears whole or not at all. On a disk it is written in ``parts/`` and then moved to its place, so
that all that a killed run leaves half-written lies where the next run throws it away; an object store takes
only whole objects.
"""

from __future__ import annotations

import itertools
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from synthmed.errors import DatasetError

PARTS = "parts"
_PARTIAL = ".partial"
_BLOCK = 1 << 20


class Store(Protocol):
    """Files by their path relative to the root of a rendering."""

    # Whether other processes see what is written.
    shared: bool

    def write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write a file in one step."""

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: there is none.
        """

    def sizes(self, below: str = "") -> dict[str, int]:
        """The size of every file below a folder, by its path; half-written ones are left out."""

    def is_free(self) -> bool:
        """Whether a rendering may begin here."""

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens where there is none."""


class LocalStore:
    """A folder of this machine, or one that several machines share."""

    shared = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[str] = set()
        # No other process has files of this name, and this one has no two.
        self._own, self._numbers = uuid.uuid4().hex, itertools.count()

    def write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write a file in one step."""
        # Plain text: paths as objects take a good part of the time of a small file.
        target = os.path.join(self.root, path)
        parts = os.path.join(self.root, PARTS)
        self._make(os.path.dirname(target))
        self._make(parts)
        partial = os.path.join(parts, f"{self._own}-{next(self._numbers)}{_PARTIAL}")
        try:
            with open(partial, "wb", buffering=0) as file:
                for block in _blocks(pieces):
                    rest = memoryview(block)
                    # A disk that is almost full takes a part of a block, and refuses only the rest.
                    while rest:
                        rest = rest[file.write(rest) :]
            os.replace(partial, target)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise

    def _make(self, folder: str) -> None:
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return (self.root / path).read_bytes()

    def sizes(self, below: str = "") -> dict[str, int]:
        """The size of every file below a folder."""
        found = {}
        for folder, _, names in os.walk(self.root / below):
            for name in names:
                path = Path(folder, name)
                if path.suffix != _PARTIAL:
                    found[path.relative_to(self.root).as_posix()] = path.stat().st_size
        return found

    def is_free(self) -> bool:
        """Whether there is nothing but what a killed run left of its first file."""
        if not self.root.exists():
            return True
        return (
            self.root.is_dir() and {path.name for path in self.root.iterdir()} <= {PARTS} and not self.sizes()
        )

    def remove(self, path: str) -> None:
        """Remove a file or a folder."""
        target = self.root / path
        if target.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            self._folders.clear()
        else:
            target.unlink(missing_ok=True)


class RemoteStore:
    """What fsspec reaches: an object store, a server, or ``memory://``."""

    def __init__(self, url: str) -> None:
        self.files, self.root = _open_url(url)
        self.shared = "memory" not in self.files.protocol

    def write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write an object; it appears when all of it has arrived."""
        target = f"{self.root}/{path}"
        self.files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        blocks = iter(_blocks(pieces))
        first, second = next(blocks, b""), next(blocks, None)
        if second is None:
            self.files.pipe_file(target, first)
            return
        with self.files.open(target, "wb") as file:
            for block in itertools.chain((first, second), blocks):
                file.write(block)

    def read(self, path: str) -> bytes:
        """The content of an object."""
        return bytes(self.files.cat_file(f"{self.root}/{path}"))

    def sizes(self, below: str = "") -> dict[str, int]:
        """The size of every object below a prefix."""
        self.files.invalidate_cache()
        found = self.files.find(f"{self.root}/{below}".rstrip("/"), detail=True)
        cut = len(self.files._strip_protocol(self.root)) + 1
        return {path[cut:]: int(entry["size"]) for path, entry in found.items()}

    def is_free(self) -> bool:
        """Whether there is nothing."""
        return not self.sizes()

    def remove(self, path: str) -> None:
        """Remove an object, or all below a prefix."""
        target = f"{self.root}/{path}"
        if self.files.exists(target):
            self.files.rm(target, recursive=True)


def open_store(out: Path | str) -> Store:
    """The store of a folder or a URL.

    Raises:
        DatasetError: the URL cannot be reached.

    Examples:
        >>> open_store("file:///data/scenes").root
        PosixPath('/data/scenes')
    """
    text = str(out)
    if isinstance(out, str) and out.startswith("file://"):
        return LocalStore(Path(out.removeprefix("file://")))
    if isinstance(out, str) and "://" in text:
        return RemoteStore(text)
    return LocalStore(Path(out))


def _open_url(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise DatasetError("a URL needs fsspec", file=url, remedy='pip install "synthmed[remote]"') from error
    try:
        files, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise DatasetError(
            f"fsspec misses the package for this kind of URL: {error}",
            file=url,
            remedy="install it: s3fs for s3://, gcsfs for gs://, adlfs for abfs://",
        ) from error
    except ValueError as error:
        raise DatasetError(f"fsspec cannot open the URL: {error}", file=url) from error
    return files, str(root).rstrip("/")


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
