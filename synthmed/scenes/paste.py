"""Paste patches onto a canvas: each is mirrored, turned, resized and blended, with integers throughout.

The loops work on quads: a pixel's red, green, blue and alpha side by side in 16 bits each. One move takes a
whole pixel, and what is done to each value alike is done to many at once by the processor's vector units. A
step is one call for all rows of an object, since numba counts references to arrays anew in each call.
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


class _Taps(NamedTuple):
    """Between which two pixels of a line those of a resized line lie: see `_fill_taps`."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: NDArray[np.int64]


class _Buffers(NamedTuple):
    """Memory for the steps from a patch to a sprite; ``pair_lanes`` is the memory of ``pair`` by values."""

    patch: NDArray[np.uint64]
    pair: NDArray[np.uint64]
    pair_lanes: NDArray[np.uint16]
    rows: _Taps
    columns: _Taps
    shifts: NDArray[np.int16]
    sprite: NDArray[np.uint16]


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
        visible: ``(M,)``, written: pixels that the object owns in the end, soft edges not counted.
        support: ``(M,)``, written: pixels that it would own alone on an unlimited canvas.
    """
    height, width = owner.shape
    flat_pixels, flat_image, flat_owner = pixels.reshape(-1), image.reshape(-1), owner.reshape(-1)
    buffers = _buffers(shapes, sizes)
    sprite = buffers.sprite
    for k in range(len(sizes)):
        shape = shapes[k, turns[k] % 2], shapes[k, 1 - turns[k] % 2]
        size = sizes[k, 0], sizes[k, 1]
        _pack(flat_pixels, mattes, offsets[k], levels[k] == 0, buffers.patch[: shape[0] * shape[1]])
        path = walk(shapes[k, 0], shapes[k, 1], flips[k], turns[k])
        _make_sprite(shape, size, path, (shifts[k, 0], shifts[k, 1], shifts[k, 2]), buffers)
        support[k] = _count_solid(sprite, size, levels[k])
        # The first row and column of the object that can be seen, and the first ones that no longer can.
        top, left = corners[k, 0], corners[k, 1]
        seen = max(0, -top), min(size[0], height - top), max(0, -left), min(size[1], width - left)
        first = top * width + left
        if levels[k] > HALF_LEVEL:
            _spare_others(flat_owner, width, first, sprite, size[1], seen, levels[k])
        _blend(flat_image, width, first, sprite, size[1], seen)
        _own(flat_owner, width, first, sprite, size[1], seen, levels[k], k + 1)
    _count_visible(owner, corners, sizes, visible)


@compiled
def _buffers(shapes: NDArray[np.int64], sizes: NDArray[np.int64]) -> _Buffers:
    """Memory that is enough for every one of the objects."""
    largest, widest, most = 1, 1, 1
    for k in range(len(sizes)):
        largest = max(largest, shapes[k, 0] * shapes[k, 1])
        widest = max(widest, sizes[k, 0], sizes[k, 1])
        most = max(most, sizes[k, 0] * sizes[k, 1])
    pair, taps = np.empty(2 * widest, dtype=np.uint64), np.empty((6, widest), dtype=np.int64)
    return _Buffers(
        np.empty(largest, dtype=np.uint64),
        pair,
        pair.view(np.uint16),
        _Taps(taps[0], taps[1], taps[2]),
        _Taps(taps[3], taps[4], taps[5]),
        np.empty(4 * widest, dtype=np.int16),
        np.empty(4 * most, dtype=np.uint16),
    )


@compiled
def _pack(
    pixels: NDArray[np.uint8], mattes: NDArray[np.uint8], first: int, opaque: bool, patch: NDArray[np.uint64]
) -> None:
    """Write a patch as quads.

    Args:
        pixels: ``(3 * T,)``, all patches of the bank.
        mattes: ``(T,)``.
        first: first pixel of the patch.
        opaque: ignore the matte.
        patch: written.
    """
    alpha = np.uint64(255 if opaque else 0)
    for n in range(len(patch)):
        # Unsigned indices, here and below, spare numba's test whether an index counts from the end.
        p = np.uintp(first + n)
        red = np.uintp(3) * p
        patch[np.uintp(n)] = (
            np.uint64(pixels[red])
            | np.uint64(pixels[red + np.uintp(1)]) << np.uint64(16)
            | np.uint64(pixels[red + np.uintp(2)]) << np.uint64(32)
            | (np.uint64(mattes[p]) | alpha) << np.uint64(48)
        )


@compiled
def _make_sprite(
    shape: tuple[int, int],
    size: tuple[int, int],
    path: tuple[int, int, int],
    shift: tuple[int, int, int],
    buffers: _Buffers,
) -> None:
    """Make a patch what it is on the canvas: mirrored, turned, resized as `resize` does, and shifted.

    Args:
        shape: rows and columns of the patch, mirrored and turned.
        size: rows and columns of the sprite.
        path: how to walk through the patch so that it appears mirrored and turned; see `walk`.
        shift: added to red, green and blue.
        buffers: ``patch`` is read and ``sprite`` written.
    """
    patch, pair, lanes, rows, columns, shifts, sprite = buffers
    (height, width), (start, down, across) = size, path
    _fill_taps(shape[0], height, down < 0, rows)
    _fill_taps(shape[1], width, across < 0, columns)
    for j in range(width):
        columns.before[j] *= across
        columns.after[j] *= across
        shifts[4 * j], shifts[4 * j + 1], shifts[4 * j + 2], shifts[4 * j + 3] = (
            shift[0],
            shift[1],
            shift[2],
            0,
        )
    half, last = len(pair) // 2, -1
    for i in range(height):
        low, high = rows.before[i], rows.after[i]
        # The rows of the patch come in turn, the even ones into one half of the buffer, the odd ones into the
        # other. A value of 8 bits and a weight of 8 fill a lane, so that one product does for four.
        for r in range(max(low, last + 1), high + 1):
            at, to = start + down * r, half * (r & 1)
            for j in range(width):
                weight = np.uint64(columns.weight[j])
                left, right = patch[np.uintp(at + columns.before[j])], patch[np.uintp(at + columns.after[j])]
                pair[np.uintp(to + j)] = left * (np.uint64(256) - weight) + right * weight
            last = r
        upper, lower = 4 * half * (low & 1), 4 * half * (high & 1)
        wanted, rest = np.int32(rows.weight[i]), np.int32(256 - rows.weight[i])
        for s in range(4 * width):
            mixed = (
                np.int32(lanes[np.uintp(upper + s)]) * rest + np.int32(lanes[np.uintp(lower + s)]) * wanted
            )
            value = ((mixed + np.int32(32768)) >> np.int32(16)) + np.int32(shifts[s])
            sprite[np.uintp(4 * width * i + s)] = min(max(value, np.int32(0)), np.int32(255))


@compiled
def _count_solid(sprite: NDArray[np.uint16], size: tuple[int, int], level: int) -> int:
    """Pixels of a sprite that are the object itself."""
    least, count = np.uint16(level), np.uint32(0)
    for p in range(size[0] * size[1]):
        count += np.uint32(sprite[np.uintp(4 * p + 3)] >= least)
    solid: int = np.int64(count)
    return solid


@compiled
def _spare_others(
    owner: NDArray[np.uint16],
    width: int,
    first: int,
    sprite: NDArray[np.uint16],
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
    least, zero = np.uint16(level), np.uint16(0)
    for i in range(seen[0], seen[1]):
        for j in range(seen[2], seen[3]):
            alpha = np.uintp(4 * (i * across + j) + 3)
            before = owner[np.uintp(first + i * width + j)]
            taken = (before > 0) & (before < SOFT) & (sprite[alpha] < least)
            sprite[alpha] = zero if taken else sprite[alpha]


@compiled
def _blend(
    image: NDArray[np.uint8],
    width: int,
    first: int,
    sprite: NDArray[np.uint16],
    across: int,
    seen: tuple[int, int, int, int],
) -> None:
    """Blend a sprite into the canvas ``(3 * H * W,)``; the other arguments are those of `_spare_others`."""
    for i in range(seen[0], seen[1]):
        to, source = 3 * (first + i * width + seen[2]), 4 * (i * across + seen[2])
        for j in range(seen[3] - seen[2]):
            p, s = np.uintp(to + 3 * j), np.uintp(source + 4 * j)
            alpha = sprite[s + np.uintp(3)]
            for channel in range(3):
                q = p + np.uintp(channel)
                mixed = np.uint16(sprite[s + np.uintp(channel)] * alpha) + np.uint16(
                    image[q] * np.uint16(np.uint16(255) - alpha)
                )
                # Division by 255, rounded to nearest, without dividing.
                mixed = np.uint16(mixed + np.uint16(128))
                image[q] = np.uint16(mixed + (mixed >> np.uint16(8))) >> np.uint16(8)


@compiled
def _own(
    owner: NDArray[np.uint16],
    width: int,
    first: int,
    sprite: NDArray[np.uint16],
    across: int,
    seen: tuple[int, int, int, int],
    level: int,
    number: int,
) -> None:
    """Write whose each pixel under a sprite is; the arguments are those of `_spare_others`."""
    least, solid, soft = np.uint16(level), np.uint16(number), np.uint16(number | SOFT)
    for i in range(seen[0], seen[1]):
        to, source = first + i * width + seen[2], 4 * (i * across + seen[2]) + 3
        for j in range(seen[3] - seen[2]):
            p, alpha = np.uintp(to + j), sprite[np.uintp(source + 4 * j)]
            before = owner[p]
            rim = soft if (before == 0) & (alpha > 0) else before
            owner[p] = solid if alpha >= least else rim


@compiled
def _count_visible(
    owner: NDArray[np.uint16],
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    visible: NDArray[np.int64],
) -> None:
    """Count the pixels that each object owns in the end."""
    height, width = owner.shape
    flat = owner.reshape(-1)
    for k in range(len(sizes)):
        value, count = np.uint16(k + 1), 0
        left = max(0, corners[k, 1])
        length = min(width, corners[k, 1] + sizes[k, 1]) - left
        for y in range(max(0, corners[k, 0]), min(height, corners[k, 0] + sizes[k, 0])):
            own = np.uint32(0)
            for j in range(length):
                own += np.uint32(flat[np.uintp(y * width + left + j)] == value)
            count += np.int64(own)
        visible[k] = count


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
    taps = _Taps(
        np.empty(target, dtype=np.int64), np.empty(target, dtype=np.int64), np.empty(target, dtype=np.int64)
    )
    _fill_taps(size, target, False, taps)
    return taps.before, taps.weight


@compiled
def _fill_taps(size: int, target: int, backwards: bool, taps: _Taps) -> None:
    """Write where the pixels of a resized line lie, or those of one that is read from its end.

    The weights stay those of the line as it is, so that a patch shows the same colours in every pose.

    Args:
        size: pixels of the line.
        target: pixels of the resized line.
        backwards: whether it is read from its end.
        taps: written: the pixel before, the one after it, and the weight of that in 1/256. The last pixel
            has itself after it.
    """
    step = (size * _ONE + target // 2) // target
    start = ((size - 1) * _ONE - step * (target - 1)) // 2
    for i in range(target):
        at = min(max(start + step * i, 0), (size - 1) * _ONE)
        before, weight = at >> _FRACTION_BITS, (at >> (_FRACTION_BITS - 8)) & 255
        if backwards:
            before, weight = size - 1 - before - (weight > 0), (256 - weight) & 255
        to = target - 1 - i if backwards else i
        taps.before[to], taps.after[to], taps.weight[to] = before, min(before + 1, size - 1), weight
