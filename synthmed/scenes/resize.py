"""Resize an image by bilinear interpolation, in integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled


@compiled
def resize(
    values: NDArray[np.uint8],
    channels: int,
    columns: int,
    row_taps: tuple[NDArray[np.int64], NDArray[np.int64]],
    column_taps: tuple[NDArray[np.int64], NDArray[np.int64]],
    resized: NDArray[np.uint8],
) -> None:
    """Resize an image by bilinear interpolation.

    Like OpenCV's ``INTER_LINEAR``, with which MMDetection resizes real images, it does not average where it
    makes smaller.

    Args:
        values: ``(rows * columns * channels,)``, the image, flat.
        channels: how many values a pixel has.
        columns: width of the image.
        row_taps: `linear_taps` of its height.
        column_taps: `linear_taps` of its width.
        resized: written, flat; may be longer than needed.
    """
    row, row_weight = row_taps
    column, column_weight = column_taps
    stride = columns * channels
    last = len(values) - stride
    # Between the two steps one row, in 1/256, its last pixel repeated so that each has a next one.
    line = np.empty(stride + channels, dtype=np.uint16)
    for i in range(len(row)):
        low = row[i] * stride
        high = min(low + stride, last)
        upper, lower = values[low : low + stride], values[high : high + stride]
        wanted, rest = np.uint32(row_weight[i]), np.uint32(256 - row_weight[i])
        for s in range(stride):
            line[s] = upper[s] * rest + lower[s] * wanted
        line[stride:] = line[stride - channels : stride]
        for j in range(len(column)):
            p, s = (i * len(column) + j) * channels, column[j] * channels
            wanted, rest = np.uint32(column_weight[j]), np.uint32(256 - column_weight[j])
            for channel in range(channels):
                a, b = line[np.uintp(s + channel)], line[np.uintp(s + channels + channel)]
                resized[np.uintp(p + channel)] = (a * rest + b * wanted + np.uint32(32768)) >> np.uint32(16)
