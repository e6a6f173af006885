"""Render a plan. Nothing here is random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.canvas import canvas_colors, paint_canvas
from synthmed.scenes.paste import MAX_OBJECTS, paste_objects
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
            from the canvas belongs to an object, or to a distractor.
        patch_index: ``(M,)`` int, the patch of the bank that each object came from.
        plan: what was rendered.
        painted: ``(M,)`` int, which objects of the plan these are: all of them, but for those of which too
            little could have been seen (`Plan.min_visible`).
        unplaced: ``(C,)`` int, objects per class that were asked for and are not there: they found no place,
            or too little of them could have been seen.
        distractor_mask: ``(H, W)`` uint16, 0 or one plus the distractor of the plan, where no object lies.
    """

    image: NDArray[np.uint8]
    boxes_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    visible_fraction: NDArray[np.float64]
    instance_mask: NDArray[np.uint16]
    patch_index: NDArray[np.int64]
    plan: Plan
    painted: NDArray[np.int64]
    unplaced: NDArray[np.int64]
    distractor_mask: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.labels)


class Sprites(Protocol):
    """What can be pasted: the patches of a bank, or its distractors (see there)."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def mattes(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def offsets(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def shapes_px(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def object_levels(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def backgrounds(self) -> NDArray[np.float64]: ...  # noqa: D102


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
        hidden = _surely_hidden(plan, painted, scene.visible_fraction < plan.min_visible)
        if not len(hidden):
            return scene
        painted = np.delete(painted, hidden)


def _paint(plan: Plan, bank: PatchBank, painted: NDArray[np.int64]) -> Scene:
    """Render some objects of a plan, ``(M,)`` int, in this order."""
    image = paint_canvas(plan.canvas, bank.backdrops)
    under = plan.distractors
    beneath = np.broadcast_to(np.zeros((), dtype=np.uint16), plan.canvas.shape_px)
    if len(under):
        pose = under.flips, under.quarter_turns
        beneath, *_ = _paste(
            image, plan, bank, bank.distractors, under.index, under.centers_px, under.sizes_px, *pose
        )
    patch_index, sizes_px = plan.patch_index[painted], plan.sizes_px[painted]
    pose = plan.flips[painted], plan.quarter_turns[painted]
    owner, corners, visible, support = _paste(
        image, plan, bank, bank, patch_index, plan.centers_px[painted], sizes_px, *pose
    )
    limits = np.array(plan.canvas.shape_px * 2)
    rims = plan.rims_px[painted, None]
    boxes = np.hstack([corners + rims, corners + sizes_px - rims])
    boxes = np.minimum(np.maximum(boxes, 0), limits)
    labels = bank.labels[patch_index]
    unplaced = plan.unplaced
    if len(painted) < len(plan):
        hidden = bank.labels[np.delete(plan.patch_index, painted)]
        unplaced = unplaced + np.bincount(hidden, minlength=len(unplaced))
    return Scene(
        image=image,
        boxes_px=boxes.astype(np.float64),
        labels=labels,
        visible_fraction=visible / np.maximum(support, 1),
        instance_mask=owner,
        patch_index=patch_index,
        plan=plan,
        painted=painted,
        unplaced=unplaced,
        distractor_mask=np.where(owner > 0, np.uint16(0), beneath) if len(under) else beneath,
    )


def _paste(
    image: NDArray[np.uint8],
    plan: Plan,
    bank: PatchBank,
    sprites: Sprites,
    index: NDArray[np.int64],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.int64],
    flips: NDArray[np.bool_],
    turns: NDArray[np.int64],
) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Paste sprites onto an image; which of them each pixel belongs to, corners, visible and own pixels."""
    owner = np.zeros(plan.canvas.shape_px, dtype=np.uint16)
    visible = np.zeros(len(index), dtype=np.int64)
    support = np.zeros(len(index), dtype=np.int64)
    corners = np.rint(centers_px - sizes_px / 2).astype(np.int64)
    shifts = np.zeros((len(index), 3), dtype=np.int64)
    if plan.match_background:
        colors = canvas_colors(plan.canvas, bank, centers_px)
        shifts = np.rint(colors - sprites.backgrounds[index]).astype(np.int64)
    paste_objects(
        image,
        owner,
        _read_only(sprites.pixels),
        _read_only(sprites.mattes),
        sprites.offsets[index],
        sprites.shapes_px[index],
        corners,
        sizes_px,
        flips,
        turns,
        shifts,
        np.zeros(len(index), dtype=np.int64) if plan.hard else sprites.object_levels[index],
        visible,
        support,
    )
    return owner & np.uint16(MAX_OBJECTS), corners, visible, support


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


def _read_only(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A view of one type for the compiled loops, be the bank in memory or memory-mapped."""
    view: NDArray[np.uint8] = np.asarray(array).view()
    view.flags.writeable = False
    return view
