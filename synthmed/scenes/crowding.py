"""Whether a canvas can show what a recipe asks for: objects large enough to see, and places for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.plan import draw_plan, scene_scale
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.render import render

_MANY = 0.05
"""The share of a class's objects that may find no place before it is worth a warning."""


def require_visible(recipe: Recipe, bank: PatchBank) -> None:
    """Make sure that no class is smaller than a pixel on the canvas.

    Raises:
        RecipeError: one is.
    """
    scale = scene_scale(recipe, bank)
    smallest = int(np.argmin(bank.sizes_px))
    side_px = float(bank.sizes_px[smallest]) * scale
    if side_px < 1:
        height, width = recipe.canvas.size_px
        raise RecipeError(
            f"on a canvas of {height} x {width} px {bank.classes[smallest]!r} is smaller than a pixel",
            value=f"{side_px:.2f} px",
            remedy="choose a larger canvas (--size, canvas.size_px), or set the recipe's scale to a number",
        )


def count_unplaced(
    recipe: Recipe, bank: PatchBank, seed: int, scenes: int = 16
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Objects per class, ``(C,)``, that the first scenes of a series show, and that they lack.

    Raises:
        RecipeError: a scene cannot hold what the recipe asks for.
    """
    placed = np.zeros(len(bank.classes), dtype=np.int64)
    unplaced = np.zeros_like(placed)
    for index in range(scenes):
        plan = draw_plan(recipe, bank, seed, index)
        # Only pixels tell what can be seen; without that rule the plan tells all.
        shown = render(plan, bank) if plan.min_visible else plan
        placed += np.bincount(bank.labels[shown.patch_index], minlength=len(placed))
        unplaced += shown.unplaced
    return placed, unplaced


def unplaced_warnings(classes: Sequence[str], placed: Sequence[int], unplaced: Sequence[int]) -> list[str]:
    """One sentence for each class of which many objects found no place; the smallest are placed last.

    Args:
        classes: ``C`` names.
        placed: ``C`` numbers of objects.
        unplaced: ``C`` numbers of objects that were asked for besides.

    Examples:
        >>> print(*unplaced_warnings(["RBC", "Platelet"], [99, 30], [1, 10]))
        Platelet: 10 of 40 objects found no place, so that scenes show too few of them; take a larger canvas,
        a smaller scale, a higher placement.max_overlap or a lower placement.min_visible
    """
    return [
        f"{name}: {lost} of {shown + lost} objects found no place, so that scenes show too few of them; "
        "take a larger canvas, a smaller scale, a higher placement.max_overlap or a lower "
        "placement.min_visible"
        for name, shown, lost in zip(classes, placed, unplaced, strict=True)
        if lost > _MANY * (shown + lost)
    ]
