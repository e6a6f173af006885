"""Paste patches onto a canvas: each is resized, mirrored, turned and blended, with integers throughout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.matte import HALF_LEVEL

# Marks a pixel of the instance mask that an object covers only with the soft edge of its matte.
SOFT = 1 << 15
MAX_OBJECTS = SOFT - 1

_FRACTION_BITS = 16
_ONE = 1 << _FRACTION_BITS


@compiled
def paste_objects(
    image: NDArray[np.uint8],
    owner: NDArray[np.uint16],
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    shapes: NDArray[np.int64],
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    flips: NDArray[np.bool_],
    turns: NDArray[np.int64],
    shifts: NDArray[np.int64],
    levels: NDArray[np.int64],
    visible: NDArray[np.int64],
    support: NDArray[np.int64],
) -> None:
    """Paste M objects one over the other.

    Args:
        image: ``(H, W, 3)``, painted on.
        owner: ``(H, W)``, 0 or one plus the object that owns the pixel, with `SOFT` set where only its soft
            edge covers it; written to.
        pixels: ``(T, 3)``, all patches of the bank.
        mattes: ``(T,)``.
        offsets: ``(M,)``, first pixel of each object's patch.
        shapes: ``(M, 2)``, shape of each object's patch.
        corners: ``(M, 2)``, first pixel of each object on the canvas, may be negative.
        sizes: ``(M, 2)``, shape of each object on the canvas.
        flips: ``(M,)``, whether the patch is mirrored left to right, before it is turned.
        turns: ``(M,)``, counter-clockwise quarter turns, 0 to 3.
        shifts: ``(M, 3)``, added to red, green and blue.
        levels: ``(M,)``, the alpha from which on a pixel belongs to the object; below it is its soft edge or
            its halo. With 0 the matte is ignored.
        visible: ``(M,)``, written: pixels that the object owns in the end, soft edges not counted.
        support: ``(M,)``, written: pixels that it would own alone on an unlimited canvas.
    """
    most = 0
    for k in range(len(sizes)):
        most = max(most, sizes[k, 0] * sizes[k, 1])
    colors = np.empty(3 * most, dtype=np.uint8)
    matte = np.full(most, 255, dtype=np.uint8)
    for k in range(len(sizes)):
        height, width = sizes[k, turns[k] % 2], sizes[k, 1 - turns[k] % 2]
        rows, columns = shapes[k, 0], shapes[k, 1]
        patch = slice(offsets[k], offsets[k] + rows * columns)
        row_taps, column_taps = linear_taps(rows, height), linear_taps(columns, width)
        resize(pixels[patch].ravel(), 3, columns, row_taps, column_taps, colors)
        if levels[k] > 0:
            resize(mattes[patch], 1, columns, row_taps, column_taps, matte)
        own = 0
        for p in range(height * width):
            own += matte[p] >= levels[k]
        support[k] = own
        path = walk(height, width, flips[k], turns[k])
        _blend(image, owner, visible, k, colors, matte, levels[k], shifts[k], corners[k], sizes[k], path)


@compiled
def _blend(
    image: NDArray[np.uint8],
    owner: NDArray[np.uint16],
    visible: NDArray[np.int64],
    k: int,
    colors: NDArray[np.uint8],
    matte: NDArray[np.uint8],
    level: int,
    shift: NDArray[np.int64],
    corner: NDArray[np.int64],
    size: NDArray[np.int64],
    path: tuple[int, int, int],
) -> None:
    """Blend object ``k`` into the canvas, its resized patch walked through along ``path`` (see `walk`)."""
    height, width = owner.shape
    start, down, right = path
    for i in range(max(0, -corner[0]), min(size[0], height - corner[0])):
        for j in range(max(0, -corner[1]), min(size[1], width - corner[1])):
            # Unsigned indices, here and below, spare numba's test whether an index counts from the end.
            y, x, p = np.uintp(corner[0] + i), np.uintp(corner[1] + j), np.uintp(start + down * i + right * j)
            alpha = np.int64(matte[p])
            before = np.int64(owner[y, x])
            # A halo of canvas light over another object would rub that one out.
            if alpha == 0 or (alpha < level and 0 < before < SOFT and level > HALF_LEVEL):
                continue
            for channel in range(3):
                value = min(
                    max(np.int64(colors[np.uintp(3) * p + np.uintp(channel)]) + shift[channel], 0), 255
                )
                if alpha < 255:
                    # Division by 255, rounded to nearest, without dividing.
                    mixed = value * alpha + image[y, x, channel] * (255 - alpha) + 128
                    value = (mixed + (mixed >> 8)) >> 8
                image[y, x, channel] = value
            if alpha >= level:
                if 0 < before < SOFT:
                    visible[before - 1] -= 1
                owner[y, x] = k + 1
                visible[k] += 1
            elif before == 0:
                owner[y, x] = (k + 1) | SOFT


@compiled
def walk(height: int, width: int, flip: bool, turns: int) -> tuple[int, int, int]:
    """How to walk through an array so that it appears mirrored left to right, then turned counter-clockwise.

    Args:
        height: rows of the array.
        width: columns of the array.
        flip: whether it is mirrored.
        turns: quarter turns.

    Returns:
        ``start, down, right``: pixel (i, j) of what appears is pixel ``start + down * i + right * j`` of the
        array, counted row by row.

    Examples:
        >>> walk(2, 3, False, 0), walk(2, 3, True, 0), walk(2, 3, False, 1)
        ((0, 3, 1), (2, 3, -1), (2, -1, 3))
    """
    start, down, right = 0, width, 1
    if flip:
        start, right = width - 1, -1
    for _ in range(turns):
        # The last column becomes the first row, and rows become columns.
        start, down, right = start + right * (width - 1), -right, down
        height, width = width, height
    return start, down, right


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


@compiled
def linear_taps(size: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the pixels of a resized line lie in the line itself, with pixel centres on pixel centres.

    Args:
        size: pixels of the line.
        target: pixels of the resized line.

    Returns:
        ``(target,)`` the pixel before, and ``(target,)`` the weight of the one after it in 1/256.

    Examples:
        >>> linear_taps(3, 3)
        (array([0, 1, 2]), array([0, 0, 0]))
        >>> linear_taps(2, 4)
        (array([0, 0, 0, 1]), array([  0,  64, 192,   0]))
    """
    before = np.empty(target, dtype=np.int64)
    weight = np.empty(target, dtype=np.int64)
    step = (size * _ONE + target // 2) // target
    start = ((size - 1) * _ONE - step * (target - 1)) // 2
    for i in range(target):
        at = min(max(start + step * i, 0), (size - 1) * _ONE)
        before[i] = at >> _FRACTION_BITS
        weight[i] = (at >> (_FRACTION_BITS - 8)) & 255
    return before, weight
