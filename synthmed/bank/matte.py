"""Mattes: how much of each pixel of a patch is object, 255 for all and 0 for none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def square_matte(shape_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The whole patch, as the method's paper pastes it.

    Args:
        shape_px: ``(height, width)``.
    """
    return np.full(shape_px, 255, dtype=np.uint8)


def round_matte(shape_px: tuple[int, int], feather: float) -> NDArray[np.uint8]:
    """The inscribed ellipse, with an edge that fades over the outer ``feather`` of the radius.

    Args:
        shape_px: ``(height, width)``.
        feather: width of the edge as a share of the radius, in (0, 1].

    Examples:
        >>> round_matte((5, 5), 0.5)
        array([[  0,  54, 102,  54,   0],
               [ 54, 222, 255, 222,  54],
               [102, 255, 255, 255, 102],
               [ 54, 222, 255, 222,  54],
               [  0,  54, 102,  54,   0]], dtype=uint8)
    """
    # Whole numbers until the division, so that both halves round alike.
    row, column = (np.abs(2 * np.arange(n) + 1 - n) / n for n in shape_px)
    radius = np.hypot(row[:, None], column[None, :])
    # Linear in the radius: one period of any smoother ramp is not visible at the few pixels of a feather.
    alpha = np.clip((1 - radius) / feather, 0, 1)
    return np.rint(alpha * 255).astype(np.uint8)
