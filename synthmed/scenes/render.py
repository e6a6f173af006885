"""Render a plan. Nothing here is random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.canvas import paint_canvas
from synthmed.scenes.finish import finished
from synthmed.scenes.paste import MAX_OBJECTS, paste_objects
from synthmed.scenes.plan import Plan
from synthmed.scenes.prepare import objects_as_cut, objects_prepared


@dataclass(frozen=True, eq=False)
class Scene:
    """A rendered scene with its labels; M objects, the later painted over the earlier.

    Attributes:
        image: ``(H, W, 3)`` uint8, RGB.
        boxes_px: ``(M, 4)`` float, ``row0, column0, row1, column1`` with half-open edges, clipped to the
            image.
        labels: ``(M,)`` int.
        visible_fraction: ``(M,)`` float, the share of each object that is neither covered nor outside.
        instance_mask: ``(H, W)`` uint16, 0 for canvas, else one plus the object. Before the finish every
            pixel that differs from the canvas belongs to an object.
        patch_index: ``(M,)`` int, the patch of the bank that each object came from.
        plan: what was rendered.
    """

    image: NDArray[np.uint8]
    boxes_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    visible_fraction: NDArray[np.float64]
    instance_mask: NDArray[np.uint16]
    patch_index: NDArray[np.int64]
    plan: Plan

    def __len__(self) -> int:
        return len(self.labels)


def render(plan: Plan, bank: PatchBank) -> Scene:
    """Render a plan with the bank that it was drawn for.

    Raises:
        RecipeError: the scene has more objects than an instance mask can number.
    """
    if len(plan) > MAX_OBJECTS:
        raise RecipeError(
            f"a scene holds at most {MAX_OBJECTS} objects", value=len(plan), remedy="ask for fewer"
        )
    image = paint_canvas(plan.canvas, bank.backdrops)
    owner = np.zeros(plan.canvas.shape_px, dtype=np.uint16)
    visible = np.zeros(len(plan), dtype=np.int64)
    support = np.zeros(len(plan), dtype=np.int64)
    if plan.variation is None and not plan.poisson:
        pasted, boxes = objects_as_cut(plan, bank)
    else:
        pasted, boxes = objects_prepared(plan, bank, image)
    paste_objects(image, owner, *pasted, visible, support)
    limits = np.array(plan.canvas.shape_px * 2)
    boxes = np.minimum(np.maximum(boxes, 0), limits)
    if plan.finish is not None:
        image = finished(image, plan.finish)
    return Scene(
        image=image,
        boxes_px=boxes.astype(np.float64),
        labels=bank.labels[plan.patch_index],
        visible_fraction=visible / np.maximum(support, 1),
        instance_mask=owner & np.uint16(MAX_OBJECTS),
        patch_index=plan.patch_index,
        plan=plan,
    )
