"""What lies beneath the objects of a scene without a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.placement import Boxes, draw_positions
from synthmed.scenes.pose import draw_poses
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.variation import FALLBACK_SPREAD


@dataclass(frozen=True, eq=False)
class DistractorPlan:
    """The drawn distractors of a scene; D of them, the later painted over the earlier.

    Attributes:
        index: ``(D,)`` int, which one of the bank.
        centers_px: ``(D, 2)`` float, on the canvas.
        sizes_px: ``(D, 2)`` int, height and width on the canvas, after turning and resizing.
        quarter_turns: ``(D,)`` int, counter-clockwise turns by 90 degrees.
        flips: ``(D,)`` bool, whether it is mirrored left to right before it is turned.
    """

    index: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    sizes_px: NDArray[np.int64]
    quarter_turns: NDArray[np.int64]
    flips: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.index)


NO_DISTRACTOR_PLAN = DistractorPlan(
    np.zeros(0, np.int64),
    np.zeros((0, 2), np.float64),
    np.zeros((0, 2), np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.bool_),
)


def draw_distractors(
    recipe: Recipe, bank: PatchBank, scale: float, objects: Boxes, rng: np.random.Generator
) -> DistractorPlan:
    """Draw distractors, and places that the objects leave them.

    Args:
        recipe: of the scene; objects and distractors vary alike.
        bank: the bank.
        scale: scene pixels per source pixel.
        objects: those of the scene.
        rng: source of randomness.

    Raises:
        RecipeError: the bank has no distractors.
    """
    low, high = recipe.distractors.per_scene
    if not len(bank.distractors):
        raise RecipeError(
            "the recipe asks for distractors, and the bank has none",
            remedy="build the bank with some (--distractors), or set distractors.per_scene to [0, 0]; where "
            "the objects leave no room between them there are none to cut",
        )
    count = int(rng.integers(low, high + 1))
    index = rng.integers(0, len(bank.distractors), size=count)
    turned, mirrored = rng.random((2, count))
    jitter = recipe.objects.size_jitter
    spread = FALLBACK_SPREAD if jitter == "natural" else jitter
    factor = scale * rng.uniform(1 - spread, 1 + spread, size=count)
    shapes_px = bank.distractors.shapes_px
    no_rims = np.zeros(len(shapes_px))
    poses = draw_poses(recipe.objects, shapes_px, no_rims, index, factor, turned, mirrored)
    turns, flips, sizes_px = poses.turns, poses.flips, poses.sizes_px
    centers_px, placed = draw_positions(recipe.placement, sizes_px, recipe.canvas.size_px, rng, objects)
    return DistractorPlan(index[placed], centers_px[placed], sizes_px[placed], turns[placed], flips[placed])
