"""Patches turned by any angle: resized, mirrored and turned in one step, with integers throughout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.matte import HALF_LEVEL

_ONE = 1 << 16


def inverse_maps(
    shapes_px: NDArray[np.int64],
    sizes_px: NDArray[np.int64],
    flips: NDArray[np.bool_],
    turns: NDArray[np.int64],
    angles: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """From a step on the canvas to the step in the patch, ``(M, 2, 2)`` in 1/65536 of a pixel.

    Args:
        shapes_px: ``(M, 2)``, shape of each patch.
        sizes_px: ``(M, 2)``, shape of each object after quarter turns and resizing.
        flips: ``(M,)``, whether the patch is mirrored left to right, before it is turned.
        turns: ``(M,)``, counter-clockwise quarter turns.
        angles: ``(M,)``, counter-clockwise turns in degrees besides, or ``None``.

    Examples:
        >>> one = np.array([[4, 6]])
        >>> inverse_maps(one, one * 2, np.array([True]), np.array([0]), None).tolist()
        [[[32768, 0], [0, -32768]]]
    """
    odd = (turns % 2 == 1)[:, None]
    resized = np.where(odd, sizes_px[:, ::-1], sizes_px)
    row_step, column_step = ((shapes_px * _ONE + resized // 2) // resized).T
    column_step = np.where(flips, -column_step, column_step)
    cosine = np.array([1, 0, -1, 0])[turns].astype(np.float64)
    sine = np.array([0, 1, 0, -1])[turns].astype(np.float64)
    if angles is not None:
        turn, radians = np.stack([cosine, sine]), np.deg2rad(angles)
        more = np.stack([np.cos(radians), np.sin(radians)])
        cosine = turn[0] * more[0] - turn[1] * more[1]
        sine = turn[1] * more[0] + turn[0] * more[1]
    # Counter-clockwise to the eye, with rows that grow downwards; this is the turn back.
    rows = np.stack([cosine * row_step, sine * row_step], axis=1)
    columns = np.stack([-sine * column_step, cosine * column_step], axis=1)
    return np.asarray(np.rint(np.stack([rows, columns], axis=1)), dtype=np.int64)


@compiled
def warp(
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    shapes: NDArray[np.int64],
    inverses: NDArray[np.int64],
    pads: NDArray[np.int64],
    turned: bool,
    hard: bool,
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    warped: NDArray[np.uint8],
    warped_mattes: NDArray[np.uint8],
) -> None:
    """Sample M patches by bilinear interpolation, each axis rounded to whole values as `paste_objects` does.

    Args:
        pixels: ``(T, 3)``, all patches of the bank.
        mattes: ``(T,)``.
        offsets: ``(M,)``, first pixel of each object's patch.
        shapes: ``(M, 2)``, its shape.
        inverses: ``(M, 2, 2)``, `inverse_maps`.
        pads: ``(M,)``, pixels all round each object that lie outside its patch; 0 where it is turned.
        turned: whether mattes end at the border of the patch, as they must where that runs askew.
        hard: ignore the mattes, and keep all of the patch.
        starts: ``(M,)``, first pixel of each object in what is written.
        sizes: ``(M, 2)``, shape of each object.
        warped: ``(S, 3)``, written.
        warped_mattes: ``(S,)``, written.
    """
    for k in range(len(sizes)):
        height, width = sizes[k, 0], sizes[k, 1]
        rows, columns = shapes[k, 0], shapes[k, 1]
        first, pad = offsets[k], pads[k]
        (down_r, right_r), (down_c, right_c) = inverses[k]
        for i in range(height):
            for j in range(width):
                # Twice the step from the centre of the object, and half of where that leads in the patch.
                y, x = 2 * i + 1 - height, 2 * j + 1 - width
                row = ((rows - 1) * _ONE + y * down_r + x * right_r) // 2
                column = ((columns - 1) * _ONE + y * down_c + x * right_c) // 2
                up, left = row >> 16, column >> 16
                lower, right = (row >> 8) & 255, (column >> 8) & 255
                r0, r1 = min(max(up, 0), rows - 1), min(max(up + 1, 0), rows - 1)
                c0, c1 = min(max(left, 0), columns - 1), min(max(left + 1, 0), columns - 1)
                a, b = first + r0 * columns + c0, first + r1 * columns + c0
                c, d = first + r0 * columns + c1, first + r1 * columns + c1
                p = starts[k] + i * width + j
                for channel in range(3):
                    p00, p10 = np.int64(pixels[a, channel]), np.int64(pixels[b, channel])
                    p01, p11 = np.int64(pixels[c, channel]), np.int64(pixels[d, channel])
                    near = (p00 * (256 - lower) + p10 * lower + 128) >> 8
                    far = (p01 * (256 - lower) + p11 * lower + 128) >> 8
                    warped[p, channel] = (near * (256 - right) + far * right + 128) >> 8
                m00, m10 = np.int64(mattes[a]), np.int64(mattes[b])
                m01, m11 = np.int64(mattes[c]), np.int64(mattes[d])
                if hard:
                    m00, m10, m01, m11 = 255, 255, 255, 255
                if turned:
                    top, bottom = 0 <= up < rows, -1 <= up < rows - 1
                    m00 *= top and 0 <= left < columns
                    m10 *= bottom and 0 <= left < columns
                    m01 *= top and -1 <= left < columns - 1
                    m11 *= bottom and -1 <= left < columns - 1
                near = (m00 * (256 - lower) + m10 * lower + 128) >> 8
                far = (m01 * (256 - lower) + m11 * lower + 128) >> 8
                alpha = (near * (256 - right) + far * right + 128) >> 8
                if hard:
                    alpha = 255 if alpha >= HALF_LEVEL else 0
                if i < pad or j < pad or i >= height - pad or j >= width - pad:
                    alpha = 0
                warped_mattes[p] = alpha


@compiled
def extents(
    mattes: NDArray[np.uint8], start: int, height: int, width: int, level: int
) -> tuple[int, int, int, int]:
    """The box of what is at least so opaque, ``row0, column0, row1, column1``; empty where nothing is."""
    row0, column0, row1, column1 = height, width, 0, 0
    for i in range(height):
        for j in range(width):
            if mattes[start + i * width + j] >= level:
                row0, row1 = min(row0, i), i + 1
                column0, column1 = min(column0, j), max(column1, j + 1)
    return row0, column0, row1, column1
