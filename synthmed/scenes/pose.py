"""How a patch lies on the canvas: mirrored, turned by quarters, resized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.scenes.look_recipe import ObjectsRecipe


def draw_turns(
    objects: ObjectsRecipe, turned: NDArray[np.float64], mirrored: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Quarter turns ``(M,)``, and which are mirrored ``(M,)``, from random ``(M,)`` of [0, 1) for each."""
    turns = (turned * (1 if objects.rotation == "none" else 4)).astype(np.int64)
    return turns, mirrored < (0.5 if objects.flips else 0.0)


@compiled
def posed_sizes(
    shapes_px: NDArray[np.int64],
    rims_px: NDArray[np.float64],
    turns: NDArray[np.int64],
    factor: NDArray[np.float64],
    hard: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes ``(M, 2)`` and rims ``(M,)`` of turned and resized patches; hard ones have no rim."""
    sizes, rims = np.empty_like(shapes_px), np.zeros(len(turns), dtype=np.int64)
    for k in range(len(turns)):
        for axis in range(2):
            side = shapes_px[k, axis ^ (turns[k] & 1)] * factor[k]
            sizes[k, axis] = max(1, np.int64(np.rint(side)))
        if not hard:
            # No box is less than a pixel wide.
            widest = (min(sizes[k, 0], sizes[k, 1]) - 1) // 2
            rims[k] = min(np.int64(np.rint(rims_px[k] * factor[k])), widest)
    return sizes, rims
