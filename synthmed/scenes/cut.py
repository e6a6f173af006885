"""Patches as they were cut, looked up in a bank for each object of a scene."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.canvas import canvas_colors
from synthmed.scenes.plan import Plan


class Pasted(NamedTuple):
    """M objects as `paste_objects` takes them.

    Attributes:
        pixels: ``(T, 3)`` uint8, those of the bank or of this scene.
        mattes: ``(T,)`` uint8.
        offsets: ``(M,)`` int, first pixel of each object.
        shapes_px: ``(M, 2)`` int, its shape there.
        corners_px: ``(M, 2)`` int, its first pixel on the canvas.
        sizes_px: ``(M, 2)`` int, its shape on the canvas.
        flips: ``(M,)`` bool.
        turns: ``(M,)`` int.
        shifts: ``(M, 3)`` int, added to its colours.
        levels: ``(M,)`` int, the alpha from which on a pixel belongs to the object; 0 ignores the matte.
    """

    pixels: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    shapes_px: NDArray[np.int64]
    corners_px: NDArray[np.int64]
    sizes_px: NDArray[np.int64]
    flips: NDArray[np.bool_]
    turns: NDArray[np.int64]
    shifts: NDArray[np.int64]
    levels: NDArray[np.int64]


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


def objects_as_cut(plan: Plan, bank: PatchBank) -> tuple[Pasted, NDArray[np.int64]]:
    """The patches of the bank, and the boxes ``(M, 4)`` int of the objects on an unlimited canvas."""
    pose = plan.centers_px, plan.sizes_px, plan.flips, plan.quarter_turns
    pasted = _as_cut(plan, bank, bank, plan.patch_index, *pose, match=not plan.poisson)
    return pasted, np.asarray(_boxes(pasted.corners_px, plan.sizes_px, plan.rims_px))


def distractors_as_cut(plan: Plan, bank: PatchBank) -> Pasted:
    """The distractors of the bank that lie beneath the objects."""
    under = plan.distractors
    pose = under.centers_px, under.sizes_px, under.flips, under.quarter_turns
    return _as_cut(plan, bank, bank.distractors, under.index, *pose, match=True)


def _as_cut(
    plan: Plan,
    bank: PatchBank,
    sprites: Sprites,
    index: NDArray[np.int64],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.int64],
    flips: NDArray[np.bool_],
    turns: NDArray[np.int64],
    *,
    match: bool,
) -> Pasted:
    match = match and plan.match_background
    colors = canvas_colors(plan.canvas, bank, centers_px) if match else np.zeros((0, 3))
    tables = sprites.offsets, sprites.shapes_px, sprites.object_levels, sprites.backgrounds
    offsets, shapes_px, corners_px, shifts, levels = _looked_up(
        index, *tables, centers_px, sizes_px, colors, plan.hard
    )
    return Pasted(
        pixels=read_only(sprites.pixels),
        mattes=read_only(sprites.mattes),
        offsets=offsets,
        shapes_px=shapes_px,
        corners_px=corners_px,
        sizes_px=sizes_px,
        flips=flips,
        turns=turns,
        shifts=shifts,
        levels=levels,
    )


@compiled
def _looked_up(
    index: NDArray[np.int64],
    offsets: NDArray[np.int64],
    shapes: NDArray[np.int64],
    levels: NDArray[np.int64],
    backgrounds: NDArray[np.float64],
    centers: NDArray[np.float64],
    sizes: NDArray[np.int64],
    colors: NDArray[np.float64],
    hard: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Offsets, shapes, corners, shifts and levels of M objects, as `Pasted` has them.

    Args:
        index: ``(M,)``, which of the sprites each is.
        offsets: ``(P,)``, of all sprites.
        shapes: ``(P, 2)``.
        levels: ``(P,)``.
        backgrounds: ``(P, 3)``.
        centers: ``(M, 2)``, on the canvas.
        sizes: ``(M, 2)``, on the canvas.
        colors: ``(M, 3)``, of the canvas under each; or none where sprites keep their colours.
        hard: whether mattes are ignored.
    """
    count = len(index)
    own_offsets, own_levels = np.empty(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    own_shapes, corners = np.empty((count, 2), dtype=np.int64), np.empty((count, 2), dtype=np.int64)
    shifts = np.zeros((count, 3), dtype=np.int64)
    for k in range(count):
        sprite = index[k]
        own_offsets[k] = offsets[sprite]
        if not hard:
            own_levels[k] = levels[sprite]
        for axis in range(2):
            own_shapes[k, axis] = shapes[sprite, axis]
            corners[k, axis] = np.int64(np.rint(centers[k, axis] - sizes[k, axis] / 2))
        if len(colors):
            for channel in range(3):
                shifts[k, channel] = np.int64(np.rint(colors[k, channel] - backgrounds[sprite, channel]))
    return own_offsets, own_shapes, corners, shifts, own_levels


@compiled
def _boxes(
    corners: NDArray[np.int64], sizes: NDArray[np.int64], rims: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Boxes ``(M, 4)`` that run inside of what is pasted."""
    boxes = np.empty((len(rims), 4), dtype=np.int64)
    for k in range(len(rims)):
        for axis in range(2):
            boxes[k, axis] = corners[k, axis] + rims[k]
            boxes[k, axis + 2] = corners[k, axis] + sizes[k, axis] - rims[k]
    return boxes


@compiled
def clipped(boxes: NDArray[np.int64], height: int, width: int) -> NDArray[np.float64]:
    """What of some boxes ``(M, 4)`` lies on the canvas."""
    inside = np.empty(boxes.shape)
    for k in range(len(boxes)):
        for axis in range(4):
            inside[k, axis] = min(max(boxes[k, axis], 0), width if axis % 2 else height)
    return inside


def read_only(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A view of one type for the compiled loops, be the bank in memory or memory-mapped."""
    view: NDArray[np.uint8] = np.asarray(array).view()
    view.flags.writeable = False
    return view
