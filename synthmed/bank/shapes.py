"""Shapes of small masks, compiled: what SciPy does for every object of an image takes it a millisecond each.

The results are those of `scipy.ndimage`, to the last pixel (`tests/bank/test_shapes.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

Mask = NDArray[np.bool_]


def filled(mask: Mask) -> Mask:
    """A mask ``(h, w)`` with its holes, as `scipy.ndimage.binary_fill_holes`."""
    return np.asarray(_filled(np.ascontiguousarray(mask)))


def largest_piece(mask: Mask) -> Mask:
    """The largest piece of a mask whose pixels touch by their sides; of equal ones the first."""
    return np.asarray(_largest_piece(np.ascontiguousarray(mask)))


def edge(mask: Mask) -> Mask:
    """The pixels of a mask beside one that is not in it, or beside the border."""
    return np.asarray(_edge(np.ascontiguousarray(mask)))


def within(mask: Mask, radius_px: float) -> Mask:
    """All pixels no farther than a radius from a pixel of the mask: its dilation by a disc."""
    return np.asarray(_within(np.ascontiguousarray(mask), float(radius_px)))


def deeper(mask: Mask, radius_px: float) -> Mask:
    """The pixels of a mask farther than a radius from all others: its erosion by a disc."""
    return np.asarray(~within(~mask, radius_px))


@compiled
def _flood(free: Mask, row: int, column: int, stack: NDArray[np.int64]) -> int:
    """Take a pixel and all that hang together with it out of ``free``; their places are left in ``stack``."""
    height, width = free.shape
    free[row, column] = False
    stack[0] = row * width + column
    found, done = 1, 0
    while done < found:
        row, column = stack[done] // width, stack[done] % width
        done += 1
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            r, c = row + down, column + right
            if 0 <= r < height and 0 <= c < width and free[r, c]:
                free[r, c] = False
                stack[found] = r * width + c
                found += 1
    return found


@compiled
def _filled(mask: Mask) -> Mask:
    height, width = mask.shape
    holes = ~mask
    stack = np.empty(mask.size, dtype=np.int64)
    for row in range(height):
        for column in range(width):
            at_border = row == 0 or column == 0 or row == height - 1 or column == width - 1
            if at_border and holes[row, column]:
                _flood(holes, row, column, stack)
    whole: Mask = mask | holes
    return whole


@compiled
def _largest_piece(mask: Mask) -> Mask:
    height, width = mask.shape
    free = mask.copy()
    stack = np.empty(mask.size, dtype=np.int64)
    best = np.empty(0, dtype=np.int64)
    for row in range(height):
        for column in range(width):
            if free[row, column]:
                count = _flood(free, row, column, stack)
                if count > len(best):
                    best = stack[:count].copy()
    piece = np.zeros(mask.shape, dtype=np.bool_)
    for place in best:
        piece[place // width, place % width] = True
    return piece


@compiled
def _edge(mask: Mask) -> Mask:
    height, width = mask.shape
    rim: Mask = mask.copy()
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if (
                mask[row - 1, column]
                and mask[row + 1, column]
                and mask[row, column - 1]
                and mask[row, column + 1]
            ):
                rim[row, column] = False
    return rim


@compiled
def _within(mask: Mask, radius_px: float) -> Mask:
    """Down the columns first, then along the rows, in whole numbers, which squared distances are."""
    height, width = mask.shape
    reach = int(radius_px)
    far = height + reach + 1
    away = np.full((height, width), far, dtype=np.int64)
    for column in range(width):
        last = far
        for row in range(height):
            last = 0 if mask[row, column] else last + 1
            away[row, column] = min(last, far)
        last = far
        for row in range(height - 1, -1, -1):
            last = 0 if mask[row, column] else last + 1
            away[row, column] = min(last, away[row, column])
    near = np.zeros(mask.shape, dtype=np.bool_)
    steps = np.empty(width + 1, dtype=np.int64)
    for row in range(height):
        steps[:] = 0
        for column in range(width):
            down = away[row, column]
            if down > reach:
                continue
            # As far along this row reaches the disc round the nearest pixel of this column.
            side = int(np.sqrt(max(radius_px * radius_px - down * down, 0.0)))
            while np.sqrt(float(down * down + (side + 1) ** 2)) <= radius_px:
                side += 1
            while side > 0 and np.sqrt(float(down * down + side * side)) > radius_px:
                side -= 1
            steps[max(0, column - side)] += 1
            steps[min(width, column + side + 1)] -= 1
        covered = 0
        for column in range(width):
            covered += steps[column]
            near[row, column] = covered > 0
    return near
