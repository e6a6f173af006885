"""How a patch lies on the canvas: mirrored, turned by quarters, resized."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.scenes.look_recipe import ObjectsRecipe


class Poses(NamedTuple):
    """How M patches lie on the canvas.

    Attributes:
        turns: ``(M,)`` int, counter-clockwise quarter turns.
        flips: ``(M,)`` bool, whether it is mirrored left to right before that.
        sizes_px: ``(M, 2)`` int, height and width, turned and resized.
        rims_px: ``(M,)`` int, how far inside that the box of the object runs.
    """

    turns: NDArray[np.int64]
    flips: NDArray[np.bool_]
    sizes_px: NDArray[np.int64]
    rims_px: NDArray[np.int64]


def draw_poses(
    objects: ObjectsRecipe,
    shapes_px: NDArray[np.int64],
    rims_px: NDArray[np.float64],
    index: NDArray[np.int64],
    factor: NDArray[np.float64],
    turned: NDArray[np.float64],
    mirrored: NDArray[np.float64],
) -> Poses:
    """Turn, mirror and resize M patches.

    Args:
        objects: how they may be turned, and whether mirrored.
        shapes_px: ``(P, 2)``, of all patches.
        rims_px: ``(P,)``, of all patches.
        index: ``(M,)``, which of them.
        factor: ``(M,)``, canvas pixels per pixel of a patch.
        turned: ``(M,)`` from [0, 1), random.
        mirrored: ``(M,)`` from [0, 1), random.
    """
    kinds, share = 1 if objects.rotation == "none" else 4, 0.5 if objects.flips else 0.0
    hard = objects.blend == "hard"
    return Poses(*_posed(shapes_px, rims_px, index, factor, turned, mirrored, kinds, share, hard))


@compiled
def _posed(
    shapes: NDArray[np.int64],
    patch_rims: NDArray[np.float64],
    index: NDArray[np.int64],
    factor: NDArray[np.float64],
    turned: NDArray[np.float64],
    mirrored: NDArray[np.float64],
    kinds: int,
    share: float,
    hard: bool,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """The values of `Poses`; hard patches have no rim."""
    count = len(factor)
    turns, flips = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.bool_)
    sizes, rims = np.empty((count, 2), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for k in range(count):
        turns[k], flips[k] = int(turned[k] * kinds), mirrored[k] < share
        for axis in range(2):
            side = shapes[index[k], axis ^ (turns[k] & 1)] * factor[k]
            sizes[k, axis] = max(1, np.int64(np.rint(side)))
        if not hard:
            # No box is less than a pixel wide.
            widest = (min(sizes[k, 0], sizes[k, 1]) - 1) // 2
            rims[k] = min(np.int64(np.rint(patch_rims[index[k]] * factor[k])), widest)
    return turns, flips, sizes, rims
