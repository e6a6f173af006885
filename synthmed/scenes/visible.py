"""Count what is left to be seen of each object when all are painted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

_AT_ONCE = 16
"""Pixels that vector units compare at once; a row is counted to a multiple of them."""


@compiled
def count_visible(
    owner: NDArray[np.uint16], corners: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the pixels that each object owns, soft edges not counted.

    Args:
        owner: ``(H, W)``, 0 or one plus the object that owns the pixel, as `paste_objects` writes it.
        corners: ``(M, 2)``, first row and column of each object, may be negative.
        sizes: ``(M, 2)``, rows and columns of each object.

    Returns:
        ``(M,)``.

    Examples:
        >>> owner = np.array([[1, 1, 2], [0, 2, 2]], dtype=np.uint16)
        >>> count_visible(owner, np.array([[0, 0], [0, 1]]), np.array([[2, 2], [2, 2]]))
        array([2, 3])
    """
    height, width = owner.shape
    flat = owner.reshape(-1)
    visible = np.empty(len(sizes), dtype=np.int64)
    for k in range(len(sizes)):
        value, count = np.uint16(k + 1), 0
        left = max(0, corners[k, 1])
        across = (sizes[k, 1] + _AT_ONCE - 1) // _AT_ONCE * _AT_ONCE
        length = min(width, corners[k, 1] + across) - left
        for y in range(max(0, corners[k, 0]), min(height, corners[k, 0] + sizes[k, 0])):
            own = np.uint32(0)
            for j in range(length):
                # Unsigned indices spare numba's test whether an index counts from the end.
                own += np.uint32(flat[np.uintp(y * width + left + j)] == value)
            count += np.int64(own)
        visible[k] = count
    return visible
