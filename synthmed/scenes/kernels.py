"""The compiled loops. All arithmetic on pixels is in integers, so that every machine gives the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Positions in a patch are in fixed point with 16 fractional bits; interpolation weights keep 8 of them.
ONE = 1 << 16

# Marks a pixel of the instance mask that an object covers only with the soft edge of its matte.
SOFT = 1 << 15

# A plain annotation would be lost: numba's decorator has no types.
_compiled: Any = njit(cache=True, nogil=True)


@_compiled
def paste_objects(  # noqa: C901 -- one pass over the pixels; calls would hide the arithmetic
    image: NDArray[np.uint8],
    owner: NDArray[np.uint16],
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    shapes: NDArray[np.int64],
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    maps: NDArray[np.int64],
    shifts: NDArray[np.int64],
    hard: bool,
    visible: NDArray[np.int64],
    support: NDArray[np.int64],
) -> None:
    """Paste M objects one over the other, by inverse affine mapping with bilinear interpolation.

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
        maps: ``(M, 6)``, fixed-point ``row = a + b * i + c * j``, ``column = d + e * i + f * j`` from a
            canvas pixel within the object to a position in the patch.
        shifts: ``(M, 3)``, added to the colour.
        hard: ignore the mattes.
        visible: ``(M,)``, written: pixels that the object owns in the end, soft edges not counted.
        support: ``(M,)``, written: pixels that it would own alone on an unlimited canvas.
    """
    height, width = owner.shape
    for k in range(len(offsets)):
        rows, columns = shapes[k, 0], shapes[k, 1]
        start = offsets[k]
        for i in range(sizes[k, 0]):
            y = corners[k, 0] + i
            for j in range(sizes[k, 1]):
                x = corners[k, 1] + j
                u = maps[k, 0] + maps[k, 1] * i + maps[k, 2] * j
                v = maps[k, 3] + maps[k, 4] * i + maps[k, 5] * j
                u = min(max(u, 0), (rows - 1) << 16)
                v = min(max(v, 0), (columns - 1) << 16)
                r, s = u >> 16, v >> 16
                wr, ws = (u >> 8) & 255, (v >> 8) & 255
                p00 = start + r * columns + s
                # Where the weight is zero the neighbour is not read, so it need not exist.
                p01 = p00 + (1 if ws > 0 else 0)
                p10 = p00 + (columns if wr > 0 else 0)
                p11 = p10 + (1 if ws > 0 else 0)
                w11 = wr * ws
                w10 = (wr << 8) - w11
                w01 = (ws << 8) - w11
                w00 = 65536 - w11 - w10 - w01
                alpha = 255
                if not hard:
                    alpha = (
                        w00 * mattes[p00] + w01 * mattes[p01] + w10 * mattes[p10] + w11 * mattes[p11] + 32768
                    ) >> 16
                if alpha >= 128:
                    support[k] += 1
                if alpha == 0 or y < 0 or x < 0 or y >= height or x >= width:
                    continue
                for channel in range(3):
                    value = (
                        w00 * pixels[p00, channel]
                        + w01 * pixels[p01, channel]
                        + w10 * pixels[p10, channel]
                        + w11 * pixels[p11, channel]
                        + 32768
                    ) >> 16
                    value = min(max(value + shifts[k, channel], 0), 255)
                    mixed = value * alpha + image[y, x, channel] * (255 - alpha) + 128
                    image[y, x, channel] = (mixed + (mixed >> 8)) >> 8
                before = owner[y, x]
                if alpha >= 128:
                    if before != 0 and before < SOFT:
                        visible[before - 1] -= 1
                    owner[y, x] = k + 1
                    visible[k] += 1
                elif before == 0:
                    owner[y, x] = (k + 1) | SOFT


@_compiled
def add_noise(
    image: NDArray[np.uint8],
    color: NDArray[np.int64],
    tile: NDArray[np.int16],
    amplitude: int,
    origin: NDArray[np.int64],
    step: int,
) -> None:
    """Overwrite a canvas by a colour with noise, the same in all three channels.

    Args:
        image: ``(H, W, 3)``, written.
        color: ``(3,)``, in 1/256 grey levels.
        tile: ``(S, S)``, S a power of two, repeated without end.
        amplitude: grey levels per unit of the tile, in 1/65536.
        origin: ``(2,)``, where in the tile the canvas begins.
        step: tile pixels per canvas pixel, fixed point.
    """
    height, width, _ = image.shape
    last = tile.shape[0] - 1
    for y in range(height):
        u = y * step
        r0 = (origin[0] + (u >> 16)) & last
        r1 = (r0 + 1) & last
        wr = (u >> 8) & 255
        for x in range(width):
            v = x * step
            s0 = (origin[1] + (v >> 16)) & last
            s1 = (s0 + 1) & last
            ws = (v >> 8) & 255
            upper = tile[r0, s0] * (256 - ws) + tile[r0, s1] * ws
            lower = tile[r1, s0] * (256 - ws) + tile[r1, s1] * ws
            noise = (upper * (256 - wr) + lower * wr) >> 16
            offset = (noise * amplitude) >> 8
            for channel in range(3):
                image[y, x, channel] = min(max((color[channel] + offset + 128) >> 8, 0), 255)


@_compiled
def first_free(
    corners: NDArray[np.int64], sizes: NDArray[np.int64], fits: NDArray[np.bool_], max_overlap: float
) -> NDArray[np.int64]:
    """For each box in turn the first candidate corner that overlaps no earlier box too much, else -1.

    Args:
        corners: ``(M, K, 2)``, candidates.
        sizes: ``(M, 2)``.
        fits: ``(M,)``, whether the box has any position at all.
        max_overlap: largest intersection as a share of the smaller box.
    """
    count, tries, _ = corners.shape
    chosen = np.full(count, -1, dtype=np.int64)
    for m in range(count):
        if not fits[m]:
            continue
        area = sizes[m, 0] * sizes[m, 1]
        for k in range(tries):
            free = True
            for n in range(m):
                if chosen[n] < 0:
                    continue
                other = corners[n, chosen[n]]
                dy = min(corners[m, k, 0] + sizes[m, 0], other[0] + sizes[n, 0]) - max(
                    corners[m, k, 0], other[0]
                )
                dx = min(corners[m, k, 1] + sizes[m, 1], other[1] + sizes[n, 1]) - max(
                    corners[m, k, 1], other[1]
                )
                if dy > 0 and dx > 0 and dy * dx > max_overlap * min(area, sizes[n, 0] * sizes[n, 1]):
                    free = False
                    break
            if free:
                chosen[m] = k
                break
    return chosen
