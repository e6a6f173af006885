"""From images of any depth to 8 bits, by one rule for all of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRETCH_PERCENTILES = (0.1, 99.9)


def find_window(values: NDArray[np.generic]) -> tuple[float, float]:
    """The levels that become black and white: the 0.1 and the 99.9 percentile, which microscopes display.

    Where both are one level, the smallest and the largest.

    Examples:
        >>> find_window(np.array([7, 7, 7], dtype=np.uint16)), find_window(np.array([0] * 9000 + [9] * 9000))
        ((7.0, 7.0), (0.0, 9.0))
    """
    finite = _finite(values)
    low, high = np.percentile(finite, STRETCH_PERCENTILES)
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return float(low), float(high)


def to_uint8(values: NDArray[np.generic], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Values stretched linearly from a window to 0..255; a window without width becomes black.

    Examples:
        >>> to_uint8(np.array([0, 500, 1000, 4000], dtype=np.uint16), (0, 1000))
        array([  0, 128, 255, 255], dtype=uint8)
    """
    low, high = window
    scaled = (_finite(values) - low) / max(high - low, np.finfo(float).tiny) * 255
    stretched: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return stretched


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.clip(np.nan_to_num(values.astype(np.float64)), -1e30, 1e30)
