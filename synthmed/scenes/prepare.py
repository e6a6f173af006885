"""Objects whose pixels are made for one scene alone: turned by any angle, toned, blurred or fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.matte import HALF_LEVEL
from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.blur import blur, reach_px
from synthmed.scenes.cut import Pasted, objects_as_cut, read_only
from synthmed.scenes.membrane import membranes
from synthmed.scenes.plan import Plan
from synthmed.scenes.tones import apply_tones, tone_tables
from synthmed.scenes.warp import extents, inverse_maps, warp

_SOFT_PX = 1.5
"""Room for the soft border of a turned patch, both sides together, in pixels of the coarser of the two."""


def objects_prepared(
    plan: Plan, bank: PatchBank, canvas: NDArray[np.uint8]
) -> tuple[Pasted, NDArray[np.int64]]:
    """What `objects_as_cut` gives, for objects that are more than resized, mirrored and turned by quarters.

    Their pixels and mattes are made first, so that pasting is the same for all.

    Args:
        plan: the scene.
        bank: the bank that it was drawn for.
        canvas: ``(H, W, 3)`` uint8, without any object; ``poisson`` fits objects to it, so that none takes on
            the colours of its neighbours.
    """
    cut, boxes_px = objects_as_cut(plan, bank)
    pads_px, sizes_px = _room(plan, cut)
    areas = sizes_px.prod(axis=1)
    starts = np.cumsum(areas) - areas
    corners_px = cut.corners_px - (sizes_px - plan.sizes_px) // 2
    pixels = np.empty((int(areas.sum()), 3), dtype=np.uint8)
    mattes = np.empty(len(pixels), dtype=np.uint8)
    angles = None if plan.variation is None else plan.variation.angles
    upright_px = plan.sizes_px if plan.variation is None else plan.variation.sizes_px
    inverses = inverse_maps(cut.shapes_px, upright_px, cut.flips, cut.turns, angles)
    patches = cut.pixels, cut.mattes, cut.offsets, cut.shapes_px
    # A turned patch ends where its own border runs; any other fills all but the room round it.
    pads = np.zeros_like(pads_px) if angles is not None else pads_px
    warp(*patches, inverses, pads, angles is not None, plan.hard, starts, sizes_px, pixels, mattes)
    # A hard patch belongs to its object where the turned one is more than half there.
    levels = np.maximum(cut.levels, HALF_LEVEL)
    if angles is not None:
        boxes_px = _turned_boxes(
            cut, levels, upright_px, plan.rims_px, boxes_px, mattes, starts, sizes_px, corners_px
        )
    _blur_objects(plan, pixels, mattes, starts, sizes_px, levels)
    added = np.zeros((len(pixels) if plan.poisson else 0, 3), dtype=np.int16)
    if plan.poisson:
        grounds = bank.backgrounds[plan.patch_index]
        membranes(canvas, pixels, mattes, starts, sizes_px, corners_px, grounds, added)
    apply_tones(pixels, _tables(plan, bank), added, starts, areas)
    pasted = Pasted(
        pixels=read_only(pixels),
        mattes=read_only(mattes),
        offsets=starts,
        shapes_px=sizes_px,
        corners_px=corners_px,
        sizes_px=sizes_px,
        flips=np.zeros(len(plan), dtype=bool),
        turns=np.zeros(len(plan), dtype=np.int64),
        shifts=cut.shifts,
        levels=levels,
    )
    return pasted, boxes_px


def _room(plan: Plan, cut: Pasted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels round each object for its blur ``(M,)``, and the sizes ``(M, 2)`` of what is made of it."""
    pads = np.zeros(len(plan), dtype=np.int64)
    if plan.variation is None:
        return pads, plan.sizes_px
    if not plan.hard:
        pads = np.array([reach_px(sigma) for sigma in plan.variation.blur_px.tolist()], dtype=np.int64)
    if plan.variation.angles is None:
        return pads, plan.sizes_px + 2 * pads[:, None]
    # The corners of a turned rectangle reach as far as its diagonal, and its soft border by half a pixel of
    # the patch farther.
    upright = plan.variation.sizes_px
    scale = np.sqrt(upright.prod(axis=1) / cut.shapes_px.prod(axis=1))
    longest = np.hypot(*upright.T) + _SOFT_PX * np.maximum(1, scale)
    more = np.ceil((longest[:, None] - plan.sizes_px) / 2).clip(min=0).astype(np.int64)
    return pads, plan.sizes_px + 2 * (more + pads[:, None])


def _turned_boxes(
    cut: Pasted,
    levels: NDArray[np.int64],
    upright_px: NDArray[np.int64],
    rims_px: NDArray[np.int64],
    boxes_px: NDArray[np.int64],
    mattes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes_px: NDArray[np.int64],
    corners_px: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The boxes of turned objects: what belongs to them, with the margin that their upright boxes have.

    The box of a patch lies a little outside of where its matte says that pixels belong to the object. With
    the same margin a round object has the same box whatever its angle.
    """
    boxes = np.array(boxes_px)
    for k, level in enumerate(levels):
        row0, column0, row1, column1 = extents(mattes, starts[k], sizes_px[k, 0], sizes_px[k, 1], level)
        if row0 >= row1:
            continue
        margin = 0
        if cut.levels[k]:
            height, width = cut.shapes_px[k].tolist()
            top, left, bottom, right = extents(cut.mattes, cut.offsets[k], height, width, level)
            sides = np.array([top, height - bottom, left, width - right])
            scale = np.sqrt(upright_px[k].prod() / (height * width))
            margin = max(0, int(np.ceil(sides.mean() * scale - rims_px[k])))
        boxes[k] = np.array([row0 - margin, column0 - margin, row1 + margin, column1 + margin])
        boxes[k] += np.tile(corners_px[k], 2)
    return boxes


def _blur_objects(
    plan: Plan,
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes_px: NDArray[np.int64],
    levels: NDArray[np.int64],
) -> None:
    """Blur pixels and mattes in place; what belongs to an object stays what it was, and so does its box."""
    if plan.variation is None:
        return
    for k in np.flatnonzero(plan.variation.blur_px > 0):
        height, width = sizes_px[k]
        own = slice(starts[k], starts[k] + height * width)
        sigma = float(plan.variation.blur_px[k])
        pixels[own] = blur(pixels[own].reshape(height, width, 3), sigma).reshape(-1, 3)
        if not plan.hard:
            belongs = mattes[own] >= levels[k]
            blurred = blur(mattes[own].reshape(height, width), sigma).ravel()
            mattes[own] = np.where(
                belongs, np.maximum(blurred, levels[k]), np.minimum(blurred, levels[k] - 1)
            )


def _tables(plan: Plan, bank: PatchBank) -> NDArray[np.int16]:
    """The tones of each object, or none where all stay as they are."""
    drawn = plan.variation
    if drawn is None or not (
        drawn.brightness.any() or (drawn.contrast != 1).any() or (drawn.stain != 1).any()
    ):
        return np.zeros((0, 3, 256), dtype=np.int16)
    return tone_tables(bank.backgrounds[plan.patch_index], drawn.brightness, drawn.contrast, drawn.stain)
