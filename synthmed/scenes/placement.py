"""Where objects lie: at random, with limits on overlap and on truncation at the border."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.scenes.boxes import IOU, SMALLER, VISIBLE, place_in_turn, room, settle_boxes
from synthmed.scenes.chance import Uniform
from synthmed.scenes.recipe import PlacementRecipe

_USUAL_TRIES = 8
"""Most scenes need no more. The others are drawn only for those that do: it takes longer than placing."""

_OVERLAPS = {"smaller": SMALLER, "iou": IOU, "visible": VISIBLE}


class Boxes(NamedTuple):
    """Boxes that are on a canvas already: centres and sizes, ``(K, 2)`` each."""

    centers_px: NDArray[np.float64]
    sizes_px: NDArray[np.int64]


NO_BOXES = Boxes(np.zeros((0, 2)), np.zeros((0, 2), dtype=np.int64))


def draw_positions(
    placement: PlacementRecipe,
    sizes_px: NDArray[np.int64],
    canvas_shape_px: tuple[int, int],
    rng: Uniform,
    taken: Boxes = NO_BOXES,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Place boxes one after the other, the largest first, each at the first random position that is free.

    Args:
        placement: the limits.
        sizes_px: ``(M, 2)`` int.
        canvas_shape_px: height and width.
        rng: source of randomness.
        taken: boxes that stay where they are.

    Returns:
        Centres ``(M, 2)`` float such that the boxes have whole-pixel corners, and which were placed ``(M,)``.
    """
    limits = _outside(placement), _OVERLAPS[placement.overlap], placement.max_overlap
    count, tries = len(sizes_px), min(placement.tries, _USUAL_TRIES)
    chances = rng.random(count * tries).reshape(count, tries)
    centers_px, placed = place_in_turn(sizes_px, *taken, canvas_shape_px, *limits, chances)
    if tries < placement.tries and not placed.all():
        more = rng.random(count * (placement.tries - tries)).reshape(count, -1)
        chances = np.concatenate((chances, more), axis=1)
        centers_px, placed = place_in_turn(sizes_px, *taken, canvas_shape_px, *limits, chances)
    return centers_px, placed


def settle_positions(
    placement: PlacementRecipe,
    sizes_px: NDArray[np.int64],
    centers_px: NDArray[np.float64],
    nearest_px: NDArray[np.float64],
    canvas_shape_px: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Move placed boxes so that each has its nearest neighbour about as far away as is wished.

    Each in turn goes to that one of its random positions at which the distances of all differ least from the
    wishes; so the limits go on to hold, and the places are otherwise random.

    Args:
        placement: the limits.
        sizes_px: ``(M, 2)`` int.
        centers_px: ``(M, 2)`` float, where they lie; within the limits.
        nearest_px: ``(M,)`` float, the distances wished for; NaN for none.
        canvas_shape_px: height and width.
        rng: source of randomness.

    Returns:
        Centres ``(M, 2)`` float.
    """
    lowest, positions = room(sizes_px, canvas_shape_px, _outside(placement))
    corners = np.rint(centers_px - sizes_px / 2).astype(np.int64)
    settle_boxes(
        sizes_px,
        corners,
        lowest,
        positions,
        nearest_px,
        _OVERLAPS[placement.overlap],
        placement.max_overlap,
        rng.random((len(sizes_px), placement.tries, 3)),
    )
    return corners + sizes_px / 2


def _outside(placement: PlacementRecipe) -> float:
    """The largest share of a side that may lie outside."""
    # If each axis keeps at least sqrt(1 - t) inside, the area keeps at least 1 - t.
    return 1 - math.sqrt(1 - placement.max_truncation)
