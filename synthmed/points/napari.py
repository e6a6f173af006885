"""Points in CSV files of napari: ``index,axis-0,axis-1[,axis-2]`` and one column for each property.

The last two axes are row and column. napari lays the centre of a pixel at whole numbers (its documentation:
the pixel at index (0, 0) spans -0.5 to 0.5), so half a pixel is added. The class is the property class,
type, label, category or name. The file does not name its image.
"""

from __future__ import annotations

import numpy as np

from synthmed.errors import PointsError
from synthmed.points.marks import Mark, no_objects
from synthmed.points.problems import Reason
from synthmed.points.tool_table import CLASS_COLUMNS, header_of, read_table

_MAX_AXES = 8


def is_napari(text: str) -> bool:
    r"""Whether a text opens as a table of napari.

    Examples:
        >>> is_napari("index,axis-0,axis-1\n"), is_napari("index,x,y")
        (True, False)
    """
    return {"axis-0", "axis-1"} <= set(header_of(text))


def napari_marks(text: str, path: object) -> list[Mark]:
    """The points of a table of napari.

    Raises:
        PointsError: if it is not a table with at least two axes.
    """
    table = read_table(text, path)
    axes = [table.values(f"axis-{number}") for number in range(_MAX_AXES)]
    known = [axis for axis in axes if axis is not None]
    if len(known) < 2:
        raise PointsError(
            "the table has no axis-0 and axis-1", file=path, remedy="save a points layer of napari as CSV"
        )
    if not table.rows:
        return [no_objects()]
    centers = np.column_stack(known)[:, -2:] + 0.5
    deeper = np.abs(np.column_stack([*known[:-2], np.zeros(len(centers))])).max(axis=1) >= 0.5
    labels = table.texts(*CLASS_COLUMNS) or [""] * len(centers)
    ids = table.texts("index") or [""] * len(centers)
    return [
        Mark(
            x,
            y,
            label,
            id=index,
            row=line,
            reason=Reason.PLANE if deep else None,
            shown=f"{y - 0.5}, {x - 0.5}",
        )
        for (y, x), label, index, line, deep in zip(
            centers.tolist(), labels, ids, table.lines, deeper.tolist(), strict=True
        )
    ]
