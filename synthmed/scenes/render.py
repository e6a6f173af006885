"""Render a plan. Nothing here is random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.canvas import paint_canvas
from synthmed.scenes.kernels import ONE, SOFT, paste_objects
from synthmed.scenes.plan import Plan


@dataclass(frozen=True, eq=False)
class Scene:
    """A rendered scene with its labels; M objects, the later painted over the earlier.

    Attributes:
        image: ``(H, W, 3)`` uint8, RGB.
        boxes_px: ``(M, 4)`` float, ``row0, column0, row1, column1`` with half-open edges, clipped to the
            image.
        labels: ``(M,)`` int.
        visible_fraction: ``(M,)`` float, the share of each object that is neither covered nor outside.
        instance_mask: ``(H, W)`` uint16, 0 for canvas, else one plus the object. Every pixel that differs
            from the canvas belongs to an object.
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
    if len(plan) >= SOFT:
        raise RecipeError(
            f"a scene holds at most {SOFT - 1} objects", value=len(plan), remedy="ask for fewer"
        )
    image = paint_canvas(plan.canvas)
    owner = np.zeros(plan.canvas.shape_px, dtype=np.uint16)
    visible = np.zeros(len(plan), dtype=np.int64)
    support = np.zeros(len(plan), dtype=np.int64)
    shapes = bank.shapes_px[plan.patch_index]
    corners = np.rint(plan.centers_px - plan.sizes_px / 2).astype(np.int64)
    shifts = np.zeros((len(plan), 3), dtype=np.int64)
    if plan.match_background:
        shifts = np.rint(plan.canvas.color - bank.backgrounds[plan.patch_index]).astype(np.int64)
    paste_objects(
        image,
        owner,
        np.asarray(bank.pixels),
        np.asarray(bank.mattes),
        bank.offsets[plan.patch_index],
        shapes,
        corners,
        plan.sizes_px,
        inverse_maps(shapes, plan.sizes_px, plan.quarter_turns, plan.flips),
        shifts,
        plan.hard,
        visible,
        support,
    )
    limit = np.array(plan.canvas.shape_px)
    boxes = np.concatenate([np.clip(corners, 0, limit), np.clip(corners + plan.sizes_px, 0, limit)], axis=1)
    return Scene(
        image=image,
        boxes_px=boxes.astype(np.float64),
        labels=bank.labels[plan.patch_index],
        visible_fraction=visible / np.maximum(support, 1),
        instance_mask=owner & np.uint16(SOFT - 1),
        patch_index=plan.patch_index,
        plan=plan,
    )


def inverse_maps(
    shapes_px: NDArray[np.int64],
    sizes_px: NDArray[np.int64],
    quarter_turns: NDArray[np.int64],
    flips: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Fixed-point maps from a pixel of the pasted object to a position in its patch.

    A patch is mirrored left to right, then turned counter-clockwise, then resized; this is the inverse.

    Args:
        shapes_px: ``(M, 2)``, shape of the patch.
        sizes_px: ``(M, 2)``, shape on the canvas.
        quarter_turns: ``(M,)``.
        flips: ``(M,)``.

    Returns:
        ``(M, 6)`` int: ``row = m0 + m1 * i + m2 * j``, ``column = m3 + m4 * i + m5 * j``.
    """
    # Where object pixels (i, j) run along the patch: the signed axis of the patch that each of them follows.
    turned = np.array(
        [
            [[1, 0], [0, 1]],
            [[0, 1], [-1, 0]],
            [[-1, 0], [0, -1]],
            [[0, -1], [1, 0]],
        ]
    )
    axes = turned[quarter_turns % 4]
    axes = np.where(np.asarray(flips)[:, None, None] & (np.arange(2) == 1)[None, :, None], -axes, axes)
    along = np.where(np.any(axes != 0, axis=1)[:, None, :], np.abs(axes), 0)
    step = axes * ONE * (shapes_px[:, :, None] / (along * sizes_px[:, None, :]).sum(axis=2, keepdims=True))
    step = np.rint(step).astype(np.int64)
    # Pixel centres map to pixel centres: the middle of the object is the middle of the patch.
    middle = np.rint((shapes_px - 1) / 2 * ONE).astype(np.int64)
    origin = middle - np.rint((step * (sizes_px[:, None, :] - 1) / 2).sum(axis=2)).astype(np.int64)
    return np.concatenate([origin[:, :1], step[:, 0, :], origin[:, 1:], step[:, 1, :]], axis=1).astype(
        np.int64
    )
