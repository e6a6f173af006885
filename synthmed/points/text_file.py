"""Annotation files as text: bounded in size, unpacked where they are gzipped."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from synthmed.errors import PointsError

MAX_BYTES = 256 * 2**20
"""Beyond this an annotation file is refused: parsing takes about ten times its size in memory."""

MAX_STREAM_BYTES = 2**31
"""The same for what is read line by line, a table in CSV."""

_GZIP = b"\x1f\x8b"
_REMEDY = "save it as text in UTF-8"


def read_text(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> str:
    """The text of an annotation file: UTF-8, or UTF-16 where it opens with a byte order mark; also gzipped.

    Args:
        path: the file.
        max_bytes: no more is read or unpacked than that.

    Raises:
        PointsError: if the file is missing, unreadable, empty, too large, or not text.
    """
    data = read_bytes(path, max_bytes)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    with _reading(path):
        text = data.decode(encoding)
    if "\0" in text:
        raise PointsError("the annotation file is not text", file=path, remedy=_REMEDY)
    if not text.strip():
        raise PointsError("the annotation file is empty", file=path, remedy="write at least one point")
    return text


@contextmanager
def open_text(path: str | os.PathLike[str], *, max_bytes: int = MAX_STREAM_BYTES) -> Iterator[TextIO]:
    """Open an annotation file to read it line by line, as `read_text` would all of it; line ends stay.

    Raises:
        PointsError: if the file is missing, unreadable, too large, or not text; also inside the block.
    """
    with _reading(path), Path(path).open("rb") as file:
        start = file.peek(2)[:2]
        stream: Any = gzip.GzipFile(fileobj=file) if start == _GZIP else file
        bounded = io.BufferedReader(_Bounded(stream, max_bytes, path))
        utf16 = bounded.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        yield io.TextIOWrapper(bounded, "utf-16" if utf16 else "utf-8-sig", newline="")


class _Bounded(io.RawIOBase):
    """The bytes of another stream, which is not too long."""

    def __init__(self, stream: Any, max_bytes: int, path: object) -> None:
        self._stream, self._left, self._path, self._max = stream, max_bytes, path, max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._path, self._max)
        buffer[: len(data)] = data
        return len(data)


def _too_large(path: object, max_bytes: int) -> PointsError:
    return PointsError(
        f"the annotation file has more than {max_bytes // 2**20} MiB",
        file=path,
        remedy="export one file per image, and name their folder; or write it as CSV (image,x,y,label), "
        f"which may have {MAX_STREAM_BYTES // 2**20} MiB",
    )


def read_bytes(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, unpacked where it is gzipped; never more than ``max_bytes``.

    Raises:
        PointsError: if the file is missing, unreadable, damaged or too large.
    """
    with _reading(path), Path(path).open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        data = gzip.GzipFile(fileobj=file).read(max_bytes + 1) if packed else file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(path, max_bytes)
    return data


@contextmanager
def _reading(path: object) -> Iterator[None]:
    """Whatever goes wrong with a file inside the block becomes a `PointsError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise PointsError("the annotation file is missing", file=path, remedy="check its path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PointsError(
            "the gzipped annotation file is damaged", file=path, value=str(error), remedy="export it again"
        ) from error
    except UnicodeDecodeError as error:
        raise PointsError("the annotation file is not UTF-8 text", file=path, remedy=_REMEDY) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PointsError(
            "the annotation file cannot be read", file=path, value=reason, remedy="name a readable file"
        ) from error
