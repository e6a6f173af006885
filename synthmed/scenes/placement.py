"""Where objects lie: uniformly at random, with a limit on overlap and on truncation at the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.scenes.kernels import first_free
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
    # If each axis leaves at least sqrt(1 - t) inside, the area keeps at least 1 - t.
    outside = np.floor(sizes_px * (1 - np.sqrt(1 - placement.max_truncation))).astype(np.int64)
    lowest = -outside
    room = np.array(canvas_shape_px) - sizes_px + outside - lowest + 1
    order = np.argsort(-sizes_px.prod(axis=1), kind="stable")
    candidates = rng.random((len(sizes_px), placement.tries, 2))
    corners = lowest[:, None, :] + np.floor(candidates * np.maximum(room, 1)[:, None, :]).astype(np.int64)
    fits = (room > 0).all(axis=1)
    chosen = first_free(corners[order], sizes_px[order], fits[order], placement.max_overlap)
    placed = np.zeros(len(sizes_px), dtype=bool)
    placed[order] = chosen >= 0
    which = np.zeros(len(sizes_px), dtype=np.int64)
    which[order] = np.maximum(chosen, 0)
    corner = corners[np.arange(len(sizes_px)), which]
    return corner + sizes_px / 2, placed
