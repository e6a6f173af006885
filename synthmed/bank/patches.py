"""From the clicks on one image to its patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.background import Background
from synthmed.bank.cut import cut_patch, local_background, place_windows
from synthmed.bank.duplicates import thumbnail
from synthmed.bank.matte import edge_px, round_matte, segmented_matte, square_matte
from synthmed.bank.objects import Objects, find_objects
from synthmed.bank.quality import nearest_others
from synthmed.bank.spec import BankSpec

_SURROUNDINGS = 2.0
"""Side of a thumbnail's window in class sizes: what lies round an object tells it from others of its kind."""


@dataclass
class Patches:
    """What has been cut so far, an entry per patch; in `crossing` the points whose patch meets the border."""

    point: list[int] = field(default_factory=list)
    crossing: list[int] = field(default_factory=list)
    cut_off: list[float] = field(default_factory=list)
    other_centers: list[int] = field(default_factory=list)
    background: list[NDArray[np.float64]] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    pixels: list[NDArray[np.uint8]] = field(default_factory=list)
    mattes: list[NDArray[np.uint8]] = field(default_factory=list)
    thumbnails: list[NDArray[np.uint8]] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)


class Measured(NamedTuple):
    """The quality of one patch, but for what only shows beside the others of its class."""

    segmented: float
    contrast: float
    sharpness: float
    solidity: float
    off_center_px: float
    truncated: float
    nearest_px: float
    height_px: float
    width_px: float
    diameter_px: float


def cut_image(
    cut: Patches,
    image: NDArray[np.uint8],
    index: NDArray[np.int64],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    sides_px: NDArray[np.int64],
    background: Background,
    spec: BankSpec,
    own: NDArray[np.bool_],
    edge: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Cut the usable patches of one image, or of a block of a large one.

    Args:
        cut: added to.
        image: ``(H, W, 3)`` uint8.
        index: ``(N,)`` int, the points' numbers in the whole set.
        centers_px: ``(N, 2)`` float.
        sizes_px: ``(N,)`` float, the side of each point's class.
        sides_px: ``(N,)`` int, the side of each patch, which varies round that.
        background: of the image.
        spec: policies.
        own: ``(N,)`` bool, the points whose patches are cut here; the others are their neighbours.
        edge: ``(N,)`` bool, the points whose object the source says the border cuts.

    Returns:
        ``(H, W)`` int32, which of the N objects has a pixel, from 1; 0 for none.
    """
    if not len(index):
        return np.zeros(image.shape[:2], dtype=np.int32)
    objects = find_objects(image, centers_px, sizes_px, background)
    middles_px = centers_px
    if spec.recenter:
        middles_px = np.where(objects.found[:, None], objects.centroids_px, centers_px)
    windows = place_windows(middles_px, sides_px, np.array(image.shape[:2]), spec.border)
    nearest_px = nearest_others(centers_px)
    half = np.maximum(1, np.rint(_SURROUNDINGS * sizes_px / 2)).astype(np.int64)[:, None]
    corners = np.floor(centers_px).astype(np.int64) - half
    tight = objects.found & (spec.matte == "segmented")
    crosses = np.where(tight, objects.truncated, windows.cut_off > 0) | edge
    truncated = np.where(objects.found, objects.truncated, windows.cut_off > 0) | edge
    cut.crossing.extend(index[crosses & own].tolist())
    # A segmented object needs no window of its class's size: what counts is whether all of it is seen.
    usable = np.where(tight, True, windows.usable) & ~(crosses & (spec.border == "drop"))
    for i in np.flatnonzero(usable & own):
        low, high = (
            _tight_window(objects, int(i), spec.feather)
            if tight[i]
            else (windows.low_px[i], windows.high_px[i])
        )
        around = local_background(image, low, high, background)
        matte = _matte(objects, int(i), low, high, spec, tight=bool(tight[i]))
        if spec.border == "shift":
            # What the image does not show is taken off the matte, which so stays round the click.
            first, last = np.maximum(low, 0), np.minimum(high, image.shape[:2])
            matte = matte[tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))]
            low, high = first, last
        patch, shown = cut_patch(image, low, high, around)
        matte = np.where(shown, matte, 0)
        cut.point.append(int(index[i]))
        cut.cut_off.append(float(windows.cut_off[i]))
        cut.other_centers.append(_count_others(centers_px, int(i), low, matte))
        cut.background.append(around)
        cut.noise.append(background.noise)
        cut.pixels.append(patch)
        cut.mattes.append(matte.astype(np.uint8))
        cut.thumbnails.append(thumbnail(image, corners[i], corners[i] + 2 * half[i]))
        cut.measured.append(_measure(objects, int(i), centers_px[i], truncated[i], float(nearest_px[i])))
    return objects.labels


def _measure(
    objects: Objects, i: int, center_px: NDArray[np.float64], truncated: bool, nearest_px: float
) -> Measured:
    found = bool(objects.found[i])
    height, width = objects.high_px[i] - objects.low_px[i] if found else (np.nan, np.nan)
    return Measured(
        segmented=found,
        contrast=objects.contrast[i],
        sharpness=objects.sharpness[i],
        solidity=objects.solidity[i],
        off_center_px=float(np.hypot(*(objects.centroids_px[i] - center_px))),
        truncated=truncated,
        nearest_px=nearest_px,
        height_px=height,
        width_px=width,
        diameter_px=objects.diameters_px[i],
    )


def _tight_window(objects: Objects, i: int, feather: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The box of an object with room for its soft edge, within the image."""
    low, high = objects.low_px[i], objects.high_px[i]
    mask = objects.labels[low[0] : high[0], low[1] : high[1]] == i + 1
    room = int(np.ceil(edge_px(mask, feather) / 2))
    return np.maximum(low - room, 0), np.minimum(high + room, objects.labels.shape)


def _matte(
    objects: Objects,
    i: int,
    low_px: NDArray[np.int64],
    high_px: NDArray[np.int64],
    spec: BankSpec,
    *,
    tight: bool,
) -> NDArray[np.uint8]:
    if tight:
        labels = objects.labels[low_px[0] : high_px[0], low_px[1] : high_px[1]]
        return segmented_matte(labels == i + 1, (labels > 0) & (labels != i + 1), spec.feather)
    height, width = (int(n) for n in high_px - low_px)
    if spec.matte == "square":
        return square_matte((height, width))
    return round_matte((height, width), spec.feather)


def _count_others(
    centers_px: NDArray[np.float64], own: int, low_px: NDArray[np.int64], matte: NDArray[np.uint8]
) -> int:
    """How many other centres lie where the matte keeps the patch."""
    pixel = np.floor(centers_px).astype(np.int64) - low_px
    inside = np.all((pixel >= 0) & (pixel < matte.shape), axis=1)
    inside[own] = False
    rows, columns = pixel[inside].T
    return int((matte[rows, columns] > 0).sum())
