"""Render a plan. Nothing here is random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.canvas import paint_canvas
from synthmed.scenes.cut import Pasted, clipped, distractors_as_cut, objects_as_cut
from synthmed.scenes.finish import finished
from synthmed.scenes.paste import MAX_OBJECTS, SOFT, paste_objects
from synthmed.scenes.plan import Plan
from synthmed.scenes.prepare import objects_prepared
from synthmed.scenes.visible import count_visible


@dataclass(frozen=True, eq=False)
class Scene:
    """A rendered scene with its labels; M objects, the later painted over the earlier.

    Attributes:
        image: ``(H, W, 3)`` uint8, RGB.
        boxes_px: ``(M, 4)`` float, ``row0, column0, row1, column1`` with half-open edges, clipped to the
            image.
        labels: ``(M,)`` int.
        visible_fraction: ``(M,)`` float, the share of each object that is neither covered nor outside.
        owners: ``(H, W)`` uint16, 0 for canvas, else one plus the object, with `SOFT` set where only its soft
            edge or halo lies. Before the finish every pixel that differs from the canvas is an object's or a
            distractor's.
        patch_index: ``(M,)`` int, the patch of the bank that each object came from.
        plan: what was rendered.
        painted: ``(M,)`` int, which objects of the plan these are: all of them, but for those of which too
            little could have been seen (`Plan.min_visible`).
        unplaced: ``(C,)`` int, objects per class that were asked for and are not there: they found no place,
            or too little of them could have been seen.
        distractor_mask: ``(H, W)`` uint16, 0 or one plus the distractor of the plan, where no object lies.
            What lies under the soft edge or halo of an object counts as the object's.
    """

    image: NDArray[np.uint8]
    boxes_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    visible_fraction: NDArray[np.float64]
    owners: NDArray[np.uint16]
    patch_index: NDArray[np.int64]
    plan: Plan
    painted: NDArray[np.int64]
    unplaced: NDArray[np.int64]
    distractor_mask: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def instance_mask(self) -> NDArray[np.uint16]:
        """``(H, W)`` uint16, 0 or one plus the object whose pixel it is; soft edges and halos are canvas."""
        # All bits where `SOFT` is not set, and none where it is: several times as fast as a choice.
        mask = self.owners // SOFT
        mask -= np.uint16(1)
        mask &= self.owners
        return mask


def render(plan: Plan, bank: PatchBank) -> Scene:
    """Render a plan with the bank that it was drawn for.

    Raises:
        RecipeError: the scene has more objects than an instance mask can number.
    """
    if len(plan) > MAX_OBJECTS:
        raise RecipeError(
            f"a scene holds at most {MAX_OBJECTS} objects", value=len(plan), remedy="ask for fewer"
        )
    painted = np.arange(len(plan))
    while True:
        scene = _paint(plan, bank, painted)
        if not plan.min_visible:
            break
        hidden = scene.visible_fraction < plan.min_visible
        if not hidden.any():
            break
        painted = np.delete(painted, _surely_hidden(plan, painted, hidden))
    return scene if plan.finish is None else replace(scene, image=finished(scene.image, plan.finish))


def _paint(plan: Plan, bank: PatchBank, painted: NDArray[np.int64]) -> Scene:
    """Render some objects of a plan, ``(M,)`` int, in this order, without the finish."""
    shown = plan if len(painted) == len(plan) else plan.of_objects(painted)
    image = paint_canvas(plan.canvas, bank.backdrops)
    if plan.variation is None and not plan.poisson:
        objects, boxes = objects_as_cut(shown, bank)
    else:
        objects, boxes = objects_prepared(shown, bank, image)
    beneath = _nothing(plan.canvas.shape_px)
    if len(plan.distractors):
        beneath = _paste(image, distractors_as_cut(plan, bank))[0] & np.uint16(MAX_OBJECTS)
    owner, support = _paste(image, objects)
    visible = count_visible(owner, objects.corners_px, objects.sizes_px)
    unplaced = plan.unplaced
    if len(painted) < len(plan):
        hidden = bank.labels[np.delete(plan.patch_index, painted)]
        unplaced = unplaced + np.bincount(hidden, minlength=len(unplaced))
    return Scene(
        image=image,
        boxes_px=np.asarray(clipped(boxes, *plan.canvas.shape_px)),
        labels=bank.labels[shown.patch_index],
        visible_fraction=visible / np.maximum(support, 1),
        owners=owner,
        patch_index=shown.patch_index,
        plan=plan,
        painted=painted,
        unplaced=unplaced,
        distractor_mask=np.where(owner > 0, np.uint16(0), beneath) if len(plan.distractors) else beneath,
    )


@lru_cache(maxsize=4)
def _nothing(shape_px: tuple[int, int]) -> NDArray[np.uint16]:
    """Zeros that take up no memory."""
    return np.broadcast_to(np.zeros((), dtype=np.uint16), shape_px)


def _paste(image: NDArray[np.uint8], pasted: Pasted) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Paste onto an image; which object each pixel belongs to, and how many pixels each has of its own."""
    owner = np.zeros(image.shape[:2], dtype=np.uint16)
    support = np.zeros(len(pasted.offsets), dtype=np.int64)
    paste_objects(image, owner, *pasted, support)
    return owner, support


def _surely_hidden(plan: Plan, painted: NDArray[np.int64], hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Those hidden objects that stay so when the others are taken away, as places in ``painted``.

    An object that can be seen still can when others are gone. A hidden one may come to light, but not where
    no hidden object lies over it; of the hidden ones the topmost never has one.

    Args:
        plan: what is rendered.
        painted: ``(M,)`` int, the objects that are painted.
        hidden: ``(M,)`` bool, of which of them too little can be seen.
    """
    among = np.flatnonzero(hidden)
    centers, half = plan.centers_px[painted[among]], plan.sizes_px[painted[among]] / 2
    low = np.maximum((centers - half)[:, None], (centers - half)[None])
    high = np.minimum((centers + half)[:, None], (centers + half)[None])
    meets = (low < high).all(axis=2)
    return np.asarray(among[~np.triu(meets, 1).any(axis=1)])
