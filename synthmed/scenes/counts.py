"""How many objects of each class a scene asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.chance import Uniform
from synthmed.scenes.paste import MAX_OBJECTS
from synthmed.scenes.recipe import CountsRecipe, Recipe
from synthmed.scenes.weights import added_up, class_weights, require_classes


def draw_source(recipe: Recipe, bank: PatchBank, rng: Uniform) -> int | None:
    """The source image whose counts a scene has; none but for ``joint`` counts."""
    return int(rng.random(1)[0] * len(bank.images)) if recipe.counts.kind == "joint" else None


def draw_counts(
    recipe: Recipe, bank: PatchBank, scale: float, source: int | None, rng: Uniform
) -> NDArray[np.int64]:
    """Objects per class for one scene, ``(C,)`` int.

    Args:
        recipe: of the scene.
        bank: the bank.
        scale: scene pixels per source pixel.
        source: of `draw_source`.
        rng: source of randomness.

    Raises:
        RecipeError: the recipe names a class that the bank does not have, or weighs them all 0.
    """
    if recipe.counts.kind == "fixed":
        return fixed_counts(recipe.counts, bank)
    weights = bank.prepared(class_weights, recipe.counts)
    height, width = recipe.canvas.size_px
    # One source image at this scale covers a part of the canvas, or more than the canvas.
    areas_px = bank.image_shapes_px.prod(axis=1) * scale**2
    density = bank.image_counts.astype(np.float64)
    factor = 1.0
    if recipe.counts.by_area:
        density, factor = density / areas_px[:, None], float(height * width)
    if recipe.counts.kind == "balanced":
        return balanced_counts(density * factor, weights, rng)
    if source is not None:
        expected = density[source] * factor
        if recipe.counts.balanced_share and rng.random(1)[0] < recipe.counts.balanced_share:
            return share_out(expected.sum(), weights, rng)
    else:
        expected = decorrelated_counts(density, recipe.counts, rng) * factor
    counts = round_at_random(expected * weights, rng)
    return np.where(bank.pool_sizes > 0, counts, 0)


def balanced_counts(
    expected: NDArray[np.float64], weights: NDArray[np.float64], rng: Uniform
) -> NDArray[np.int64]:
    """As many objects as one random image has in all, the class of each drawn by its weight alone.

    Args:
        expected: ``(I, C)``, objects per image and class.
        weights: ``(C,)``; none is drawn where all are 0.
        rng: source of randomness.
    """
    image = int(rng.random(1)[0] * len(expected))
    return share_out(expected[image].sum(), weights, rng)


def share_out(expected: float, weights: NDArray[np.float64], rng: Uniform) -> NDArray[np.int64]:
    """So many objects, the class of each drawn by its weight alone; none where all weights are 0."""
    total = int(round_at_random(np.array([expected]), rng)[0])
    if not weights.any():
        return np.zeros(len(weights), dtype=np.int64)
    # More than a scene can hold is refused anyway, however many it is.
    chances = rng.random(min(total, MAX_OBJECTS + 1))
    labels = np.searchsorted(added_up(weights), chances, side="right")
    return np.bincount(labels, minlength=len(weights))


def decorrelated_counts(
    density: NDArray[np.float64], counts: CountsRecipe, rng: Uniform
) -> NDArray[np.float64]:
    """Each class present or absent on its own, its count that of a random image which has the class.

    Args:
        density: ``(I, C)``, counts or counts per pixel.
        counts: presence and spread.
        rng: source of randomness.
    """
    classes: int = density.shape[1]
    present = rng.random(classes) < counts.presence
    factor = np.exp((2 * rng.random(classes) - 1) * np.log(counts.spread))
    pick = rng.random(classes)
    drawn = np.zeros(classes)
    for label in np.flatnonzero(present):
        nonzero = density[density[:, label] > 0, label]
        if len(nonzero):
            drawn[label] = nonzero[int(pick[label] * len(nonzero))] * factor[label]
    return drawn


def fixed_counts(counts: CountsRecipe, bank: PatchBank) -> NDArray[np.int64]:
    """The counts that the recipe names.

    Raises:
        RecipeError: it names a class that the bank does not know.
    """
    require_classes("counts.fixed", counts.fixed, bank)
    return np.array([counts.fixed.get(name, 0) for name in bank.classes], dtype=np.int64)


def round_at_random(expected: NDArray[np.float64], rng: Uniform) -> NDArray[np.int64]:
    """Round each of some values up or down at random so that the mean is kept."""
    return np.floor(expected + rng.random(len(expected))).astype(np.int64)
