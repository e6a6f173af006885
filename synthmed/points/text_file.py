"""Annotation files as text: bounded in size, unpacked where they are gzipped."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from pathlib import Path

from synthmed.errors import PointsError

MAX_BYTES = 256 * 2**20
"""Beyond this an annotation file is refused: parsing takes about ten times its size in memory."""

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
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise PointsError("the annotation file is not UTF-8 text", file=path, remedy=_REMEDY) from error
    if "\0" in text:
        raise PointsError("the annotation file is not text", file=path, remedy=_REMEDY)
    if not text.strip():
        raise PointsError("the annotation file is empty", file=path, remedy="write at least one point")
    return text


def read_bytes(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, unpacked where it is gzipped; never more than ``max_bytes``.

    Raises:
        PointsError: if the file is missing, unreadable, damaged or too large.
    """
    try:
        with Path(path).open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            data = gzip.GzipFile(fileobj=file).read(max_bytes + 1) if packed else file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise PointsError("the annotation file is missing", file=path, remedy="check its path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PointsError(
            "the gzipped annotation file is damaged", file=path, value=str(error), remedy="export it again"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PointsError(
            "the annotation file cannot be read", file=path, value=reason, remedy="name a readable file"
        ) from error
    if len(data) > max_bytes:
        raise PointsError(
            f"the annotation file has more than {max_bytes // 2**20} MiB",
            file=path,
            remedy="export one file per image, and name their folder",
        )
    return data
