"""Medians of the colours of chosen pixels, by counting: 8 bits have no more than 256 levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled


def channel_medians(image: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The median of each channel over the chosen pixels, ``(3,)``, as `numpy.median` gives it.

    Args:
        image: ``(h, w, 3)`` uint8.
        chosen: ``(h, w)`` bool, at least one pixel.

    Examples:
        >>> channel_medians(np.array([[[1, 5, 9], [2, 6, 9]]], np.uint8), np.array([[True, True]]))
        array([1.5, 5.5, 9. ])
    """
    counts = _counts(image, chosen)
    middle = int(chosen.sum()) - 1
    levels = [
        [np.searchsorted(sums, place, side="right") for place in (middle // 2, (middle + 1) // 2)]
        for sums in counts.cumsum(axis=1)
    ]
    return np.asarray(np.mean(levels, axis=1), dtype=np.float64)


@compiled
def _counts(image: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    counts = np.zeros((3, 256), dtype=np.int64)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            if chosen[row, column]:
                for channel in range(3):
                    counts[channel, image[row, column, channel]] += 1
    return counts
