"""Paste patches onto a canvas: each is mirrored, turned, resized and blended, with integers throughout.

The loops work on quads: a pixel's red, green, blue and alpha side by side in 16 bits each. They are one
number of 64 bits where pixels move, and four lanes where each value has the same done to it, many at once by
the processor's vector units. Alpha is the highest lane, so that quads compare as their alphas do. A step is
one call for all rows of an object, since numba counts references to arrays anew in each call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.matte import HALF_LEVEL

# Marks a pixel that an object covers only with the soft edge of its matte, or with its halo.
SOFT = 1 << 15
MAX_OBJECTS = SOFT - 1

_FRACTION_BITS = 16
_ONE = 1 << _FRACTION_BITS

_FILL = 16
"""Rows of a sprite are filled up with transparent pixels to a multiple of this, as vector units like it."""

_ALPHA = np.uint64(48)
_COLORS = np.uint64((1 << 48) - 1)
_HALVES = np.uint64(0x0080008000800080)
_VALUES = np.uint64(0x00FF00FF00FF00FF)


class _Taps(NamedTuple):
    """Between which two pixels of a line those of a resized line lie: see `linear_taps`."""

    before: NDArray[np.int64]
    weight: NDArray[np.int64]


class _Buffers(NamedTuple):
    """Memory for the steps from a patch to a sprite; lanes are the memory of what stands before them."""

    patch: NDArray[np.uint16]
    middle: NDArray[np.uint64]
    middle_lanes: NDArray[np.uint16]
    sprite: NDArray[np.uint64]
    sprite_lanes: NDArray[np.uint16]
    rows: _Taps
    columns: _Taps


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
    support: NDArray[np.int64],
) -> None:
    """Paste M objects one over the other.

    Args:
        image: ``(H, W, 3)``, painted on.
        owner: ``(H, W)``, zeros; written: 0 or one plus the object that owns the pixel, with `SOFT` set where
            only its soft edge or halo covers it.
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
        support: ``(M,)``, written: pixels that the object would own alone on an unlimited canvas, without its
            soft edge.
    """
    height, width = owner.shape
    flat_pixels, flat_image, flat_owner = pixels.reshape(-1), image.reshape(-1), owner.reshape(-1)
    buffers = _buffers(shapes, sizes)
    sprite = buffers.sprite
    for k in range(len(sizes)):
        shape, size = (shapes[k, 0], shapes[k, 1]), (sizes[k, 0], sizes[k, 1])
        across, level = filled_up(size[1]), max(1, levels[k])
        shift = np.int16(shifts[k, 0]), np.int16(shifts[k, 1]), np.int16(shifts[k, 2])
        _pack(flat_pixels, mattes, offsets[k], shape[0] * shape[1], levels[k] == 0, buffers.patch)
        _make_sprite(shape, size, across, flips[k], turns[k], buffers)
        support[k] = _count_solid(sprite, size[0] * across, level)
        # The first row and column of the object that can be seen, and the first ones that no longer can.
        top, left = corners[k, 0], corners[k, 1]
        seen = max(0, -top), min(size[0], height - top), max(0, -left), min(across, width - left)
        first = top * width + left
        if level > HALF_LEVEL:
            _spare_others(flat_owner, width, first, sprite, across, seen, level)
        _blend(flat_image, width, first, buffers.sprite_lanes, across, seen, shift)
        _own(flat_owner, width, first, sprite, across, seen, level, k + 1)


@compiled
def filled_up(width: int) -> int:
    """How many pixels a row of a sprite has with the transparent ones at its end."""
    return (width + _FILL - 1) // _FILL * _FILL


@compiled
def _buffers(shapes: NDArray[np.int64], sizes: NDArray[np.int64]) -> _Buffers:
    """Memory that is enough for every one of the objects."""
    patch, middle, sprite, longest = 1, 1, 1, 1
    for k in range(len(sizes)):
        longer = max(sizes[k, 0], sizes[k, 1])
        patch = max(patch, shapes[k, 0] * shapes[k, 1])
        # One more than there are: the last pixel of all has none after it.
        middle = max(middle, longer * shapes[k, 1] + 1)
        sprite = max(sprite, sizes[k, 0] * filled_up(sizes[k, 1]))
        longest = max(longest, longer)
    middles, sprites = np.zeros(middle, dtype=np.uint64), np.empty(sprite, dtype=np.uint64)
    taps = np.empty((4, longest), dtype=np.int64)
    return _Buffers(
        np.empty(4 * patch, dtype=np.uint16),
        middles,
        middles.view(np.uint16),
        sprites,
        sprites.view(np.uint16),
        _Taps(taps[0], taps[1]),
        _Taps(taps[2], taps[3]),
    )


@compiled
def _pack(
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    first: int,
    count: int,
    opaque: bool,
    patch: NDArray[np.uint16],
) -> None:
    """Write a patch as quads.

    Args:
        pixels: ``(3 * T,)``, all patches of the bank.
        mattes: ``(T,)``.
        first: first pixel of the patch.
        count: how many it has.
        opaque: ignore the matte.
        patch: written.
    """
    alpha = np.uint16(255 if opaque else 0)
    for n in range(count):
        # Unsigned indices, here and below, spare numba's test whether an index counts from the end.
        p, to = np.uintp(first + n), np.uintp(4 * n)
        for channel in range(3):
            patch[to + np.uintp(channel)] = pixels[np.uintp(3) * p + np.uintp(channel)]
        patch[to + np.uintp(3)] = mattes[p] | alpha


@compiled
def _make_sprite(
    shape: tuple[int, int], size: tuple[int, int], across: int, flip: bool, turns: int, buffers: _Buffers
) -> None:
    """Make a patch what it is on the canvas: resized, mirrored and turned.

    It is resized as it was cut, so that it has the same colours in every pose: first its rows, then its
    columns, each rounded to whole values.

    Args:
        shape: rows and columns of the patch.
        size: rows and columns of the sprite.
        across: its columns with those that fill it up.
        flip: whether the patch is mirrored left to right.
        turns: quarter turns counter-clockwise after that.
        buffers: ``patch`` is read and ``sprite`` written.
    """
    height, width = (size[1], size[0]) if turns & 1 else size
    _fill_taps(shape[0], height, buffers.rows)
    _fill_taps(shape[1], width, buffers.columns)
    _resize_rows(buffers.patch, shape, height, buffers.rows, buffers.middle_lanes)
    if across > size[1]:
        buffers.sprite[: size[0] * across] = 0
    # Of the sprite, as what appears in it is the patch.
    path = walk(size[0], size[1], across, flip, turns if flip else -turns & 3)
    _resize_columns(buffers.middle, shape[1], (height, width), buffers.columns, path, buffers.sprite)


@compiled
def _resize_rows(
    patch: NDArray[np.uint16], shape: tuple[int, int], height: int, taps: _Taps, middle: NDArray[np.uint16]
) -> None:
    """Give a patch ``height`` rows; ``middle`` is written."""
    lanes = 4 * shape[1]
    for i in range(height):
        upper, lower = lanes * taps.before[i], lanes * min(taps.before[i] + 1, shape[0] - 1)
        wanted, rest = np.uint16(taps.weight[i]), np.uint16(256 - taps.weight[i])
        for s in range(lanes):
            above, below = patch[np.uintp(upper + s)], patch[np.uintp(lower + s)]
            mixed = np.uint16(np.uint16(above * rest) + np.uint16(below * wanted))
            middle[np.uintp(lanes * i + s)] = np.uint16(mixed + np.uint16(128)) >> np.uint16(8)


@compiled
def _resize_columns(
    middle: NDArray[np.uint64],
    columns: int,
    size: tuple[int, int],
    taps: _Taps,
    path: tuple[int, int, int],
    sprite: NDArray[np.uint64],
) -> None:
    """Give what has ``columns`` columns those of ``size``, and write each pixel where ``path`` leads to."""
    start, down, right = path
    for i in range(size[0]):
        at, to = columns * i, start + down * i
        for j in range(size[1]):
            p, weight = np.uintp(at + taps.before[j]), np.uint64(taps.weight[j])
            # A value of 8 bits and a weight of 8 fill a lane, so that one product does for four. What a
            # negative difference borrows from the next lane, the sum gives back.
            mixed = (middle[p] << np.uint64(8)) + (middle[p + np.uintp(1)] - middle[p]) * weight
            sprite[np.uintp(to + right * j)] = (mixed + _HALVES) >> np.uint64(8) & _VALUES


@compiled
def _count_solid(sprite: NDArray[np.uint64], count: int, level: int) -> int:
    """Pixels of a sprite that are the object itself."""
    least, found = np.uint64(level) << _ALPHA, np.uint32(0)
    for p in range(count):
        found += np.uint32(sprite[np.uintp(p)] >= least)
    solid: int = np.int64(found)
    return solid


@compiled
def _spare_others(
    owner: NDArray[np.uint16],
    width: int,
    first: int,
    sprite: NDArray[np.uint64],
    across: int,
    seen: tuple[int, int, int, int],
    level: int,
) -> None:
    """Make a halo transparent over other objects: canvas light over an object would rub it out.

    Args:
        owner: ``(H * W,)``.
        width: of the canvas.
        first: the pixel of the canvas where the sprite begins, be it outside.
        sprite: changed.
        across: width of the sprite.
        seen: the rows and columns of the sprite that lie on the canvas: begin and end of both.
        level: the alpha from which on a pixel is the object.
    """
    least = np.uint64(level) << _ALPHA
    for i in range(seen[0], seen[1]):
        for j in range(seen[2], seen[3]):
            at, before = np.uintp(i * across + j), owner[np.uintp(first + i * width + j)]
            quad = sprite[at]
            taken = (before > 0) & (before < SOFT) & (quad < least)
            sprite[at] = quad & _COLORS if taken else quad


@compiled
def _blend(
    image: NDArray[np.uint8],
    width: int,
    first: int,
    sprite: NDArray[np.uint16],
    across: int,
    seen: tuple[int, int, int, int],
    shift: tuple[int, int, int],
) -> None:
    """Blend a sprite into the canvas ``(3 * H * W,)``.

    ``shift`` is added to its red, green and blue; the other arguments are those of `_spare_others`.
    """
    for i in range(seen[0], seen[1]):
        to, source = 3 * (first + i * width + seen[2]), 4 * (i * across + seen[2])
        for j in range(seen[3] - seen[2]):
            p, s = np.uintp(to + 3 * j), np.uintp(source + 4 * j)
            alpha = sprite[s + np.uintp(3)]
            for channel in range(3):
                q, color = p + np.uintp(channel), np.int16(sprite[s + np.uintp(channel)])
                shifted = np.int16(color + shift[channel])
                color = np.uint16(min(max(shifted, np.int16(0)), np.int16(255)))
                mixed = np.uint16(color * alpha) + np.uint16(image[q] * np.uint16(np.uint16(255) - alpha))
                # Division by 255, rounded to nearest, without dividing.
                mixed = np.uint16(mixed + np.uint16(128))
                image[q] = np.uint16(mixed + (mixed >> np.uint16(8))) >> np.uint16(8)


@compiled
def _own(
    owner: NDArray[np.uint16],
    width: int,
    first: int,
    sprite: NDArray[np.uint64],
    across: int,
    seen: tuple[int, int, int, int],
    level: int,
    number: int,
) -> None:
    """Write whose each pixel under a sprite is; the arguments are those of `_spare_others`."""
    least, some = np.uint64(level) << _ALPHA, np.uint64(1) << _ALPHA
    solid, soft = np.uint16(number), np.uint16(number | SOFT)
    for i in range(seen[0], seen[1]):
        to, source = first + i * width + seen[2], i * across + seen[2]
        for j in range(seen[3] - seen[2]):
            p, quad = np.uintp(to + j), sprite[np.uintp(source + j)]
            before = owner[p]
            rim = soft if (before == 0) & (quad >= some) else before
            owner[p] = solid if quad >= least else rim


@compiled
def walk(height: int, width: int, stride: int, flip: bool, turns: int) -> tuple[int, int, int]:
    """How to walk through an array so that it appears mirrored left to right, then turned counter-clockwise.

    Args:
        height: rows of the array.
        width: columns of the array.
        stride: from one row to the next.
        flip: whether it is mirrored.
        turns: quarter turns.

    Returns:
        ``start, down, right``: pixel (i, j) of what appears is pixel ``start + down * i + right * j`` of the
        array, counted row by row.

    Examples:
        >>> walk(2, 3, 3, False, 0), walk(2, 3, 3, True, 0), walk(2, 3, 3, False, 1)
        ((0, 3, 1), (2, 3, -1), (2, -1, 3))
    """
    start, down, right = 0, stride, 1
    if flip:
        start, right = width - 1, -1
    for _ in range(turns):
        # The last column becomes the first row, and rows become columns.
        start, down, right = start + right * (width - 1), -right, down
        height, width = width, height
    return start, down, right


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
    taps = _Taps(np.empty(target, dtype=np.int64), np.empty(target, dtype=np.int64))
    _fill_taps(size, target, taps)
    return taps.before, taps.weight


@compiled
def _fill_taps(size: int, target: int, taps: _Taps) -> None:
    """Write what `linear_taps` returns."""
    step = (size * _ONE + target // 2) // target
    start = ((size - 1) * _ONE - step * (target - 1)) // 2
    for i in range(target):
        at = min(max(start + step * i, 0), (size - 1) * _ONE)
        taps.before[i], taps.weight[i] = at >> _FRACTION_BITS, (at >> (_FRACTION_BITS - 8)) & 255
