"""Gaussian blur in integers, so that every machine gives the same bytes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

_REACH = 3.0
_UNIT = 1 << 15


def reach_px(sigma_px: float) -> int:
    """How far a blur carries light, in whole pixels; 0 where it does nothing."""
    return math.ceil(_REACH * sigma_px) if sigma_px >= 0.15 else 0


def blur(image: NDArray[np.uint8], sigma_px: float) -> NDArray[np.uint8]:
    """An image blurred, its border pixels continued outwards.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        sigma_px: standard deviation in pixels.

    Examples:
        >>> blur(np.array([[0, 0, 0, 255, 0, 0, 0]], dtype=np.uint8), 1.0).tolist()
        [[1, 14, 62, 102, 62, 14, 1]]
    """
    reach = reach_px(sigma_px)
    if reach == 0 or not image.size:
        return np.array(image)
    height, width = image.shape[:2]
    channels = image.size // (height * width)
    blurred = np.empty((height, width * channels), dtype=np.uint8)
    _blur(image.reshape(height, width * channels), channels, kernel(sigma_px, reach), blurred)
    return blurred.reshape(image.shape)


def kernel(sigma_px: float, reach: int) -> NDArray[np.int64]:
    """Weights ``(2 * reach + 1,)`` in 1/32768, symmetric, 32768 in all."""
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    whole = np.rint(weights / weights.sum() * _UNIT).astype(np.int64)
    whole[reach] += _UNIT - whole.sum()
    return np.asarray(whole)


@compiled
def _blur(
    values: NDArray[np.uint8], channels: int, weights: NDArray[np.int64], blurred: NDArray[np.uint8]
) -> None:
    """Blur along rows, then along columns.

    Args:
        values: ``(H, W * C)``.
        channels: C.
        weights: ``(2 R + 1,)``, 32768 in all.
        blurred: ``(H, W * C)``, written.
    """
    height, stride = values.shape
    reach = len(weights) // 2
    rim = reach * channels
    # Between the two steps one value is 1/128 of a grey level.
    between = np.empty((height, stride), dtype=np.uint16)
    line = np.empty(stride + 2 * rim, dtype=np.uint8)
    total = np.empty(stride, dtype=np.uint32)
    for i in range(height):
        line[rim : rim + stride] = values[i]
        for s in range(rim):
            line[s] = values[i, s % channels]
            line[rim + stride + s] = values[i, stride - channels + s % channels]
        total[:] = 128
        for t in range(len(weights)):
            weight, shifted = np.uint32(weights[t]), line[t * channels : t * channels + stride]
            for s in range(stride):
                total[s] += weight * np.uint32(shifted[s])
        for s in range(stride):
            between[i, s] = total[s] >> np.uint32(8)
    for i in range(height):
        total[:] = 1 << 21
        for t in range(len(weights)):
            weight, other = np.uint32(weights[t]), between[min(max(i + t - reach, 0), height - 1)]
            for s in range(stride):
                total[s] += weight * np.uint32(other[s])
        for s in range(stride):
            blurred[i, s] = total[s] >> np.uint32(22)
