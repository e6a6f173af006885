"""The loops that place boxes on a canvas, and those that move them about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

SMALLER, IOU, VISIBLE = 0, 1, 2
"""What an overlap is a share of (`PlacementRecipe.overlap`)."""

_AROUND = 1.5
"""How far from another box a place is tried, in nearest-neighbour distances that are wished for."""


@compiled
def place_in_turn(
    sizes: NDArray[np.int64],
    taken_centers: NDArray[np.float64],
    taken_sizes: NDArray[np.int64],
    canvas: tuple[int, int],
    outside: float,
    overlap: int,
    max_overlap: float,
    chances: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Place boxes, the largest first, beside those that have their place.

    Args:
        sizes: ``(M, 2)``.
        taken_centers: ``(K, 2)``.
        taken_sizes: ``(K, 2)``.
        canvas: height and width.
        outside: the largest share of a side that may lie outside.
        overlap: what is limited.
        max_overlap: the limit.
        chances: ``(M, tries)``, those of the largest box first; see `place_boxes`.

    Returns:
        Centres ``(M, 2)``, and which were placed ``(M,)``.
    """
    first, count = len(taken_sizes), len(sizes)
    order = np.argsort(-sizes[:, 0] * sizes[:, 1], kind="mergesort")
    lowest, positions = room(sizes[order], canvas, outside)
    every = np.concatenate((taken_sizes, sizes[order]))
    corners, placed = np.zeros((first + count, 2), dtype=np.int64), np.zeros(first + count, dtype=np.bool_)
    placed[:first] = True
    for k in range(first):
        for axis in range(2):
            corners[k, axis] = np.int64(np.rint(taken_centers[k, axis] - taken_sizes[k, axis] / 2))
    place_boxes(every, corners, placed, first, lowest, positions, overlap, max_overlap, chances)
    centers, found = np.empty((count, 2)), np.empty(count, dtype=np.bool_)
    for k in range(count):
        found[order[k]] = placed[first + k]
        for axis in range(2):
            centers[order[k], axis] = corners[first + k, axis] + every[first + k, axis] / 2
    return centers, found


@compiled
def room(
    sizes: NDArray[np.int64], canvas: tuple[int, int], outside: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lowest corner of each box, and how many whole-pixel positions it has per axis, ``(M, 2)`` each."""
    lowest, positions = np.empty_like(sizes), np.empty_like(sizes)
    for k in range(len(sizes)):
        fits = True
        for axis in range(2):
            size, beyond = sizes[k, axis], np.int64(np.floor(sizes[k, axis] * outside))
            lowest[k, axis], positions[k, axis] = -beyond, canvas[axis] - size + 2 * beyond + 1
            # A box longer than the canvas leaves it on both sides, so that its position is no longer all.
            fits &= size - beyond <= canvas[axis]
        if not fits:
            positions[k] = 0
    return lowest, positions


@compiled
def place_boxes(
    sizes: NDArray[np.int64],
    corners: NDArray[np.int64],
    placed: NDArray[np.bool_],
    first: int,
    lowest: NDArray[np.int64],
    positions: NDArray[np.int64],
    overlap: int,
    max_overlap: float,
    chances: NDArray[np.float64],
) -> None:
    """Place boxes in turn.

    Args:
        sizes: ``(K + M, 2)``.
        corners: ``(K + M, 2)``, those of the first K known; written.
        placed: ``(K + M,)``, true for the first K; written.
        first: K.
        lowest: ``(M, 2)``, the lowest corner that each may have.
        positions: ``(M, 2)``, how many whole-pixel positions each has per axis; 0 where it fits nowhere.
        overlap: what is limited.
        max_overlap: the limit.
        chances: ``(M, tries)`` from [0, 1), the random positions that each box tries, as a share of all.
    """
    lost = np.zeros(len(sizes) if overlap == VISIBLE else 0, dtype=np.int64)
    for m in range(first):
        _charge(m, m, 1, corners, sizes, placed, lost)
    for k in range(len(lowest)):
        m = first + k
        if positions[k, 0] < 1 or positions[k, 1] < 1:
            continue
        for chance in chances[k]:
            # All positions in turn, row by row.
            position = int(chance * (positions[k, 0] * positions[k, 1]))
            row = lowest[k, 0] + position // positions[k, 1]
            column = lowest[k, 1] + position % positions[k, 1]
            if _is_free(row, column, m, m, corners, sizes, placed, overlap, max_overlap, lost):
                corners[m, 0], corners[m, 1], placed[m] = row, column, True
                _charge(m, m, 1, corners, sizes, placed, lost)
                break


@compiled
def _is_free(
    row: int,
    column: int,
    m: int,
    count: int,
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    placed: NDArray[np.bool_],
    overlap: int,
    max_overlap: float,
    lost: NDArray[np.int64],
) -> bool:
    """Whether box ``m`` with this corner overlaps none of the first ``count`` placed boxes too much.

    Of two boxes either may be painted over the other: where it counts what stays visible both lose their
    intersection, and ``lost`` (``(N,)``) is what each has lost already.
    """
    height, width = sizes[m]
    area, own = height * width, 0
    for n in range(count):
        if not placed[n] or n == m:
            continue
        rows = min(row + height, corners[n, 0] + sizes[n, 0]) - max(row, corners[n, 0])
        columns = min(column + width, corners[n, 1] + sizes[n, 1]) - max(column, corners[n, 1])
        if rows <= 0 or columns <= 0:
            continue
        common, other = rows * columns, sizes[n, 0] * sizes[n, 1]
        if overlap == VISIBLE:
            own += common
            if own > max_overlap * area or lost[n] + common > max_overlap * other:
                return False
        elif overlap == IOU:
            if common > max_overlap * (area + other - common):
                return False
        elif common > max_overlap * min(area, other):
            return False
    return True


@compiled
def _charge(
    m: int,
    count: int,
    sign: int,
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    placed: NDArray[np.bool_],
    lost: NDArray[np.int64],
) -> None:
    """Add to ``lost``, if it is kept, what box ``m`` and the first ``count`` ones take from each other."""
    if len(lost) == 0:
        return
    for n in range(count):
        if not placed[n] or n == m:
            continue
        rows = min(corners[m, 0] + sizes[m, 0], corners[n, 0] + sizes[n, 0]) - max(
            corners[m, 0], corners[n, 0]
        )
        columns = min(corners[m, 1] + sizes[m, 1], corners[n, 1] + sizes[n, 1]) - max(
            corners[m, 1], corners[n, 1]
        )
        if rows > 0 and columns > 0:
            lost[m] += sign * rows * columns
            lost[n] += sign * rows * columns


@compiled
def settle_boxes(
    sizes: NDArray[np.int64],
    corners: NDArray[np.int64],
    lowest: NDArray[np.int64],
    positions: NDArray[np.int64],
    wishes: NDArray[np.float64],
    overlap: int,
    max_overlap: float,
    chances: NDArray[np.float64],
) -> None:
    """Move boxes in turn, each to where the nearest-neighbour distances of all are least far from the wishes.

    Args:
        sizes: ``(M, 2)``.
        corners: ``(M, 2)``, written.
        lowest: ``(M, 2)``, the lowest corner that each may have.
        positions: ``(M, 2)``, how many whole-pixel positions each has per axis.
        wishes: ``(M,)``, how far the nearest neighbour should be; NaN where that is all one.
        overlap: what is limited.
        max_overlap: the limit.
        chances: ``(M, tries, 3)`` from [0, 1), the positions that each box tries.
    """
    count = len(sizes)
    placed = np.ones(count, dtype=np.bool_)
    lost = np.zeros(count if overlap == VISIBLE else 0, dtype=np.int64)
    for m in range(count):
        _charge(m, m, 1, corners, sizes, placed, lost)
    # Twice the centres, which are whole numbers.
    twice = 2 * corners + sizes
    nearest = np.array([_nearest(n, -1, twice) for n in range(count)])
    rest = np.empty(count)
    for m in range(count):
        for n in range(count):
            if nearest[n] == m:
                nearest[n] = _nearest(n, m, twice)
            rest[n] = _distance(n, nearest[n], twice) if nearest[n] >= 0 else np.inf
        _charge(m, count, -1, corners, sizes, placed, lost)
        row, column = corners[m]
        best_row, best_column = row, column
        best = _misfit(m, 2 * row + sizes[m, 0], 2 * column + sizes[m, 1], twice, rest, wishes, np.inf)
        for chance in chances[m]:
            row, column = _candidate(m, chance, lowest, positions, sizes, twice, wishes)
            misfit = _misfit(m, 2 * row + sizes[m, 0], 2 * column + sizes[m, 1], twice, rest, wishes, best)
            if misfit < best and _is_free(
                row, column, m, count, corners, sizes, placed, overlap, max_overlap, lost
            ):
                best, best_row, best_column = misfit, row, column
        corners[m, 0], corners[m, 1] = best_row, best_column
        twice[m] = 2 * corners[m] + sizes[m]
        _charge(m, count, 1, corners, sizes, placed, lost)
        for n in range(count):
            if n != m and _distance(n, m, twice) < rest[n]:
                nearest[n] = m
        nearest[m] = _nearest(m, -1, twice)


@compiled
def _candidate(
    m: int,
    chance: NDArray[np.float64],
    lowest: NDArray[np.int64],
    positions: NDArray[np.int64],
    sizes: NDArray[np.int64],
    twice: NDArray[np.int64],
    wishes: NDArray[np.float64],
) -> tuple[int, int]:
    """A corner for box ``m``: anywhere, or as often near another box, where few uniform places would be."""
    count = len(sizes)
    low, room, size = lowest[m], positions[m], sizes[m]
    if chance[2] >= 0.5 and count > 1 and wishes[m] >= 0:
        n = min(int((2 * chance[2] - 1) * (count - 1)), count - 2)
        n += n >= m
        reach = _AROUND * wishes[m]
        row = int(np.floor(twice[n, 0] / 2 + (2 * chance[0] - 1) * reach)) - size[0] // 2 - low[0]
        column = int(np.floor(twice[n, 1] / 2 + (2 * chance[1] - 1) * reach)) - size[1] // 2 - low[1]
        if 0 <= row < room[0] and 0 <= column < room[1]:
            return low[0] + row, low[1] + column
    return low[0] + int(chance[0] * room[0]), low[1] + int(chance[1] * room[1])


@compiled
def _misfit(
    m: int,
    row: int,
    column: int,
    twice: NDArray[np.int64],
    rest: NDArray[np.float64],
    wishes: NDArray[np.float64],
    enough: float,
) -> float:
    """How far all distances are from the wishes with twice the centre of ``m`` here, or ``enough`` or more.

    ``rest`` (``(M,)``) is how far the nearest neighbour of each other box is that is not ``m``.
    """
    total, own = 0.0, np.inf
    for n in range(len(twice)):
        if n == m:
            continue
        rows, columns = twice[n, 0] - row, twice[n, 1] - column
        away = np.sqrt(rows * rows + columns * columns) / 2
        own = min(own, away)
        if wishes[n] >= 0:
            total += abs(min(away, rest[n]) - wishes[n])
        if total >= enough:
            return total
    if wishes[m] >= 0 and own < np.inf:
        total += abs(own - wishes[m])
    return total


@compiled
def _nearest(n: int, without: int, twice: NDArray[np.int64]) -> int:
    """The box whose centre is nearest to that of ``n``, leaving one out; -1 where there is none."""
    found, least = -1, np.inf
    for k in range(len(twice)):
        if k != n and k != without and _distance(n, k, twice) < least:
            found, least = k, _distance(n, k, twice)
    return found


@compiled
def _distance(n: int, k: int, twice: NDArray[np.int64]) -> float:
    """Distance of two centres."""
    rows, columns = twice[n, 0] - twice[k, 0], twice[n, 1] - twice[k, 1]
    return float(np.sqrt(rows * rows + columns * columns) / 2)
