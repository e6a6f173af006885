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


def segmented_matte(mask: NDArray[np.bool_], others: NDArray[np.bool_], feather: float) -> NDArray[np.uint8]:
    """A mask with a soft edge laid across its own: the matte is above one half inside the mask.

    Where another object lies beside it the edge fades inwards instead, so that nothing of that comes along.

    Args:
        mask: ``(h, w)`` bool, with some room for the edge round it.
        others: ``(h, w)`` bool, the masks of other objects.
        feather: width of the edge as a share of the radius of a disc of the same area.

    Examples:
        >>> mask = np.array([[0, 0, 1, 1, 1, 1, 1, 0, 0]], bool)
        >>> others = np.array([[0, 0, 0, 0, 0, 0, 0, 0, 1]], bool)
        >>> segmented_matte(mask, others, 1.0)
        array([[  0,  64, 191, 255, 255, 255, 191,  64,   0]], dtype=uint8)
    """
    from scipy import ndimage

    width = edge_px(mask, feather)
    # Half a pixel less: distances are between pixel centres, and the edge runs between two of them.
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, constant_values=True))[1:-1, 1:-1] - 0.5
    outside = ndimage.distance_transform_edt(~mask) - 0.5
    alpha = np.clip(0.5 + np.where(mask, inside, -outside) / width, 0, 1)
    if others.any():
        away = ndimage.distance_transform_edt(~others) - 0.5
        alpha = np.minimum(alpha, np.clip(away / width, 0, 1))
    return np.asarray(np.rint(alpha * 255), dtype=np.uint8)


def edge_px(mask: NDArray[np.bool_], feather: float) -> float:
    """Width of the soft edge of a segmented matte; two pixels at least, as optics make none sharper."""
    return max(2.0, feather * float(np.sqrt(mask.sum() / np.pi)))
