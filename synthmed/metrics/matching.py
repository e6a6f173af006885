"""One-to-one matching of predictions to truths, for the objects of one class in one image.

Predictions are taken by descending score, and each gets the closest truth that is still free. Whether a
prediction is matched depends only on those with higher scores, so one matching serves every threshold.
Ignored truths (objects cut by the image border) are regions: a prediction without a truth of its own that
belongs to one, or lies in one, is set aside, however many there are; an ignored truth is never missed.

Equal scores and equally close truths are settled by position, so no result depends on the order of the
input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.boxes import pairwise_coverage, pairwise_iou

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_IOU = 0.5
MIN_COVERAGE = 0.5
"""A box lies mostly in an ignore region where more than this share of it does."""

_BLOCK = 1_000_000
"""Pairs looked at in one go: it bounds the memory, not the result."""


@dataclass(frozen=True, eq=False)
class Matching:
    """What became of each prediction.

    Attributes:
        truth_index: ``(P,)`` int, the truth that the prediction is matched to, -1 for none. Never an
            ignored one.
        ignored: ``(P,)`` bool, whether the prediction is set aside as lying on an ignore region.
    """

    truth_index: NDArray[np.int64]
    ignored: Bools


def match_boxes(
    boxes_px: Floats,
    scores: Floats,
    truth_boxes_px: Floats,
    truth_ignored: Bools,
    *,
    min_iou: float = MIN_IOU,
) -> Matching:
    """Match by intersection over union.

    A prediction is set aside where it reaches ``min_iou`` with an ignored truth, or where more than half
    of it lies in one.

    Args:
        boxes_px: ``(P, 2 * D)`` float, the predictions.
        scores: ``(P,)`` float.
        truth_boxes_px: ``(T, 2 * D)`` float.
        truth_ignored: ``(T,)`` bool.
        min_iou: the least IoU of a match.

    Returns:
        The matching; indices count all truths.

    Examples:
        The second prediction finds its truth taken, the third lies on an object at the border:

        >>> truth = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
        >>> found = np.array([[0.0, 0, 10, 9], [0, 0, 10, 10], [20, 20, 25, 25]])
        >>> match = match_boxes(found, np.array([0.9, 0.8, 0.7]), truth, np.array([False, True]))
        >>> match.truth_index.tolist(), match.ignored.tolist()
        ([0, -1, -1], [False, False, True])
    """

    def closeness(rows: slice, truths: Bools) -> Floats:
        return pairwise_iou(boxes_px[rows], truth_boxes_px[truths])

    def inside(rows: slice, truths: Bools) -> Bools:
        covered: Bools = pairwise_coverage(boxes_px[rows], truth_boxes_px[truths]) > MIN_COVERAGE
        return covered

    return _match(closeness, inside, min_iou, boxes_px, scores, truth_boxes_px, truth_ignored)


def match_centers(
    centers_px: Floats,
    scores: Floats,
    truth_centers_px: Floats,
    truth_ignored: Bools,
    *,
    max_distance_px: float,
    truth_boxes_px: Floats | None = None,
) -> Matching:
    """Match by the distance of centres.

    A prediction is set aside where its centre is within ``max_distance_px`` of an ignored truth's centre,
    or in its box.

    Args:
        centers_px: ``(P, D)`` float, the predictions.
        scores: ``(P,)`` float.
        truth_centers_px: ``(T, D)`` float.
        truth_ignored: ``(T,)`` bool.
        max_distance_px: the greatest distance of a match; half the patch size of the class.
        truth_boxes_px: ``(T, 2 * D)`` float where the truths have boxes (NaN where one has none).

    Returns:
        The matching; indices count all truths.
    """
    ndim = truth_centers_px.shape[1]

    def closeness(rows: slice, truths: Bools) -> Floats:
        offsets = centers_px[rows, None] - truth_centers_px[truths]
        negated: Floats = -np.sqrt(np.square(offsets).sum(axis=-1))
        return negated

    def inside(rows: slice, truths: Bools) -> Bools:
        own = centers_px[rows, None]
        if truth_boxes_px is None:
            return np.zeros((len(own), int(truths.sum())), dtype=bool)
        boxes = truth_boxes_px[truths]
        return np.asarray(((own >= boxes[:, :ndim]) & (own < boxes[:, ndim:])).all(axis=-1))

    return _match(closeness, inside, -max_distance_px, centers_px, scores, truth_centers_px, truth_ignored)


def _match(
    closeness: Callable[[slice, Bools], Floats],
    inside: Callable[[slice, Bools], Bools],
    least: float,
    positions: Floats,
    scores: Floats,
    truth_positions: Floats,
    truth_ignored: Bools,
) -> Matching:
    """Greedy matching by any measure of closeness (greater is closer, ``least`` still matches)."""
    count = len(scores)
    truth_index = np.full(count, -1, dtype=np.int64)
    on_region = np.zeros(count, dtype=bool)
    valid = ~truth_ignored
    rank = _ranks(np.concatenate([-scores[:, None], positions], axis=1))
    truth_rank = _ranks(truth_positions)[valid]
    pairs = []
    step = max(1, _BLOCK // max(1, len(truth_ignored)))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        close = closeness(rows, valid)
        prediction, truth = np.nonzero(close >= least)
        pairs.append(np.stack([prediction + start, truth, close[prediction, truth]]))
        if truth_ignored.any():
            near = closeness(rows, truth_ignored) >= least
            on_region[rows] = (near | inside(rows, truth_ignored)).any(axis=1)
    if pairs:
        prediction, truth, close = np.concatenate(pairs, axis=1)
        prediction, truth = prediction.astype(np.int64), truth.astype(np.int64)
        order = np.lexsort((truth_rank[truth], -close, rank[prediction]))
        chosen = _first_free(prediction[order], truth[order])
        truth_index[chosen[:, 0]] = np.flatnonzero(valid)[chosen[:, 1]]
    return Matching(truth_index, on_region & (truth_index < 0))


def _ranks(keys: Floats) -> NDArray[np.int64]:
    """The place of each row of ``keys`` in their lexicographic order."""
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[np.lexsort(keys.T[::-1])] = np.arange(len(keys))
    return ranks


def _first_free(prediction: NDArray[np.int64], truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Walk down the pairs, keeping each whose prediction and truth are both still free."""
    taken_predictions: set[int] = set()
    taken_truths: set[int] = set()
    kept: list[tuple[int, int]] = []
    for pair in zip(prediction.tolist(), truth.tolist(), strict=True):
        if pair[0] not in taken_predictions and pair[1] not in taken_truths:
            taken_predictions.add(pair[0])
            taken_truths.add(pair[1])
            kept.append(pair)
    return np.array(kept, dtype=np.int64).reshape(-1, 2)
