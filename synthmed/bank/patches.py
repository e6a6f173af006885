"""From the clicks on one image to its patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.background import Background
from synthmed.bank.cut import cut_patch, local_background, place_windows
from synthmed.bank.duplicates import thumbnail
from synthmed.bank.matte import (
    HALF_LEVEL,
    edge_px,
    halo_matte,
    halo_px,
    round_matte,
    segmented_matte,
    square_matte,
)
from synthmed.bank.objects import Objects, find_objects
from synthmed.bank.quality import nearest_others, touching_share
from synthmed.bank.spec import BankSpec

Kind = TypeVar("Kind", np.uint8, np.bool_)

_GAP = 0.05
"""Objects touch that are nearer to each other than this share of their class's size."""

_LEAST_GAP_PX = 1.5

_MOST_TOUCHING = 0.1
"""Share of its edge up to which an object that touches others is cut by its outline, halo and all."""

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
    rim_px: list[int] = field(default_factory=list)
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
    touching: float
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
    touching = _touching(objects, sizes_px)
    tight = objects.found & spec.follows_outline
    if spec.matte == "halo":
        # Where another object lies close, the edge was guessed, and a wrong one teaches more than none.
        tight &= ~(touching > _MOST_TOUCHING)
    crosses = np.where(tight, objects.truncated, windows.cut_off > 0) | edge
    truncated = np.where(objects.found, objects.truncated, windows.cut_off > 0) | edge
    cut.crossing.extend(index[crosses & own].tolist())
    # A segmented object needs no window of its class's size: what counts is whether all of it is seen.
    usable = np.where(tight, True, windows.usable) & ~(crosses & (spec.border == "drop"))
    for i in np.flatnonzero(usable & own):
        window = windows.low_px[i], windows.high_px[i]
        low, high, matte, rim_px = _shape(objects, int(i), window, sizes_px[i], spec, bool(tight[i]))
        around = local_background(image, low, high, background)
        if spec.border == "shift" and not rim_px:
            low, high, matte = _shown_part(low, high, matte, image.shape)
        patch, shown = cut_patch(image, low, high, around)
        matte = np.where(shown, matte, 0)
        cut.point.append(int(index[i]))
        cut.cut_off.append(float(windows.cut_off[i]))
        cut.other_centers.append(_count_others(centers_px, int(i), low, matte))
        cut.background.append(around)
        cut.noise.append(background.noise)
        cut.rim_px.append(rim_px)
        cut.pixels.append(patch)
        cut.mattes.append(matte.astype(np.uint8))
        cut.thumbnails.append(thumbnail(image, corners[i], corners[i] + 2 * half[i]))
        cut.measured.append(
            _measure(objects, int(i), centers_px[i], touching[i], truncated[i], float(nearest_px[i]))
        )
    return objects.labels


def _touching(objects: Objects, sizes_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """`touching_share` of each object, ``(N,)``; NaN where none was found."""
    shares = np.full(len(sizes_px), np.nan)
    for i in np.flatnonzero(objects.found):
        gap_px = max(_LEAST_GAP_PX, _GAP * sizes_px[i])
        room = int(gap_px) + 1
        labels = _padded(objects.labels, objects.low_px[i] - room, objects.high_px[i] + room)
        shares[i] = touching_share(labels, int(i) + 1, gap_px)
    return shares


def _measure(
    objects: Objects,
    i: int,
    center_px: NDArray[np.float64],
    touching: float,
    truncated: bool,
    nearest_px: float,
) -> Measured:
    found = bool(objects.found[i])
    height, width = objects.high_px[i] - objects.low_px[i] if found else (np.nan, np.nan)
    return Measured(
        segmented=found,
        contrast=objects.contrast[i],
        sharpness=objects.sharpness[i],
        solidity=objects.solidity[i],
        touching=touching,
        off_center_px=float(np.hypot(*(objects.centroids_px[i] - center_px))),
        truncated=truncated,
        nearest_px=nearest_px,
        height_px=height,
        width_px=width,
        diameter_px=objects.diameters_px[i],
    )


class _Shape(NamedTuple):
    """The window of a patch, its matte ``(h, w)``, and how much of each side lies round the object."""

    low_px: NDArray[np.int64]
    high_px: NDArray[np.int64]
    matte: NDArray[np.uint8]
    rim_px: int


def _shape(
    objects: Objects,
    i: int,
    window: tuple[NDArray[np.int64], NDArray[np.int64]],
    size_px: float,
    spec: BankSpec,
    tight: bool,
) -> _Shape:
    """What is cut out for one click, whose class-sized window is given; it may reach beyond the image."""
    found = bool(objects.found[i])
    if not tight and (found or spec.matte != "halo"):
        height, width = (int(n) for n in window[1] - window[0])
        square = spec.matte == "square"
        matte = square_matte((height, width)) if square else round_matte((height, width), spec.feather)
        return _Shape(*window, matte, 0)
    low, high = (objects.low_px[i], objects.high_px[i]) if found else window
    if found:
        mask = _padded(objects.labels, low, high) == i + 1
    else:
        mask = round_matte((int(high[0] - low[0]), int(high[1] - low[1])), spec.feather) >= HALF_LEVEL
        if spec.border == "shift":
            low, high, mask = _shown_part(low, high, mask, objects.labels.shape)
    room = int(np.ceil(halo_px(size_px) if spec.matte == "halo" else edge_px(mask, spec.feather) / 2))
    mask, labels = np.pad(mask, room), _padded(objects.labels, low - room, high + room)
    others = (labels > 0) & (labels != i + 1) & ~mask
    halo = spec.matte == "halo"
    matte = halo_matte(mask, others, room) if halo else segmented_matte(mask, others, spec.feather)
    return _Shape(low - room, high + room, matte, room)


def _shown_part(
    low_px: NDArray[np.int64], high_px: NDArray[np.int64], values: NDArray[Kind], shape_px: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Kind]]:
    """A window, and what stands in it ``(h, w)``, without what its image does not show.

    What is left stays where it was round the click.
    """
    first, last = np.maximum(low_px, 0), np.minimum(high_px, shape_px[:2])
    return first, last, values[tuple(slice(a, b) for a, b in zip(first - low_px, last - low_px, strict=True))]


def _padded(
    labels: NDArray[np.int32], low_px: NDArray[np.int64], high_px: NDArray[np.int64]
) -> NDArray[np.int32]:
    """A window of an image of labels, 0 beyond its border."""
    before = np.maximum(-low_px, 0)
    after = np.maximum(high_px - labels.shape, 0)
    inside = tuple(slice(max(a, 0), b) for a, b in zip(low_px.tolist(), high_px.tolist(), strict=True))
    return np.pad(labels[inside], list(zip(before.tolist(), after.tolist(), strict=True)))


def _count_others(
    centers_px: NDArray[np.float64], own: int, low_px: NDArray[np.int64], matte: NDArray[np.uint8]
) -> int:
    """How many other centres lie where the matte keeps the patch."""
    pixel = np.floor(centers_px).astype(np.int64) - low_px
    inside = np.all((pixel >= 0) & (pixel < matte.shape), axis=1)
    inside[own] = False
    rows, columns = pixel[inside].T
    return int((matte[rows, columns] > 0).sum())
