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
        return bank.prepared(fixed_counts, recipe.counts)
    weights = bank.prepared(class_weights, recipe.counts)
    expected = bank.prepared(expected_counts, (recipe, scale))
    if recipe.counts.kind == "balanced":
        return share_out(expected[int(rng.random(1)[0] * len(expected))], weights, bank.sizes_px**2, rng)
    share = recipe.counts.balanced_share
    if source is not None and share and rng.random(1)[0] < share:
        return share_out(expected[source], weights, bank.sizes_px**2, rng)
    own = decorrelated_counts(expected, recipe.counts, rng) if source is None else expected[source]
    # A class without a patch weighs nothing.
    return round_at_random(own * weights, rng)


def expected_counts(bank: PatchBank, of: tuple[Recipe, float]) -> NDArray[np.float64]:
    """How many objects scenes like each source image have, ``(I, C)``.

    Args:
        bank: the bank.
        of: the recipe, and how many scene pixels a source pixel has.
    """
    recipe, scale = of
    counts = bank.image_counts.astype(np.float64)
    if not recipe.counts.by_area:
        return counts
    height, width = recipe.canvas.size_px
    # One source image at this scale covers a part of the canvas, or more than the canvas.
    areas_px = bank.image_shapes_px.prod(axis=1) * scale**2
    return np.asarray(counts / areas_px[:, None] * float(height * width))


def share_out(
    expected: NDArray[np.float64],
    weights: NDArray[np.float64],
    areas_px: NDArray[np.float64],
    rng: Uniform,
) -> NDArray[np.int64]:
    """As many objects as an image has in all, the class of each drawn by its weight alone, ``(C,)`` int.

    Fewer where the classes that are drawn are larger than those of the image, or it would get too crowded:
    all objects together are expected to cover no more of it than before.

    Args:
        expected: ``(C,)``, the objects of the image.
        weights: ``(C,)``; nothing is drawn where all are 0.
        areas_px: ``(C,)``, that of an object of each class.
        rng: source of randomness.
    """
    if not weights.any():
        return np.zeros(len(weights), dtype=np.int64)
    area_px = weights @ areas_px / weights.sum()
    total = min(expected.sum(), expected @ areas_px / area_px)
    # More than a scene can hold is refused anyway, however many it is.
    count = min(int(round_at_random(np.array([total]), rng)[0]), MAX_OBJECTS + 1)
    labels = np.searchsorted(added_up(weights), rng.random(count), side="right")
    return np.bincount(labels, minlength=len(weights))


def decorrelated_counts(
    expected: NDArray[np.float64], counts: CountsRecipe, rng: Uniform
) -> NDArray[np.float64]:
    """Each class present or absent on its own, its count that of a random image which has the class.

    Args:
        expected: ``(I, C)``, objects per image and class.
        counts: presence and spread.
        rng: source of randomness.
    """
    classes: int = expected.shape[1]
    present = rng.random(classes) < counts.presence
    factor = np.exp((2 * rng.random(classes) - 1) * np.log(counts.spread))
    pick = rng.random(classes)
    drawn = np.zeros(classes)
    for label in np.flatnonzero(present):
        nonzero = expected[expected[:, label] > 0, label]
        if len(nonzero):
            drawn[label] = nonzero[int(pick[label] * len(nonzero))] * factor[label]
    return drawn


def fixed_counts(bank: PatchBank, counts: CountsRecipe) -> NDArray[np.int64]:
    """The counts that the recipe names.

    Raises:
        RecipeError: it names a class that the bank does not know.
    """
    require_classes("counts.fixed", counts.fixed, bank)
    return np.array([counts.fixed.get(name, 0) for name in bank.classes], dtype=np.int64)


def round_at_random(expected: NDArray[np.float64], rng: Uniform) -> NDArray[np.int64]:
    """Round each of some values up or down at random so that the mean is kept."""
    return np.floor(expected + rng.random(len(expected))).astype(np.int64)
