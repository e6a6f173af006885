"""How far each pixel stands out from the background of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.background import Background

_SMOOTHING_PX = 1.0
_STRIDE = 4
_TOLERANCES = (20.0, 12.0, 12.0)
_SMALLEST_SHARE = 0.05
_DARK_SHARE = 0.5
"""How much of a difference in colour must be darkness: of another hue alone, noise would decide the sign."""

_LEAST_SAMPLES = 4


def contrast_map(image: NDArray[np.uint8], background: Background) -> NDArray[np.float32]:
    """Distance in colour of each slightly smoothed pixel to the background at its place.

    Light falls unevenly on most slides, so the background is a quadratic surface per channel, fitted by least
    squares to the pixels near it, and three times so that shaded corners come to belong to them.

    Args:
        image: ``(H, W, 3)`` uint8.
        background: its colour in most places, as `estimate_background` finds it.

    Returns:
        ``(H, W)`` float32, in grey levels; negative where the pixel is clearly darker than the background.
    """
    smooth = ndimage.gaussian_filter(image.astype(np.float32), (_SMOOTHING_PX, _SMOOTHING_PX, 0))
    height, width = smooth.shape[:2]
    row = np.linspace(-1, 1, height, dtype=np.float32)
    column = np.linspace(-1, 1, width, dtype=np.float32)
    coefficients = _fit(smooth[::_STRIDE, ::_STRIDE], row[::_STRIDE], column[::_STRIDE], background)
    total = np.zeros((height, width), dtype=np.float32)
    squares = np.zeros_like(total)
    for channel in range(3):
        difference = smooth[:, :, channel] - _surface(coefficients[:, channel], row, column)
        total += difference
        squares += difference**2
    distance = np.sqrt(squares)
    return np.asarray(np.where(total < -_DARK_SHARE * distance, -distance, distance))


def _fit(
    pixels: NDArray[np.float32], row: NDArray[np.float32], column: NDArray[np.float32], background: Background
) -> NDArray[np.float32]:
    """``(6, 3)`` coefficients of the background surface; a constant where too little background is seen."""
    coefficients = np.zeros((6, 3), dtype=np.float32)
    coefficients[0] = background.color
    terms = _terms(*np.meshgrid(row, column, indexing="ij"))
    if min(pixels.shape[:2]) < _LEAST_SAMPLES:
        return coefficients
    for tolerance in _TOLERANCES:
        near = np.abs(pixels - terms @ coefficients).max(axis=2) < tolerance
        if near.sum() < max(_SMALLEST_SHARE * near.size, 2 * len(coefficients)):
            break
        coefficients = np.linalg.lstsq(terms[near], pixels[near], rcond=None)[0]
    return coefficients


def _terms(row: NDArray[np.float32], column: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([np.ones_like(row), row, column, row * row, row * column, column * column], axis=-1)


def _surface(
    coefficients: NDArray[np.float32], row: NDArray[np.float32], column: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The surface of one channel, without holding all of its terms for every pixel of a large image."""
    constant, down, right, down_2, both, right_2 = coefficients
    along_rows = (constant + down * row + down_2 * row**2)[:, None]
    along_columns = (right * column + right_2 * column**2)[None, :]
    return np.asarray(along_rows + along_columns + both * row[:, None] * column[None, :])
