"""Cells and JSON values of annotation files, read one at a time without ever raising."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TRUE = frozenset({"1", "true", "yes"})
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")
_FALSE = frozenset({"", "0", "false", "no", "none"})


def number(value: object) -> float:
    """The value as a finite float, else NaN.

    Text is accepted where it is a plain decimal number; digit separators (``1_000``) and decimal commas
    are not, because they are more often a mistake than a number.

    Examples:
        >>> number("12.5"), number(3)
        (12.5, 3.0)
        >>> number("inf"), number("1_0"), number("12,5"), number(True), number(None)
        (nan, nan, nan, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return math.nan
    if isinstance(value, str) and "_" in value:
        return math.nan
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    """`number` of each cell, ``(N,)``, many times faster where all of them are numbers.

    Examples:
        >>> numbers(["1", "2.5"]), numbers(["1", "x"])
        (array([1. , 2.5]), array([ 1., nan]))
    """
    try:
        values = np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        return np.array(list(map(number, cells)), dtype=np.float64)
    if "_" in "".join(cells):
        return np.array(list(map(number, cells)), dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def without_decimal_commas(cells: list[str]) -> list[str]:
    """Cells whose numbers have a point for a comma; other text stays.

    Examples:
        >>> without_decimal_commas(["12,5", "1,234,5", "-,5", "x,y"])
        ['12.5', '1,234,5', '-.5', 'x,y']
    """
    return [cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in cells]


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or comma.

    Examples:
        >>> is_number("12.5"), is_number("12,5"), is_number("x")
        (True, True, False)
    """
    return not math.isnan(number(cell.replace(",", ".", 1)))


def flag(value: object) -> bool | None:
    """The value as a truth value, ``None`` where it is neither.

    Examples:
        >>> flag("1"), flag(0), flag("No"), flag(""), flag(None), flag("maybe")
        (True, False, False, False, False, None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def text_of(value: object) -> str:
    """The value as text that can be written to a file: empty for lists and objects.

    Examples:
        >>> text_of("cell"), text_of(7), text_of(None), text_of([[1]])
        ('cell', '7', '', '')
    """
    if value is None or not isinstance(value, (str, int, float)):
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def shown(value: object, limit: int = 80) -> str:
    r"""The value as one short line, for a message.

    Examples:
        >>> shown("a\nb"), shown("x" * 10, limit=5), shown([1])
        ('a b', 'xxxx…', 'list')
    """
    value = value[: 4 * limit] if isinstance(value, str) else value
    text = text_of(value)[: 4 * limit] if isinstance(value, (str, int, float)) else type(value).__name__
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
