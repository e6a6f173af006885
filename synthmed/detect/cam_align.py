"""Class activation maps laid over their image, in numpy; `synthmed.nets.cam_pooling` has it in torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]


def align_maps(maps: Maps, stride: int, shape_px: Sequence[int], wanted_px: Sequence[int]) -> Maps:
    """Lay maps over an image, without a shift.

    Cell ``i`` stands for the pixels ``[i * stride, (i + 1) * stride)`` of the network's input. Between the
    centres of cells values are interpolated linearly; towards the border they fall or stay, so that a peak
    lies at the centre of its cell also there.

    Args:
        maps: ``(C, rows, columns)`` float, possibly with padding at the bottom and right.
        stride: pixels of the network's input per cell.
        shape_px: height and width of the resized image, without its padding.
        wanted_px: height and width of the image that the maps are laid over.

    Returns:
        ``(C, *wanted_px)`` float32.

    Examples:
        >>> align_maps(np.array([[[0, 4]]], dtype=np.float32), 2, (2, 4), (2, 4))[0].tolist()
        [[0.0, 1.0, 3.0, 3.0], [0.0, 1.0, 3.0, 3.0]]
    """
    rows, columns = (-(-int(side) // stride) for side in shape_px)
    laid = maps[:, :rows, :columns].astype(np.float32)
    for axis in (1, 2):
        laid = _bordered(laid, axis)
    for axis in (1, 2):
        laid = _interpolated(laid, axis, stride, int(shape_px[axis - 1]), int(wanted_px[axis - 1]))
    return laid


def _bordered(maps: Maps, axis: int) -> Maps:
    """One more cell on each side, from which values fall towards the border, or stay."""
    first, last = (np.take(maps, [place], axis) for place in (0, -1))
    if maps.shape[axis] > 1:
        first = np.minimum(first, np.take(maps, [1], axis))
        last = np.minimum(last, np.take(maps, [-2], axis))
    return np.concatenate([first, maps, last], axis=axis)


def _interpolated(maps: Maps, axis: int, stride: int, shown_px: int, wanted_px: int) -> Maps:
    """The value at the centre of each wanted pixel along one axis of bordered maps."""
    maps = np.moveaxis(maps, axis, -1)
    at = (np.arange(wanted_px) + 0.5) * (shown_px / wanted_px / stride) + 0.5
    before = np.clip(np.floor(at).astype(np.int64), 0, maps.shape[-1] - 2)
    share = (at - before).astype(np.float32)
    laid = maps[..., before] * (1 - share) + maps[..., before + 1] * share
    return np.moveaxis(laid, -1, axis)
