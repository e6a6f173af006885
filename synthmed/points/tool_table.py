"""Tables of ImageJ and napari: columns by name, numbers with a decimal point or comma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.points.parsed import likely_delimiter, parse_table
from synthmed.points.values import numbers, without_decimal_commas

CLASS_COLUMNS = ("class", "type", "label", "category", "counter", "name")


@dataclass(frozen=True)
class ToolTable:
    """A table with a header.

    Attributes:
        header: the folded names of the columns.
        rows: the rows below, all as long as the header.
        lines: the line that each row begins on.
        comma: whether a comma may be the decimal mark.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    comma: bool

    def texts(self, *names: str) -> list[str] | None:
        """The cells of the first of these columns that is there, ``None`` where none is."""
        for name in names:
            if name in self.header:
                place = self.header.index(name)
                return [row[place].strip() for row in self.rows]
        return None

    def values(self, name: str) -> NDArray[np.float64] | None:
        """The numbers of a column, NaN where a cell is none; ``None`` where the column is missing."""
        cells = self.texts(name)
        if cells is None:
            return None
        if self.comma:
            cells = without_decimal_commas(cells)
        return numbers(cells)


def read_table(text: str, path: object) -> ToolTable:
    """Split a table of a tool.

    Raises:
        PointsError: if it is not a table.
    """
    rows, lines, delimiter = parse_table(text, path, likely_delimiter)
    header = folded(rows[0])
    width = len(header)
    full = [(row + [""] * width)[:width] for row in rows[1:]]
    return ToolTable(header, full, lines[1:], comma=delimiter != ",")


def folded(cells: Sequence[str]) -> list[str]:
    """Names of columns without case and surrounding space."""
    return [cell.strip().casefold() for cell in cells]


def header_of(text: str) -> list[str]:
    """The folded names of the columns of what may be a table."""
    lines = text.lstrip("\r\n").splitlines()
    line = lines[0][:20_000] if lines else ""
    return [cell.strip(' "\t').casefold() for cell in line.split(likely_delimiter(line))]
