"""The objects of a scene: how many of each class, which patches show them, how they lie and where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.chance import OBJECTS, VARIATION, Chances
from synthmed.scenes.counts import draw_counts, draw_source
from synthmed.scenes.paste import MAX_OBJECTS
from synthmed.scenes.placement import draw_positions
from synthmed.scenes.pose import draw_poses
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.variation import ObjectVariation, draw_variation, size_factors, turned_sizes, varies
from synthmed.scenes.weights import draw_patches

# What is drawn of an object before its place: its patch, turn, mirroring, size and rank in the painting.
_CHANCES = 5


class DrawnObjects(NamedTuple):
    """The M objects of a scene that found a place, the later painted over the earlier.

    Attributes:
        source: the image that gave their counts, if one did.
        counts: ``(C,)`` int, objects per class that were asked for.
        unplaced: ``(C,)`` int, how many of them found no place.
        patch_index: ``(M,)`` int.
        centers_px: ``(M, 2)`` float.
        sizes_px: ``(M, 2)`` int.
        rims_px: ``(M,)`` int.
        quarter_turns: ``(M,)`` int.
        flips: ``(M,)`` bool.
        variation: what else differs from the patches, if anything.
    """

    source: int | None
    counts: NDArray[np.int64]
    unplaced: NDArray[np.int64]
    patch_index: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    sizes_px: NDArray[np.int64]
    rims_px: NDArray[np.int64]
    quarter_turns: NDArray[np.int64]
    flips: NDArray[np.bool_]
    variation: ObjectVariation | None

    @property
    def lost_too_much(self) -> bool:
        """Whether most of what was drawn found no place."""
        asked, lost = int(self.counts.sum()), int(self.unplaced.sum())
        return lost > max(1, asked // 2)


def draw_objects(
    recipe: Recipe, bank: PatchBank, scale: float, seed: int, index: int, attempt: int
) -> DrawnObjects:
    """Draw the objects of a scene.

    Args:
        recipe: of the scene.
        bank: the bank.
        scale: scene pixels per source pixel.
        seed: of the series.
        index: the scene.
        attempt: how often they were drawn before.

    Raises:
        RecipeError: the bank lacks what is asked for, or it is more than any scene holds.
    """
    rng = Chances(seed, index, OBJECTS, attempt)
    source = draw_source(recipe, bank, rng)
    counts = draw_counts(recipe, bank, scale, source, rng)
    _check_counts(counts, bank)
    labels = np.repeat(np.arange(len(counts)), counts)
    chances = rng.random(_CHANCES * len(labels)).reshape(_CHANCES, len(labels))
    which, turned, mirrored, size, rank = chances
    # Placement goes from large to small; the order of painting should not tell the classes apart.
    labels = labels[np.argsort(rank, kind="stable")]
    patch_index = draw_patches(bank, recipe.counts, labels, which)
    factor = scale * size_factors(recipe.objects, bank, labels, size)
    patches = bank.shapes_px, bank.rims_px, patch_index
    turns, flips, sizes_px, rims_px = draw_poses(recipe.objects, *patches, factor, turned, mirrored)
    variation, both_rims = None, 2 * rims_px[:, None]
    if varies(recipe.objects):
        variation = draw_variation(recipe.objects, sizes_px, Chances(seed, index, VARIATION).generator())
        rectangles = recipe.objects.blend == "hard" or bank.spec.matte == "square"
        sizes_px = turned_sizes(sizes_px - both_rims, variation.angles, rectangles) + both_rims
    centers_px, placed = draw_positions(recipe.placement, sizes_px - both_rims, recipe.canvas.size_px, rng)
    unplaced = np.zeros_like(counts)
    if not placed.all():
        unplaced += np.bincount(labels[~placed], minlength=len(counts))
        patch_index, centers_px = patch_index[placed], centers_px[placed]
        sizes_px, rims_px, turns, flips = sizes_px[placed], rims_px[placed], turns[placed], flips[placed]
        variation = None if variation is None else variation[np.flatnonzero(placed)]
    return DrawnObjects(
        source, counts, unplaced, patch_index, centers_px, sizes_px, rims_px, turns, flips, variation
    )


def _check_counts(counts: NDArray[np.int64], bank: PatchBank) -> None:
    """Refuse counts that no scene can have, before anything is drawn for them."""
    asked = counts.tolist()
    lacking = [
        name for name, n, pool in zip(bank.classes, asked, bank.pools, strict=True) if n and not len(pool)
    ]
    if lacking:
        raise RecipeError(
            "the recipe asks for classes without a patch in the bank",
            value=", ".join(lacking),
            remedy="click objects of these classes in train images, or relax the border policy of the bank",
        )
    if sum(asked) > MAX_OBJECTS:
        raise RecipeError(
            f"a scene holds at most {MAX_OBJECTS} objects",
            value=sum(asked),
            remedy="ask for fewer objects, a smaller canvas or a larger scale",
        )
