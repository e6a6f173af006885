"""Outlines of clicked objects, found from the pixels: good enough to measure sizes on many of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, cKDTree
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from synthmed.bank.background import estimate_background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.medians import percentile
from synthmed.bank.shapes import filled, largest_piece

CUT_OFF_PERCENTILE = 99.9

OBJECT_SHARE = 0.5
"""An object ends no lower than this share of a low percentile of its contrast: strong ones have a halo."""

ROUNDS = 3

DARK_SHARE = 0.2
"""The least share of a region that its dark part must have to be an object with a bright fringe."""

CENTER_SHARE = 0.25
CENTER_SLACK_PX = 2.0
"""How far a click may lie from the middle of its object: a share of its side, or a few pixels."""

_NOISE_FACTOR = 2.5
_LONGEST_CLIMB_PX = 1000


class Cut(NamedTuple):
    """Where an object ends.

    Attributes:
        otsu_share: share of the Otsu threshold between background and objects.
        faint_percentile: the percentile of its own contrast that `OBJECT_SHARE` is taken of.
    """

    otsu_share: float
    faint_percentile: float


BOX_CUT = Cut(0.37, 20.0)
"""At one half of their contrast blurred objects would be cut at the physical edge, but people draw boxes
round the blur as well. Chosen on the train splits of three datasets, as are the other constants here."""

MATTE_CUT = Cut(0.5, 30.0)
"""The physical edge: what a soft edge is laid across."""


class Outlines(NamedTuple):
    """What was found at N clicks.

    Attributes:
        labels: ``(H, W)`` int32, the number of the click (from 1) whose object a pixel belongs to, else 0.
        merged: ``(N,)`` bool, whether another click lies on the same object as far as can be told.
    """

    labels: NDArray[np.int32]
    merged: NDArray[np.bool_]


def outline_objects(image: NDArray[np.uint8], centers_px: NDArray[np.float64]) -> Outlines:
    """Find the pixels of each clicked object.

    Pixels that stand out from the background are foreground. A watershed of the distance to its edge, with
    the clicks as markers, splits objects that touch. Then each object is cut once more at a share of its own
    contrast, and freed of the bright fringe of diffraction.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float, inside the image.
    """
    background = estimate_background(image)
    signed = contrast_map(image, background)
    contrast = np.abs(signed)
    floor = contrast_floor(contrast, background.noise, BOX_CUT)
    foreground = ndimage.binary_opening(filled(contrast > floor))
    regions, merged = split_touching(foreground, centers_px)
    labels = np.zeros_like(regions)
    for number, place in enumerate(ndimage.find_objects(regions, max_label=len(centers_px)), 1):
        if place is not None:
            inside = regions[place] == number
            center_px = centers_px[number - 1] - [part.start for part in place]
            labels[place][outline_in_region(signed[place], inside, floor, center_px, BOX_CUT)] = number
    return Outlines(labels, merged)


def contrast_floor(contrast: NDArray[np.float32], noise: float, cut: Cut) -> float:
    """The contrast below which nothing is an object."""
    # A few very bright or dark spots would move the threshold.
    cut_off = np.minimum(contrast, np.percentile(contrast, CUT_OFF_PERCENTILE))
    return max(cut.otsu_share * float(threshold_otsu(cut_off)), _NOISE_FACTOR * noise, 1.0)


def split_touching(
    foreground: NDArray[np.bool_], centers_px: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Share a foreground out to the clicks on it.

    The marker of a click is the whole way from it up to the nearest summit of the distance to the edge; a
    marker on the slope alone would be walled in by its neighbours' floods.

    Args:
        foreground: ``(H, W)`` bool.
        centers_px: ``(N, 2)`` float.

    Returns:
        ``(H, W)`` int32 with the number of the click, from 1; and ``(N,)`` bool, which clicks share a summit.
    """
    if not len(centers_px):
        return np.zeros(foreground.shape, dtype=np.int32), np.zeros(0, dtype=bool)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(foreground).astype(np.float32), 1.0)
    depth[~foreground] = -1
    ways = _climb(depth, np.clip(centers_px.astype(np.int64), 0, np.array(foreground.shape) - 1))
    numbers = np.arange(1, len(centers_px) + 1)
    markers = np.zeros(foreground.shape, dtype=np.int32)
    for step in reversed(ways):  # the click itself is written last, so that no other way crosses it
        markers[step[:, 0], step[:, 1]] = numbers
    regions = watershed(-depth, markers, mask=foreground | (markers > 0))
    return regions.astype(np.int32), _share_a_summit(depth, ways[-1])


def _share_a_summit(depth: NDArray[np.float32], summits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``(N, 2)`` summits are nearer to another one than half their depth: the top may be flat."""
    if len(summits) < 2:
        return np.zeros(len(summits), dtype=bool)
    distances, _ = cKDTree(summits).query(summits, k=2)
    return np.asarray(distances[:, 1] < np.maximum(0.5 * depth[summits[:, 0], summits[:, 1]], 0.5))


def _climb(height: NDArray[np.float32], start: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The steps of steepest ascent from ``(N, 2)`` pixels to local maxima, all at once."""
    padded = np.pad(height, 1, constant_values=-np.inf)
    ways, here = [start], start
    moves = np.array([(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)])
    for _ in range(_LONGEST_CLIMB_PX):
        around = np.stack([padded[here[:, 0] + 1 + down, here[:, 1] + 1 + right] for down, right in moves])
        rises = around.max(axis=0) > height[here[:, 0], here[:, 1]]
        if not rises.any():
            break
        here = here + moves[around.argmax(axis=0)] * rises[:, None]
        ways.append(here)
    return ways


def outline_in_region(
    signed: NDArray[np.float32],
    inside: NDArray[np.bool_],
    floor: float,
    center_px: NDArray[np.float64],
    cut: Cut,
) -> NDArray[np.bool_]:
    """The object within the region of its click.

    Diffraction lays a bright fringe round dark objects in transmitted light. So where the dark part of a
    region is an object round the click by itself, what is lighter than the background is left out.
    """
    contrast = np.abs(signed[inside])
    threshold = floor
    for _ in range(ROUNDS):  # a wide blur is itself a large part of the region at first
        contrast = contrast[contrast >= threshold]
        if not contrast.size:
            break
        threshold = max(floor, OBJECT_SHARE * percentile(contrast, cut.faint_percentile))
    whole = largest_piece(filled(inside & (np.abs(signed) > threshold)))
    dark = largest_piece(filled(inside & (signed < -threshold)))
    return dark if dark.sum() > DARK_SHARE * whole.sum() and is_centered(dark, center_px) else whole


def is_centered(mask: NDArray[np.bool_], center_px: NDArray[np.float64]) -> bool:
    """Whether a click lies near the middle of the box round a mask, as experts' clicks do.

    Args:
        mask: ``(h, w)`` bool.
        center_px: ``(2,)`` float, in the coordinates of the mask.
    """
    if not mask.any():
        return False
    (place,) = ndimage.find_objects(mask.astype(np.int8))
    low, high = (np.array([getattr(part, end) for part in place]) for end in ("start", "stop"))
    away_px = float(np.hypot(*((low + high) / 2 - center_px)))
    return away_px < max(CENTER_SHARE * float((high - low).mean()), CENTER_SLACK_PX)


def solidity(mask: NDArray[np.bool_]) -> float:
    """Area of a mask over the area of its convex hull, both of whole pixels.

    Examples:
        >>> solidity(np.ones((3, 5), bool)), round(solidity(np.tri(2, dtype=bool)), 2)
        (1.0, 0.86)
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return 0.0
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    corners = [(row + step, column) for step in (0, 1) for row, column in zip(rows, first, strict=True)]
    corners += [(row + step, column) for step in (0, 1) for row, column in zip(rows, last, strict=True)]
    return float(mask.sum() / ConvexHull(np.array(corners)).volume)
