"""The eight turns that a photograph's EXIF orientation can ask for, applied to points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def from_stored(
    centers_px: NDArray[np.float64], shape_px: NDArray[np.float64], orientation: int
) -> NDArray[np.float64]:
    """Points of the stored picture, as they lie on the upright one.

    Args:
        centers_px: ``(N, 2)`` row and column in the picture as it is stored.
        shape_px: ``(2,)`` of the upright picture.
        orientation: the EXIF tag (EXIF 2.3, 4.6.4 A): 1 is upright, 6 is turned a quarter clockwise to be it.

    Examples:
        >>> from_stored(np.array([[1.0, 2.0]]), np.array([60.0, 40.0]), 6)
        array([[ 2., 39.]])
    """
    row, column = centers_px.T
    height, width = shape_px
    upright = {
        2: (row, width - column),
        3: (height - row, width - column),
        4: (height - row, column),
        5: (column, row),
        6: (column, width - row),
        7: (height - column, width - row),
        8: (height - column, row),
    }.get(orientation, (row, column))
    return np.column_stack(upright)
