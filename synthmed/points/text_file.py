"""Annotation files as text."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from synthmed.errors import PointsError


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of an annotation file: UTF-8, or UTF-16 where it opens with a byte order mark.

    Raises:
        PointsError: if the file is missing, unreadable, empty, or not text.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise PointsError("the annotation file is missing", file=path, remedy="check its path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PointsError(
            "the annotation file cannot be read", file=path, value=reason, remedy="name a readable file"
        ) from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise PointsError(
            "the annotation file is not UTF-8 text", file=path, remedy="save it as CSV or JSON in UTF-8"
        ) from error
    if "\0" in text:
        raise PointsError(
            "the annotation file is not text", file=path, remedy="save it as CSV or JSON in UTF-8"
        )
    if not text.strip():
        raise PointsError("the annotation file is empty", file=path, remedy="write at least one point")
    return text
