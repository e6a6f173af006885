"""What the pixels say of each clicked object: its mask, place, extents, contrast and sharpness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.background import Background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.fronts import REACH
from synthmed.bank.masks import segment_objects
from synthmed.bank.medians import percentile
from synthmed.bank.segment import solidity
from synthmed.bank.shapes import edge

_PLAUSIBLE_SHARE = (0.5, 1.5)
"""Diameters, as shares of the class size, that a mask may have."""

_FARTHEST_SHARE = 0.2
"""How far outside its mask a click may lie, as a share of the class size."""

_LEAST_NOISES = 2.0
"""Contrast, in standard deviations of the background, below which there is no edge to follow."""

_MOST_AT_LIMIT = 0.3
"""Share of a mask's edge that may lie where its front was stopped: there is no edge of an object there."""

_SHARP_PERCENTILE = 90.0


class Objects(NamedTuple):
    """The objects at the N clicks on an image.

    Attributes:
        labels: ``(H, W)`` int32, the number of the click (from 1) whose mask holds a pixel, else 0. Masks
            that are not plausible are in it, too: nobody else's matte may reach there.
        found: ``(N,)`` bool, whether the mask is plausible. What follows is of the mask where it is, and of a
            disc round the click where it is not.
        low_px: ``(N, 2)`` int, the first row and column.
        high_px: ``(N, 2)`` int, one past the last ones.
        centroids_px: ``(N, 2)`` float; NaN where no mask was found.
        diameters_px: ``(N,)`` float, of a disc of the same area; NaN where no mask was found.
        solidity: ``(N,)`` float, area over that of the convex hull; NaN where no mask was found.
        contrast: ``(N,)`` float, median distance in colour from the background, in grey levels.
        sharpness: ``(N,)`` float, the steepest tenth of slopes over the contrast, per pixel.
        truncated: ``(N,)`` bool, whether it touches the border of the image.
    """

    labels: NDArray[np.int32]
    found: NDArray[np.bool_]
    low_px: NDArray[np.int64]
    high_px: NDArray[np.int64]
    centroids_px: NDArray[np.float64]
    diameters_px: NDArray[np.float64]
    solidity: NDArray[np.float64]
    contrast: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    truncated: NDArray[np.bool_]


def find_objects(
    image: NDArray[np.uint8],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    background: Background,
) -> Objects:
    """Segment and measure the clicked objects of an image.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float, inside the image.
        sizes_px: ``(N,)`` float, the side of each click's class.
        background: of the image.
    """
    signed = contrast_map(image, background)
    contrast = np.abs(signed)
    labels = segment_objects(signed, centers_px, sizes_px, background.noise)
    count = len(centers_px)
    found = np.zeros(count, dtype=bool)
    low, high = disc_windows(centers_px, sizes_px, contrast.shape)
    centroids = np.full((count, 2), np.nan)
    diameters, solidities = np.full(count, np.nan), np.full(count, np.nan)
    levels, slopes = np.zeros(count), np.zeros(count)
    for k, place in enumerate(ndimage.find_objects(labels, max_label=count)):
        mask = None
        if place is not None:
            corner = np.array([part.start for part in place])
            mask = labels[place] == k + 1
            click_px = centers_px[k] - corner
            found[k] = is_plausible(mask, contrast[place], click_px, sizes_px[k], background.noise)
        if mask is not None and place is not None and found[k]:
            low[k], high[k] = corner, [part.stop for part in place]
            centroids[k] = corner + np.argwhere(mask).mean(axis=0) + 0.5
            diameters[k] = np.sqrt(4 / np.pi * mask.sum())
            solidities[k] = solidity(mask)
        window = tuple(slice(a, b) for a, b in zip(low[k], high[k], strict=True))
        shown = mask if mask is not None and found[k] else disc(centers_px[k] - low[k], sizes_px[k], window)
        levels[k] = np.median(contrast[window][shown])
        slopes[k] = _steepness(contrast[window]) / max(levels[k], 1.0)
    truncated = np.any((low <= 0) | (high >= np.array(contrast.shape)), axis=1)
    return Objects(labels, found, low, high, centroids, diameters, solidities, levels, slopes, truncated)


def is_plausible(
    mask: NDArray[np.bool_],
    contrast: NDArray[np.float32],
    click_px: NDArray[np.float64],
    size_px: float,
    noise: float,
) -> bool:
    """Whether a mask can be the clicked object: its area, place, contrast and edge.

    Args:
        mask: ``(h, w)`` bool, not empty.
        contrast: ``(h, w)`` float, unsigned.
        click_px: ``(2,)`` float, in the coordinates of the mask.
        size_px: the side of the class.
        noise: of the background.
    """
    diameter = float(np.sqrt(4 / np.pi * mask.sum())) / size_px
    if not _PLAUSIBLE_SHARE[0] <= diameter <= _PLAUSIBLE_SHARE[1]:
        return False
    if np.median(contrast[mask]) < _LEAST_NOISES * noise:
        return False
    rim = np.argwhere(edge(mask)) + 0.5 - click_px
    away_px = np.hypot(rim[:, 0], rim[:, 1])
    row, column = np.clip(click_px.astype(np.int64), 0, np.array(mask.shape) - 1)
    if not mask[row, column] and away_px.min() > max(_FARTHEST_SHARE * size_px, 2.0):
        return False
    at_limit = away_px > REACH * size_px / 2 - 2
    return bool(at_limit.mean() <= _MOST_AT_LIMIT)


def disc_windows(
    centers_px: NDArray[np.float64], sizes_px: NDArray[np.float64], shape_px: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one past the last pixels of windows of a class's size round clicks, within the image."""
    half = sizes_px[:, None] / 2
    low = np.clip(np.floor(centers_px - half).astype(np.int64), 0, np.array(shape_px) - 1)
    high = np.clip(np.ceil(centers_px + half).astype(np.int64), low + 1, np.array(shape_px))
    return low, high


def disc(center_px: NDArray[np.float64], diameter_px: float, window: tuple[slice, ...]) -> NDArray[np.bool_]:
    """Half a disc's diameter round a click, in a window; the click's pixel at least."""
    shape = [part.stop - part.start for part in window]
    rows, columns = (np.arange(n) + 0.5 - c for n, c in zip(shape, center_px, strict=True))
    away = np.hypot(rows[:, None], columns[None, :])
    return np.asarray(away <= max(diameter_px / 4, float(away.min())))


def _steepness(contrast: NDArray[np.float32]) -> float:
    """A high percentile of the slope of a window, in grey levels per pixel; 0 where it is a single line."""
    if min(contrast.shape) < 2:
        return 0.0
    down, right = np.gradient(contrast)
    return percentile(np.hypot(down, right), _SHARP_PERCENTILE)
