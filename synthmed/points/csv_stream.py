"""A CSV file of any length as columns, read line by line, so that it takes little more memory than they."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError
from synthmed.points.csv_rows import Cells
from synthmed.points.problems import MAX_ID_LENGTH
from synthmed.points.values import numbers, without_decimal_commas
from synthmed.points.words import Words, number_words

MAX_LINES = 20_000_000
"""More lines are refused: each takes about 200 bytes in memory."""

_LONGEST_LINE = 2**20
_PART_ROWS = 50_000
_MOST_WORDS = 1_000_000

_LARGEST = 100_000
_MOST_TEXTS = 100_000
"""Coordinates below 0 or above `_LARGEST` keep their text for messages, so many rows at most."""
_WORDS = ("image", "label", "split", "group", "edge")

Places = dict[str, int]
Row = tuple[int, list[str]]


def stream_cells(
    file: TextIO, path: object, choose: Callable[[str], str], find: Callable[[list[str]], Places]
) -> Cells:
    """Read a table, a part of it at a time.

    Args:
        file: the text, with its line ends as they are.
        path: its name, for messages.
        choose: tells the delimiter from the first line with text.
        find: tells the place of each column from the header.

    Raises:
        PointsError: if it is no table, has a line that is too long, or too many of them.
    """
    delimiters: list[str] = []

    def chosen(first: str) -> str:
        delimiters.append(choose(first))
        return delimiters[0]

    rows = _rows(file, path, chosen)
    header = next((row for _, row in rows if any(cell.strip() for cell in row)), None)
    if header is None:
        raise PointsError("the annotation file is empty", file=path, remedy="write at least one point")
    columns = _Columns(find(header), len(header), path, comma=delimiters[0] != ",")
    while part := list(islice(rows, _PART_ROWS)):
        columns.add(part)
    return columns.cells()


def _lines(file: TextIO, path: object) -> Iterator[str]:
    """The lines, none of them longer than is sane, and not too many."""
    for number in range(1, MAX_LINES + 2):
        line = file.readline(_LONGEST_LINE)
        if not line:
            return
        if "\0" in line or len(line) >= _LONGEST_LINE:
            what = "the annotation file is not text" if "\0" in line else "the line is too long for a table"
            raise PointsError(what, file=path, row=number, remedy="save it as a CSV file in UTF-8")
        yield line
    raise PointsError(
        f"the file holds more than {MAX_LINES:,} lines",
        file=path,
        remedy="split it, by image say, and read one part at a time",
    )


def _rows(file: TextIO, path: object, choose: Callable[[str], str]) -> Iterator[Row]:
    """The rows that have any text, each with the line that it begins on."""
    lines, before = _lines(file, path), []
    for first in lines:
        before.append(first)
        if first.strip():
            break
    else:
        return
    reader = csv.reader(chain(before, lines), delimiter=choose(first))
    line = 1
    try:
        for row in reader:
            if any(row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise PointsError(
            "the line is not CSV", file=path, row=line, value=str(error), remedy="save the table as CSV again"
        ) from error


class _Columns:
    """The columns so far.

    Args:
        places: name of the column -> its place in a row.
        width: the number of cells in the header.
        path: the file, for messages.
        comma: whether a comma may be the decimal mark.
    """

    def __init__(self, places: Places, width: int, path: object, comma: bool) -> None:
        self.comma = comma
        self._places, self._width, self._path = places, width, path
        self._needed = 1 + max(places[name] for name in ("image", "x", "y", "label"))
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in _WORDS if name in places}
        self._codes: dict[str, list[NDArray[np.int32]]] = {name: [] for name in self._numbers}
        self._lines: list[NDArray[np.int64]] = []
        self._centers: list[NDArray[np.float64]] = []
        self._ragged: list[NDArray[np.bool_]] = []
        self._negative: list[NDArray[np.bool_]] = []
        self._ids: list[str] = []
        self._strange: dict[int, tuple[str, str]] = {}
        self._count = 0

    def add(self, part: Sequence[Row]) -> None:
        """Add some rows."""
        rows = [row for _, row in part]
        self._lines.append(np.array([line for line, _ in part], dtype=np.int64))
        lengths = np.array([len(row) for row in rows])
        beyond = [bool(len(row) > self._width and any(row[self._width :])) for row in rows]
        self._ragged.append((lengths < self._needed) | np.array(beyond, dtype=bool))
        if lengths.min() < self._width:
            blank = [""] * self._width
            rows = [row if len(row) >= self._width else row + blank[len(row) :] for row in rows]
        cells = {name: [row[place].strip() for row in rows] for name, place in self._places.items()}
        for name, known in self._numbers.items():
            self._codes[name].append(number_words(cells[name], known))
            if len(known) > _MOST_WORDS:
                raise PointsError(
                    f"the column {name} has more than {_MOST_WORDS:,} different words",
                    file=self._path,
                    remedy="check the headers (--column FIELD=HEADER), or split the file",
                )
        xs, ys = cells["x"], cells["y"]
        if self.comma:
            xs, ys = without_decimal_commas(xs), without_decimal_commas(ys)
        told = zip(xs, ys, cells["label"], strict=True)
        self._negative.append(np.array([not (x or y or label) for x, y, label in told], dtype=bool))
        centers = np.column_stack([numbers(ys), numbers(xs)])
        self._centers.append(centers)
        # NaN is neither above nor below anything, and so is kept too.
        strange = np.flatnonzero(~((centers >= 0) & (centers < _LARGEST)).all(axis=1)).tolist()
        for row in strange[: max(0, _MOST_TEXTS - len(self._strange))]:
            self._strange[self._count + row] = (xs[row][:200], ys[row][:200])
        self._ids += [one[: MAX_ID_LENGTH + 1] for one in cells.get("id", ())]
        self._count += len(rows)

    def cells(self) -> Cells:
        """All rows."""
        centers = np.concatenate(self._centers or [np.zeros((0, 2))])
        self._centers.clear()
        ids, strange = self._ids, self._strange

        def said(row: int, name: str) -> str:
            if name == "id":
                return ids[row]
            down, right = centers[row]
            return strange.get(row, (f"{right:.12g}", f"{down:.12g}"))[name == "y"]

        empty = np.zeros(0, dtype=np.int32)
        return Cells(
            str(self._path),
            np.concatenate([empty, *self._lines]).astype(np.int64),
            {
                name: Words(np.concatenate([empty, *codes]), list(self._numbers[name]))
                for name, codes in self._codes.items()
            },
            np.concatenate([empty, *self._negative]).astype(bool),
            np.concatenate([empty, *self._ragged]).astype(bool),
            centers,
            said,
            ids=ids if any(ids) else None,
        )
