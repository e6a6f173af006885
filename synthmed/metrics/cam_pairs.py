"""What is kept of each judged map, an (image, present class) pair, and the figures that follow from it.

A pair keeps counts, no map: 8 kB of pixel histogram and a few hundred bytes more. All figures are weighted
sums over pairs, so that the images can be resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.cam_boxes import BOX_IOUS, BOX_THRESHOLDS, box_hits
from synthmed.metrics.cam_pixels import (
    PIXEL_BINS,
    area_share,
    box_mask,
    energy_share,
    normalized,
    pixel_average_precision,
    pixel_counts,
    pointing_game,
)
from synthmed.metrics.curves import ratio, with_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SHARES = ("pointing_game", "energy_share", "energy_gain")
_BLOCK = 4096
"""Histograms turned to floating point in one go: it bounds the memory, not the result."""


@dataclass(frozen=True, eq=False)
class Pair:
    """One judged map.

    Attributes:
        image: the number of its image.
        label: its class.
        shares: pointing game, energy share, energy gain; NaN where not defined.
        pixels: ``(2, PIXEL_BINS)`` int32 from `synthmed.metrics.cam_pixels.pixel_counts`.
        largest: ``(thresholds,)`` bool from `synthmed.metrics.cam_boxes.box_hits`.
        any_box: ``(IoUs, thresholds)`` bool from there.
    """

    image: int
    label: int
    shares: tuple[float, float, float]
    pixels: NDArray[np.int32]
    largest: Bools
    any_box: Bools


def judge_map(image: int, label: int, cam: NDArray, truth_boxes_px: Floats, ignored_boxes_px: Floats) -> Pair:
    """Judge the map of one class on one image that has it.

    Args:
        image: the number of the image.
        label: the class.
        cam: ``(H, W)`` float.
        truth_boxes_px: ``(T, 4)`` float, the truths of the class, T > 0.
        ignored_boxes_px: ``(I, 4)`` float, its ignore regions.
    """
    inside = box_mask(truth_boxes_px, cam.shape)
    ignored = box_mask(ignored_boxes_px, cam.shape) & ~inside
    energy = energy_share(cam, inside, ignored)
    gain = float(ratio(energy, area_share(inside, ignored)))
    largest, any_box = box_hits(cam, truth_boxes_px, ignored_boxes_px)
    pixels = pixel_counts(normalized(cam), inside, ignored).astype(np.int32)
    return Pair(image, label, (pointing_game(cam, inside, ignored), energy, gain), pixels, largest, any_box)


def pair_figures(pairs: Sequence[Pair], n_classes: int, weights: Floats) -> dict[str, Floats]:
    """The figures of `synthmed.metrics.cam.CamScores` for any weights of the images.

    Args:
        pairs: the judged maps.
        n_classes: how many classes there are.
        weights: ``(R, I)`` float.

    Returns:
        By name ``(R, C + 1)`` float. What comes last is pooled over the maps of all classes in ``px_ap``,
        ``max_box_acc`` and ``max_box_acc_v2``, a sum in ``pairs`` and the mean over classes elsewhere.
    """
    count = (len(weights), n_classes)
    totals = np.zeros(count)
    shares = np.zeros((*count, 3))
    px_ap = np.zeros((count[0], n_classes + 1))
    pixels_of_all = np.zeros((count[0], 2, PIXEL_BINS))
    largest = np.zeros((*count, len(BOX_THRESHOLDS)))
    any_box = np.zeros((*count, len(BOX_IOUS), len(BOX_THRESHOLDS)))
    for label in range(n_classes):
        own = [pair for pair in pairs if pair.label == label]
        drawn = weights[:, [pair.image for pair in own]]
        totals[:, label] = drawn.sum(axis=1)
        shares[:, label] = _mean_shares(drawn, own)
        pixels = _weighted(drawn, [pair.pixels for pair in own], (2, PIXEL_BINS))
        px_ap[:, label] = pixel_average_precision(pixels)
        pixels_of_all += pixels
        largest[:, label] = _weighted(drawn, [pair.largest for pair in own], largest.shape[2:])
        any_box[:, label] = _weighted(drawn, [pair.any_box for pair in own], any_box.shape[2:])
    px_ap[:, -1] = pixel_average_precision(pixels_of_all)
    totals = np.concatenate([totals, totals.sum(axis=1, keepdims=True)], axis=1)
    figures = {name: with_mean(shares[..., k]) for k, name in enumerate(_SHARES)}
    return figures | {
        "pairs": totals,
        "px_ap": px_ap,
        "max_box_acc": ratio(_at_best(largest), totals),
        "max_box_acc_v2": ratio(_at_best(any_box).mean(axis=-1), totals),
    }


def _mean_shares(drawn: Floats, pairs: Sequence[Pair]) -> Floats:
    """``(R, 3)`` the weighted means of what is known."""
    values = np.array([pair.shares for pair in pairs], dtype=float).reshape(-1, 3)
    known = ~np.isnan(values)
    return ratio(drawn @ np.where(known, values, 0), drawn @ known.astype(float))


def _weighted(drawn: Floats, counts: Sequence[NDArray], shape: tuple[int, ...]) -> Floats:
    """``(R, ...)`` the weighted sum of arrays of one shape."""
    total = np.zeros((len(drawn), int(np.prod(shape))))
    for start in range(0, len(counts), _BLOCK):
        block = np.stack(counts[start : start + _BLOCK]).reshape(-1, total.shape[1]).astype(np.float64)
        total += drawn[:, start : start + _BLOCK] @ block
    return total.reshape(len(drawn), *shape)


def _at_best(hits: Floats) -> Floats:
    """``(R, C + 1, ...)`` the hits at the threshold that is best over all classes; their sum comes last.

    Args:
        hits: ``(R, C, ..., thresholds)`` float.
    """
    summed = np.concatenate([hits, hits.sum(axis=1, keepdims=True)], axis=1)
    best = summed[:, -1:].argmax(axis=-1)[..., None]
    taken: Floats = np.take_along_axis(summed, np.broadcast_to(best, (*summed.shape[:-1], 1)), axis=-1)
    return taken[..., 0]
