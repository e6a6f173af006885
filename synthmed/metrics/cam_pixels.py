"""What a map says about single pixels: pointing game, energy, pixel average precision.

Every function takes the map of one class on one image with two masks of the same shape: ``inside``, the
pixels within truth boxes of that class, and ``ignored``, those within ignore regions only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.average_precision import average_precision
from synthmed.metrics.curves import Curve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PIXEL_BINS = 1000
"""Steps of the pixel histogram; Choe et al. 2020 take as many thresholds."""


def box_mask(boxes_px: ArrayLike, shape_px: tuple[int, ...]) -> Bools:
    """The pixels whose centre lies within at least one of the boxes.

    Args:
        boxes_px: ``(N, 2 * D)`` float.
        shape_px: the shape of the mask.

    Examples:
        >>> box_mask([[0, 0.6, 1, 3]], (2, 4)).astype(int).tolist()
        [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    mask = np.zeros(shape_px, dtype=bool)
    ndim = len(shape_px)
    edges = np.ceil(np.asarray(boxes_px, dtype=float).reshape(-1, 2 * ndim) - 0.5)
    for box in np.clip(edges, 0, np.tile(shape_px, 2)).astype(int).tolist():
        mask[tuple(slice(box[axis], box[axis + ndim]) for axis in range(ndim))] = True
    return mask


def normalized(cam: ArrayLike) -> NDArray[np.float32]:
    """The map scaled so that its least value is 0 and its greatest is 1.

    A map of one single value becomes 1 everywhere: every threshold keeps all of it.

    Examples:
        >>> normalized([-1.0, 0.0, 3.0]).tolist(), normalized([2.0, 2.0]).tolist()
        ([0.0, 0.25, 1.0], [1.0, 1.0])
    """
    values = np.asarray(cam, dtype=np.float32)
    low, high = values.min(), values.max()
    if low == high:
        return np.ones_like(values)
    scaled: NDArray[np.float32] = (values - low) / (high - low)
    return scaled


def pointing_game(cam: NDArray, inside: Bools, ignored: Bools) -> float:
    """Whether the maximum lies in a truth box (Zhang et al. 2018, without their tolerance).

    Where several pixels share the maximum, the score is the mean over them: what picking one at random
    would score on average. Maxima in ignore regions are left out.

    Returns:
        A number in 0..1; NaN where every maximum lies in an ignore region.

    Examples:
        >>> inside, nowhere = np.array([True, False, False, False]), np.zeros(4, dtype=bool)
        >>> pointing_game(np.ones(4), inside, nowhere), pointing_game(np.array([0, 1, 0, 0]), inside, nowhere)
        (0.25, 0.0)
    """
    maxima = (cam == cam.max()) & ~ignored
    return float(inside[maxima].mean()) if maxima.any() else float("nan")


def energy_share(cam: NDArray, inside: Bools, ignored: Bools) -> float:
    """The share of the map's energy inside truth boxes (energy pointing game, Wang et al. 2020).

    The energy of a pixel is the positive part of its value: evidence for the class. Ignore regions count
    neither as inside nor as outside.

    Returns:
        A number in 0..1; 0 where the map has no positive value, NaN where all of it is ignored.
    """
    if ignored.all():
        return float("nan")
    energy = np.where(ignored, 0, np.maximum(cam, 0)).astype(np.float64)
    total = energy.sum()
    return float(energy[inside & ~ignored].sum() / total) if total > 0 else 0.0


def area_share(inside: Bools, ignored: Bools) -> float:
    """The share of pixels inside truth boxes, ignore regions left out: the energy share of a uniform map."""
    return float(inside[~ignored].mean()) if not ignored.all() else float("nan")


def pixel_counts(scaled: NDArray[np.float32], inside: Bools, ignored: Bools) -> Ints:
    """Histograms of a `normalized` map over pixels outside and inside truth boxes.

    Returns:
        ``(2, PIXEL_BINS)`` int: outside, inside.
    """
    bins = np.minimum((scaled * PIXEL_BINS).astype(np.int64), PIXEL_BINS - 1)
    counts = [np.bincount(bins[where & ~ignored], minlength=PIXEL_BINS) for where in (~inside, inside)]
    return np.stack(counts).astype(np.int64)


def pixel_average_precision(counts: NDArray) -> Floats:
    """PxAP (Choe et al. 2020): average precision of the pooled pixels, from their histograms.

    Pixels of one bin are taken as one threshold; the bins are a thousandth of each map's range.

    Args:
        counts: ``(..., 2, bins)`` from `pixel_counts`, summed over maps.

    Returns:
        ``(...)`` float in 0..1; NaN where no pixel lies inside a truth box.
    """
    sums = counts[..., ::-1].cumsum(axis=-1)
    outside, inside = sums[..., 0, :], sums[..., 1, :]
    thresholds = np.arange(counts.shape[-1], dtype=float)[::-1]
    return average_precision(Curve(thresholds, inside, outside, inside[..., -1]))
