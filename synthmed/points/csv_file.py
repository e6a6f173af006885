"""Points in CSV files: ``image,x,y,label[,split][,group][,edge][,id]``, one row per object.

``x`` runs to the right and ``y`` down, in pixels from the outer corner of the first pixel, so the centre of
that pixel is (0.5, 0.5). A row with an image and neither x, y nor label lists an image without objects.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.assemble import check_arguments
from synthmed.points.csv_rows import points_of_cells
from synthmed.points.csv_stream import stream_cells
from synthmed.points.folder import ImageFolder, Progress
from synthmed.points.parsed import DELIMITERS
from synthmed.points.pointset import PointSet
from synthmed.points.text_file import open_text
from synthmed.points.values import is_number

REQUIRED = ("image", "x", "y", "label")

_SYNONYMS = {
    "image": ("filename", "file", "file_name", "image_name", "imagename", "image name", "file name"),
    "x": ("cx", "center_x", "centre_x", "x_px"),
    "y": ("cy", "center_y", "centre_y", "y_px"),
    "label": ("class", "class_name", "category", "name"),
}
"""Headers that are taken where the proper one is missing, and only one of them is there."""


@dataclass(frozen=True)
class CsvColumns:
    """The header of each column; case and surrounding spaces do not matter.

    Examples:
        >>> CsvColumns(image="file", label="cell type").image
        'file'
    """

    image: str = "image"
    x: str = "x"
    y: str = "y"
    label: str = "label"
    split: str = "split"
    group: str = "group"
    edge: str = "edge"
    id: str = "id"

    @classmethod
    def from_pairs(cls, pairs: Iterable[str]) -> CsvColumns:
        """Columns from ``COLUMN=HEADER`` words, as a command line has them.

        Raises:
            PointsError: if a word has no ``=`` or names no column.

        Examples:
            >>> CsvColumns.from_pairs(["x=col", "y=row"]).x
            'col'
        """
        names = [column.name for column in fields(cls)]
        chosen = {}
        for pair in pairs:
            column, equals, header = pair.partition("=")
            if not equals or column.strip() not in names or not header.strip():
                raise PointsError(
                    "not a column and its header",
                    value=pair,
                    remedy=f"write {', '.join(names)} as NAME=HEADER",
                )
            chosen[column.strip()] = header.strip()
        return cls(**chosen)


def read_csv(
    path: str | os.PathLike[str],
    images_dir: str | os.PathLike[str],
    *,
    columns: CsvColumns | None = None,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
    keep_outside: bool = False,
) -> PointSet:
    """Read points from a CSV file, with comma, semicolon or tab between cells.

    Usual synonyms of headers are taken (``filename``, ``class``, ``cx`` ...), a decimal comma where cells are
    not parted by commas, and a name without suffix where one image alone has it.

    Rows that cannot be used are skipped and noted in ``log``. An image whose rows were all skipped is left
    out.

    Args:
        path: the file.
        images_dir: the folder that image names are relative to.
        columns: the header of each column.
        classes: the classes in order; rows of others are skipped. By default the names found, sorted.
        split: the split of every image where the file has no split column. By default `default_splits`.
        log: takes up the skipped rows.
        progress: called as images are checked.
        keep_outside: whether points outside their image are kept, as `check_points` needs them.

    Raises:
        PointsError: if the file is empty or unreadable, a column is missing, an image path leaves the folder,
            or no usable point is left; with a strict log also at the first row that cannot be used.
    """
    check_arguments(classes, split)
    wanted = columns or CsvColumns()
    with open_text(path) as file:
        cells = stream_cells(
            file, path, lambda line: _delimiter(line, wanted), lambda header: _places(header, path, wanted)
        )
    return points_of_cells(
        cells,
        ImageFolder(images_dir),
        classes=classes,
        split=split,
        log=ProblemLog() if log is None else log,
        progress=progress,
        keep_outside=keep_outside,
    )


def write_csv(points: PointSet, path: str | os.PathLike[str]) -> None:
    """Write points with all columns that they tell; extents (``sizes_px``) have no place in this format.

    Raises:
        PointsError: if the points are not in two dimensions, or the file cannot be written.
    """
    if points.ndim != 2:
        raise PointsError(
            "CSV files hold points in two dimensions", value=points.ndim, remedy="write 2D points"
        )
    partial = Path(f"{os.fspath(path)}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(name for name in asdict(CsvColumns()) if name not in _left_out(points))
            writer.writerows(_rows(points))
        partial.replace(path)
    except OSError as error:
        raise PointsError(
            "the file cannot be written", file=path, value=error.strerror, remedy="name a writable place"
        ) from error


def _left_out(points: PointSet) -> set[str]:
    """The columns that the source of the points does not tell."""
    return {{"splits": "split"}.get(name, name) for name in points.unsaid}


def _rows(points: PointSet) -> Iterator[list[object]]:
    """A row for each point, and one for each image without any."""
    without = _left_out(points)
    columns = [
        points.image_index.tolist(),
        points.centers_px.tolist(),
        points.labels.tolist(),
        points.edge.tolist(),
        points.annotation_ids.tolist(),
    ]
    negatives = np.flatnonzero(np.bincount(points.image_index, minlength=len(points.images)) == 0)
    told = ["split" not in without, "edge" not in without]

    def row(image: int, x: str, y: str, label: str, edge: object, annotation_id: str) -> list[object]:
        split = [points.splits[image]] if told[0] else []
        mark = [edge] if told[1] else []
        return [points.images[image], x, y, label, *split, points.groups[image], *mark, annotation_id]

    for image, (y, x), label, edge, annotation_id in zip(*columns, strict=True):
        yield row(image, repr(x), repr(y), points.classes[label], int(edge), annotation_id)
    for image in negatives.tolist():
        yield row(image, "", "", "", "", "")


def _delimiter(first: str, columns: CsvColumns) -> str:
    """The delimiter that finds most of the expected headers, else most cells, in the first line with text."""
    wanted = {header.strip().casefold() for header in asdict(columns).values()}.union(*_SYNONYMS.values())

    def found(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip(' "').casefold() for cell in first.split(delimiter)]
        return len(wanted.intersection(cells)), len(cells)

    return max(DELIMITERS, key=found)


def _places(cells: list[str], path: object, columns: CsvColumns) -> dict[str, int]:
    """The place in a row of each column that the file has."""
    found = [cell.strip() for cell in cells]
    folded = [cell.casefold() for cell in found]
    asked = asdict(columns)
    named = {header.strip().casefold() for header in asked.values()}
    places: dict[str, int] = {}
    for column, header in asked.items():
        name = header.strip().casefold()
        if folded.count(name) > 1:
            raise PointsError(
                "a column is there twice", file=path, row=1, value=header, remedy="rename one of them"
            )
        others = _SYNONYMS.get(column, ()) if header == getattr(CsvColumns, column) else ()
        alike = [place for place, cell in enumerate(folded) if cell in others and cell not in named]
        if name in folded:
            places[column] = folded.index(name)
        elif len(alike) == 1:
            places[column] = alike[0]
    missing = [column for column in REQUIRED if column not in places]
    if missing:
        raise _missing(missing, found, path, asked)
    return places


def _missing(missing: list[str], found: list[str], path: object, asked: dict[str, str]) -> PointsError:
    """What is wrong with a header without some of the columns: it is none, or they have other names."""
    shown = f"the file has {', '.join(map(repr, found))}"[:400]
    if len(found) >= len(REQUIRED) and sum(map(is_number, found)) >= 2:
        return PointsError(
            f"the file has no header row; its first row is {', '.join(map(repr, found))}"[:400],
            file=path,
            row=1,
            remedy=f"add a first line that names the columns, such as {','.join(REQUIRED)}, in their order",
        )
    names = ", ".join(repr(asked[column]) for column in missing)
    what = f"the column {names} is" if len(missing) == 1 else f"the columns {names} are"
    options = " ".join(f"--column {column}=HEADER" for column in missing)
    return PointsError(
        f"{what} missing; {shown}",
        file=path,
        row=1,
        remedy=f"rename the {'column' if len(missing) == 1 else 'columns'}, or name the headers: {options}",
    )
