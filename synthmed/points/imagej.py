"""Points in Results tables of ImageJ and Fiji, with comma, tab or semicolon, decimal point or comma.

ImageJ gives positions of points with respect to pixel centres: a whole number is the centre of a pixel, so
half a pixel is added (ImageJ's source, ``Roi``: for lines and points "integer Roi coordinates correspond to
the center of the 1x1 rectangle enclosing a pixel"). The centroid of an area is given with respect to the
outer corner already, so a row with an Area above zero, as *Analyze Particles* writes it, stays as it is. X
and Y stand in the unit of the image's calibration, which the table does not name: give the pixel size in
that unit.

The class is in a column Class, Type, Category or Counter, the image in Label (``title`` or
``title:slice``), else the file's name tells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError
from synthmed.points.marks import Mark, no_objects
from synthmed.points.problems import Reason
from synthmed.points.tool_table import ToolTable, header_of, read_table

_MEASURES = {"area", "mean", "slice", "counter", "type", "min", "max", "xm", "count", "ch", "frame", "value"}
_CLASS_COLUMNS = ("class", "type", "category", "counter")


def is_imagej(text: str) -> bool:
    r"""Whether a text opens as a Results table: X and Y beside a row number or a measurement.

    Examples:
        >>> is_imagej(" ,Area,X,Y\n1,0,3,4"), is_imagej("image,x,y,label")
        (True, False)
    """
    header = header_of(text)
    placed = {"x", "y"} <= set(header) or {"bx", "by"} <= set(header)
    return placed and "image" not in header and (header[0] == "" or bool(_MEASURES & set(header)))


def imagej_marks(text: str, path: object, pixel_size: float = 1.0) -> list[Mark]:
    """The points of a Results table.

    Args:
        text: the table.
        path: its file, for messages.
        pixel_size: side of a pixel in the unit of X and Y.

    Raises:
        PointsError: if it is not a table, or has no positions.
    """
    table = read_table(text, path)
    box = _boxes(table)
    x, y = table.values("x"), table.values("y")
    if x is None or y is None:
        if box is None:
            raise PointsError(
                "the table has neither X and Y nor BX, BY, Width and Height",
                file=path,
                remedy="tick Centroid or Bounding rectangle in Set Measurements, and measure again",
            )
        x, y = box[:, 0] + box[:, 2] / 2, box[:, 1] + box[:, 3] / 2
        half = np.zeros(len(x))
    else:
        area = table.values("area")
        half = np.full(len(x), 0.5) if area is None else np.where(area > 0, 0.0, 0.5)
    if not len(x):
        return [no_objects()]
    x, y = x / pixel_size + half, y / pixel_size + half
    sizes = np.full((len(x), 2), np.nan) if box is None else box[:, 2:] / pixel_size
    sizes[~(sizes > 0).all(axis=1)] = np.nan
    return _marks(table, x, y, sizes)


def _boxes(table: ToolTable) -> NDArray[np.float64] | None:
    columns = [table.values(name) for name in ("bx", "by", "width", "height")]
    known = [column for column in columns if column is not None]
    return np.column_stack(known) if len(known) == 4 else None


def _marks(
    table: ToolTable, x: NDArray[np.float64], y: NDArray[np.float64], sizes: NDArray[np.float64]
) -> list[Mark]:
    count = len(x)
    blank = [""] * count
    labels = table.texts(*_CLASS_COLUMNS) or blank
    images = table.texts("label") or blank
    first = np.ones(count, bool)
    for name in ("slice", "frame"):
        plane = table.values(name)
        if plane is not None:
            first &= ~(plane > 1)
    shown = zip(table.texts("x", "bx") or blank, table.texts("y", "by") or blank, strict=True)
    return [
        Mark(
            px,
            py,
            label=label,
            image=image,
            width=width,
            height=height,
            row=line,
            reason=None if at_first else Reason.PLANE,
            shown=f"{a}, {b}",
        )
        for px, py, (width, height), label, image, line, at_first, (a, b) in zip(
            x.tolist(),
            y.tolist(),
            sizes.tolist(),
            labels,
            images,
            table.lines,
            first.tolist(),
            shown,
            strict=True,
        )
    ]
