"""Local maxima of a map."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def find_peaks(
    cam: ArrayLike, min_distance_px: float = 0.0, threshold: float = -np.inf
) -> tuple[Floats, Floats]:
    """Find local maxima, the highest first.

    A plateau with nothing higher next to it is one peak, at the mean of its pixels; a map of one single
    value has none, since nothing stands out. Of peaks closer than ``min_distance_px`` the highest stays, so
    raising the threshold only ever takes the lowest peaks away.

    Args:
        cam: the map, ``(H, W)`` or with any number of axes.
        min_distance_px: the least distance between two peaks.
        threshold: the least value of a peak.

    Returns:
        ``(K, D)`` float positions in array order, pixel centres at integers plus one half, and ``(K,)``
        float values.

    Raises:
        ValueError: where the map holds NaN.

    Examples:
        >>> centers_px, values = find_peaks([[0, 0, 0, 0], [0, 3, 0, 2], [0, 0, 0, 2]], threshold=1)
        >>> centers_px.tolist(), values.tolist()
        ([[1.5, 1.5], [2.0, 3.5]], [3.0, 2.0])
    """
    cam = np.asarray(cam)
    if np.isnan(cam).any():
        raise ValueError("the map holds NaN")
    neighbourhood = ndimage.generate_binary_structure(cam.ndim, cam.ndim)
    highest = (cam == ndimage.maximum_filter(cam, footprint=neighbourhood, mode="nearest")) & (
        cam >= threshold
    )
    if not cam.size or cam.min() == cam.max() or not highest.any():
        return np.zeros((0, cam.ndim)), np.zeros(0)
    plateau, count = ndimage.label(highest, structure=neighbourhood)
    slopes = np.unique(plateau[highest][_has_equal_neighbour_outside(cam, highest)])
    index = np.setdiff1d(np.arange(1, count + 1), slopes)
    positions = np.argwhere(highest)
    size = np.bincount(plateau[highest], minlength=count + 1)
    sums = [np.bincount(plateau[highest], weights=axis, minlength=count + 1) for axis in positions.T]
    centers_px = np.stack([total[index] / size[index] for total in sums], axis=1) + 0.5
    values = np.zeros(count + 1)
    values[plateau[highest]] = cam[highest]
    return _thin_out(centers_px, values[index], min_distance_px)


def _has_equal_neighbour_outside(cam: NDArray, highest: Bools) -> Bools:
    """Whether each pixel of ``highest`` touches one as high that is not in it: a shoulder, not a top."""
    inside = np.pad(highest, 1, constant_values=True)
    padded = np.pad(cam, 1, mode="edge")
    places = np.argwhere(highest) + 1
    found = np.zeros(len(places), dtype=bool)
    own = cam[highest]
    for step in product((-1, 0, 1), repeat=cam.ndim):
        beside = tuple((places + step).T)
        found |= (padded[beside] == own) & ~inside[beside]
    return found


def _thin_out(centers_px: Floats, values: Floats, min_distance_px: float) -> tuple[Floats, Floats]:
    """Keep the highest of those closer than the distance; equal ones by position."""
    order = np.lexsort((*centers_px.T[::-1], -values))
    centers_px, values = centers_px[order], values[order]
    free = np.ones(len(values), dtype=bool)
    if min_distance_px > 0 and len(values):
        pairs = cKDTree(centers_px).query_pairs(min_distance_px, output_type="ndarray")
        gaps = np.sqrt(np.square(centers_px[pairs[:, 0]] - centers_px[pairs[:, 1]]).sum(axis=1))
        pairs = np.sort(pairs[gaps < min_distance_px], axis=1)
        for higher, lower in pairs[np.argsort(pairs[:, 0], kind="stable")].tolist():
            # What stands higher than `higher` has been dealt with, so its own fate is settled by now.
            free[lower] &= not free[higher]
    return centers_px[free], values[free]
