"""`Plan`: one scene's drawn parameters. All randomness of a scene is drawn here; rendering has none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.canvas import CanvasPlan, draw_canvas
from synthmed.scenes.chance import CANVAS, DISTRACTORS, FINISH, LARGEST_SEED, NEIGHBOURS, Chances
from synthmed.scenes.distractors import NO_DISTRACTOR_PLAN, DistractorPlan, draw_distractors
from synthmed.scenes.finish import FinishPlan, draw_finish
from synthmed.scenes.nearest import draw_nearest, source_crowds
from synthmed.scenes.objects import DrawnObjects, draw_objects
from synthmed.scenes.placement import Boxes, settle_positions
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.variation import ObjectVariation

PLAN_VERSION = 2
"""Goes up when the same recipe, bank, seed and number give another scene than before."""

# So often are the objects of a scene drawn anew where most of them find no place.
_TRIES = 8


@dataclass(frozen=True, eq=False)
class Plan:
    """What one scene shows; M objects, the later painted over the earlier.

    Attributes:
        seed: the seed of the series.
        index: the number of the scene in it.
        canvas: shape, colour and noise.
        patch_index: ``(M,)`` int, the patch of each object.
        centers_px: ``(M, 2)`` float, the centre of each object on the canvas.
        sizes_px: ``(M, 2)`` int, height and width that the patch covers of the canvas, turned and resized.
        rims_px: ``(M,)`` int, how far inside that the box of the object runs.
        quarter_turns: ``(M,)`` int, counter-clockwise turns by 90 degrees.
        flips: ``(M,)`` bool, whether the patch is mirrored left to right before it is turned.
        hard: whether mattes are ignored.
        match_background: whether patches are shifted in colour to the canvas.
        unplaced: ``(C,)`` int, objects per class that were asked for and found no place.
        poisson: whether patches are fitted to the canvas all round their rim.
        variation: angles, tones and blur of the objects, if any.
        finish: what happens to the whole scene in the end, if anything.
        min_visible: objects of which a smaller share can be seen are not painted.
        distractors: what lies beneath the objects without a label.
    """

    seed: int
    index: int
    canvas: CanvasPlan
    patch_index: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    sizes_px: NDArray[np.int64]
    rims_px: NDArray[np.int64]
    quarter_turns: NDArray[np.int64]
    flips: NDArray[np.bool_]
    hard: bool
    match_background: bool
    unplaced: NDArray[np.int64]
    poisson: bool = False
    variation: ObjectVariation | None = None
    finish: FinishPlan | None = None
    min_visible: float = 0.0
    distractors: DistractorPlan = NO_DISTRACTOR_PLAN

    def __len__(self) -> int:
        return len(self.patch_index)

    @property
    def boxes(self) -> Boxes:
        """Those of the objects."""
        return Boxes(self.centers_px, self.sizes_px - 2 * self.rims_px[:, None])

    def of_objects(self, index: NDArray[np.int64]) -> Plan:
        """The same with some of the objects, ``(M,)`` int, in this order."""
        return replace(
            self,
            patch_index=self.patch_index[index],
            centers_px=self.centers_px[index],
            sizes_px=self.sizes_px[index],
            rims_px=self.rims_px[index],
            quarter_turns=self.quarter_turns[index],
            flips=self.flips[index],
            variation=None if self.variation is None else self.variation[index],
        )


def scene_scale(recipe: Recipe, bank: PatchBank) -> float:
    """Scene pixels per source pixel.

    For ``fit`` it is the factor by which a source image of median shape fits the canvas with its aspect kept.
    """
    if recipe.scale != "fit":
        return float(recipe.scale)
    return min(
        canvas / image
        for canvas, image in zip(recipe.canvas.size_px, bank.median_image_shape_px, strict=True)
    )


def draw_plan(recipe: Recipe, bank: PatchBank, seed: int, index: int) -> Plan:
    """Draw scene ``index`` of the series ``seed``; it depends on these four values alone.

    Raises:
        RecipeError: the bank lacks what is asked for, or the canvas cannot hold the objects.
        RecipeError: a seed or an index is less than 0 or too large.
    """
    if not (0 <= seed <= LARGEST_SEED and 0 <= index <= LARGEST_SEED):
        raise RecipeError(
            f"seeds and numbers of scenes go from 0 to {LARGEST_SEED}",
            value=f"{seed}, {index}",
            remedy="choose others",
        )
    scale = scene_scale(recipe, bank)
    # A source image may be too crowded to be composed; that alone should not end a long training.
    exact = recipe.counts.kind == "fixed"
    for attempt in range(1 if exact else _TRIES):
        drawn = draw_objects(recipe, bank, scale, seed, index, attempt)
        if not (drawn.unplaced.any() if exact else drawn.lost_too_much):
            return _completed(_plan(recipe, bank, scale, seed, index, drawn), recipe, bank, scale)
    raise _too_crowded(recipe, bank, drawn)


def _plan(recipe: Recipe, bank: PatchBank, scale: float, seed: int, index: int, drawn: DrawnObjects) -> Plan:
    """The objects on a canvas."""
    return Plan(
        seed=seed,
        index=index,
        # On its own, so that the objects are the same on every canvas.
        canvas=draw_canvas(recipe.canvas, bank, scale, drawn.source, Chances(seed, index, CANVAS)),
        patch_index=drawn.patch_index,
        centers_px=drawn.centers_px,
        sizes_px=drawn.sizes_px,
        rims_px=drawn.rims_px,
        quarter_turns=drawn.quarter_turns,
        flips=drawn.flips,
        hard=recipe.objects.blend == "hard",
        match_background=recipe.objects.match_background,
        unplaced=drawn.unplaced,
        poisson=recipe.objects.blend == "poisson",
        variation=drawn.variation,
        min_visible=recipe.placement.min_visible,
    )


def _completed(plan: Plan, recipe: Recipe, bank: PatchBank, scale: float) -> Plan:
    """The plan with what is drawn only where it is asked for, each from randomness of its own.

    So a recipe that does not ask for it gives the same scenes with it and without.
    """
    if recipe.placement.kind == "clustered":
        rng = Chances(plan.seed, plan.index, NEIGHBOURS).generator()
        height, width = recipe.canvas.size_px
        crowds = bank.prepared(source_crowds, recipe.placement)
        density = len(plan) * scale**2 / (height * width)
        wishes_px = scale * draw_nearest(crowds, bank.labels[plan.patch_index], density, rng)
        places = plan.boxes.sizes_px, plan.centers_px, wishes_px, recipe.canvas.size_px
        plan = replace(plan, centers_px=settle_positions(recipe.placement, *places, rng))
    if recipe.distractors.per_scene[1] > 0:
        rng = Chances(plan.seed, plan.index, DISTRACTORS).generator()
        plan = replace(plan, distractors=draw_distractors(recipe, bank, scale, plan.boxes, rng))
    if recipe.finish.is_on:
        rng = Chances(plan.seed, plan.index, FINISH).generator()
        plan = replace(plan, finish=draw_finish(recipe.finish, plan.canvas.color, rng))
    return plan


def _too_crowded(recipe: Recipe, bank: PatchBank, drawn: DrawnObjects) -> RecipeError:
    """What a canvas cannot hold, and what to do."""
    asked, lost = int(drawn.counts.sum()), int(drawn.unplaced.sum())
    per_class = ", ".join(
        f"{name} {want - missing} of {want}"
        for name, want, missing in zip(bank.classes, drawn.counts, drawn.unplaced, strict=True)
        if want
    )
    height, width = recipe.canvas.size_px
    return RecipeError(
        f"a canvas of {height} x {width} px holds only {asked - lost} of the {asked} objects asked for",
        value=per_class,
        remedy="ask for fewer objects, a larger canvas or a smaller scale, or raise placement.max_overlap",
    )
