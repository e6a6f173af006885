"""Mattes: how much of each pixel of a patch comes along, 255 for all of it and 0 for nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF_LEVEL = 128
"""From this level on a pixel of a soft-edged matte belongs to the object."""

HALO_LEVEL = 230
"""The same in a halo matte, whose lower levels are what surrounds the object."""

_HALO_ALPHA = 0.8
"""Of the surroundings next to the object: `HALO_LEVEL` lies in the middle between it and the object's own, so
that the edge stays in its place when a matte is resized."""

_HALO_SHARE = 0.2
"""Width of the surroundings that come along, per side of the class."""

_LEAST_HALO_PX = 4.0
"""The same in pixels: optics make the halo of a small object no narrower."""

_GAP_PX = 2.0
"""So near to another object the surroundings have faded out."""


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


def halo_matte(mask: NDArray[np.bool_], others: NDArray[np.bool_], rim_px: float) -> NDArray[np.uint8]:
    """An object with its halo: all of the mask, and what surrounds it, fading out.

    The light round an object, the blur of its edge and the ends that a mask cut off belong to how it looks;
    background that comes along does no harm where it is matched to the canvas. Other objects do not come
    along.

    Args:
        mask: ``(h, w)`` bool, with room for the rim round it.
        others: ``(h, w)`` bool, the masks of other objects.
        rim_px: how far the surroundings reach.

    Returns:
        ``(h, w)`` uint8, at least `HALO_LEVEL` on the object and below it elsewhere.

    Examples:
        >>> mask = np.array([[0, 0, 0, 1, 1, 0, 0, 0, 0]], bool)
        >>> others = np.array([[0, 0, 0, 0, 0, 0, 0, 1, 1]], bool)
        >>> halo_matte(mask, others, 4.0)
        array([[102, 153, 204, 255, 255, 153,  51,   0,   0]], dtype=uint8)
    """
    from scipy import ndimage

    away = ndimage.distance_transform_edt(~mask) - 1
    alpha = np.clip(1 - away / rim_px, 0, 1)
    if others.any():
        gap = ndimage.distance_transform_edt(~others) - 0.5
        alpha = np.minimum(alpha, np.clip(gap / _GAP_PX, 0, 1))
    return np.asarray(np.rint(np.where(mask, 1, _HALO_ALPHA * alpha) * 255), dtype=np.uint8)


def halo_px(size_px: float) -> float:
    """How far the surroundings of an object come along, by the size of its class.

    Examples:
        >>> halo_px(9.0), halo_px(100.0)
        (4.0, 20.0)
    """
    return max(_LEAST_HALO_PX, _HALO_SHARE * size_px)


def edge_px(mask: NDArray[np.bool_], feather: float) -> float:
    """Width of the soft edge of a segmented matte; two pixels at least, as optics make none sharper."""
    return max(2.0, feather * float(np.sqrt(mask.sum() / np.pi)))
