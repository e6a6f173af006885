"""Where objects lie: uniformly at random, with a limit on overlap and on truncation at the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.scenes.recipe import PlacementRecipe


def draw_positions(
    placement: PlacementRecipe,
    sizes_px: NDArray[np.int64],
    canvas_shape_px: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Place boxes one after the other, the largest first, each at the first random position that is free.

    Args:
        placement: the limits.
        sizes_px: ``(M, 2)`` int.
        canvas_shape_px: height and width.
        rng: source of randomness.

    Returns:
        Centres ``(M, 2)`` float such that the boxes have whole-pixel corners, and which were placed ``(M,)``.
    """
    # If each axis keeps at least sqrt(1 - t) inside, the area keeps at least 1 - t.
    outside = np.floor(sizes_px * (1 - np.sqrt(1 - placement.max_truncation))).astype(np.int64)
    canvas = np.array(canvas_shape_px)
    positions = canvas - sizes_px + 2 * outside + 1
    # A box that is longer than the canvas leaves it on both sides, so that its position is no longer all.
    fits = (sizes_px - outside <= canvas).all(axis=1)
    order = np.argsort(-sizes_px[:, 0] * sizes_px[:, 1], kind="stable")
    corners = np.empty_like(sizes_px)
    placed = np.zeros(len(sizes_px), dtype=bool)
    corners[order], placed[order] = _place_boxes(
        sizes_px[order],
        -outside[order],
        positions[order],
        fits[order],
        placement.max_overlap,
        rng.random((len(sizes_px), placement.tries, 2)),
    )
    return corners + sizes_px / 2, placed


@compiled
def _place_boxes(
    sizes: NDArray[np.int64],
    lowest: NDArray[np.int64],
    positions: NDArray[np.int64],
    fits: NDArray[np.bool_],
    max_overlap: float,
    chances: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Place boxes in turn.

    Args:
        sizes: ``(M, 2)``.
        lowest: ``(M, 2)``, the lowest corner that each may have.
        positions: ``(M, 2)``, how many whole-pixel positions each has per axis.
        fits: ``(M,)``, whether the box may lie anywhere at all.
        max_overlap: largest intersection of two boxes as a share of the smaller one.
        chances: ``(M, tries, 2)`` from [0, 1), the random positions that each box tries, as a share of all.

    Returns:
        Corners ``(M, 2)``, and which were placed ``(M,)``.
    """
    count = len(sizes)
    corners = np.zeros((count, 2), dtype=np.int64)
    placed = np.zeros(count, dtype=np.bool_)
    for m in range(count):
        if not fits[m]:
            continue
        for chance in chances[m]:
            row = lowest[m, 0] + int(chance[0] * positions[m, 0])
            column = lowest[m, 1] + int(chance[1] * positions[m, 1])
            if _is_free(row, column, m, corners, sizes, placed, max_overlap):
                corners[m, 0], corners[m, 1], placed[m] = row, column, True
                break
    return corners, placed


@compiled
def _is_free(
    row: int,
    column: int,
    m: int,
    corners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    placed: NDArray[np.bool_],
    max_overlap: float,
) -> bool:
    """Whether box ``m`` with this corner overlaps no box before it too much."""
    height, width = sizes[m]
    for n in range(m):
        if not placed[n]:
            continue
        rows = min(row + height, corners[n, 0] + sizes[n, 0]) - max(row, corners[n, 0])
        columns = min(column + width, corners[n, 1] + sizes[n, 1]) - max(column, corners[n, 1])
        smaller = min(height * width, sizes[n, 0] * sizes[n, 1])
        if rows > 0 and columns > 0 and rows * columns > max_overlap * smaller:
            return False
    return True
