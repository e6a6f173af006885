"""F1, precision, recall and average precision of detections, per class.

`match_predictions` decides once for each prediction whether it is right, wrong or set aside; everything
else is counting. Thresholds belong to the train split (`best_thresholds`), scores to the one reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.errors import SynthmedError
from synthmed.metrics.average_precision import interpolated_average_precision
from synthmed.metrics.checks import check_boxes, check_class_sizes, check_predictions
from synthmed.metrics.curves import Curve, best_f1_threshold, curve, f1, mean_over_classes, ratio
from synthmed.metrics.matching import MIN_IOU, match_boxes, match_centers
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.ranking import Ranking, rank
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rule = Literal["iou", "center"]

FIXED_THRESHOLD = 0.3
FALSE_POSITIVE, TRUE_POSITIVE, IGNORED = 0, 1, 2


@dataclass(frozen=True, eq=False)
class MatchedPredictions:
    """Predictions with a verdict each, and how many truths there were to find.

    Attributes:
        classes: the class names.
        image_index: ``(N,)`` int.
        scores: ``(N,)`` float.
        labels: ``(N,)`` int.
        status: ``(N,)`` int, `FALSE_POSITIVE`, `TRUE_POSITIVE` or `IGNORED`.
        truth_index: ``(N,)`` int, the truth that a true positive is matched to, else -1.
        image_truths: ``(I, C)`` int, the truths of each image and class that are not ignored.
    """

    classes: tuple[str, ...]
    image_index: Ints
    scores: Floats
    labels: Ints
    status: Ints
    truth_index: Ints
    image_truths: Ints

    @property
    def truth_counts(self) -> Ints:
        """``(C,)`` int, the truths of each class that are not ignored."""
        counts: Ints = self.image_truths.sum(axis=0)
        return counts

    def curve(self, label: int) -> Curve:
        """True and false positives of one class at every threshold."""
        of_class = (self.labels == label) & (self.status != IGNORED)
        hits = self.status[of_class] == TRUE_POSITIVE
        return curve(self.scores[of_class], hits, int(self.truth_counts[label]))

    def ranking(self, label: int) -> Ranking:
        """What was found of one class, to be counted with any weight of each image."""
        of_class = (self.labels == label) & (self.status != IGNORED)
        hits = self.status[of_class] == TRUE_POSITIVE
        return rank(self.scores[of_class], hits, self.image_index[of_class], self.image_truths[:, label])


@dataclass(frozen=True, eq=False)
class DetectionScores:
    """Counts per class at one threshold each, and the rates that follow from them.

    A class without truths has F1 and recall NaN and does not enter the macro mean: with nothing to find, F1
    would be 0 after a single false positive, whatever the detector can. Precision is NaN where nothing is
    predicted.

    Attributes:
        classes: the class names.
        thresholds: ``(C,)`` float; predictions that score at least this much count.
        tp: ``(..., C)`` predictions matched to a truth; with weights of images, one row for each resample.
        fp: ``(..., C)`` predictions matched to none and not on an ignore region.
        fn: ``(..., C)`` truths that no prediction is matched to, ignored ones aside.
    """

    classes: tuple[str, ...]
    thresholds: Floats
    tp: NDArray
    fp: NDArray
    fn: NDArray

    @property
    def precision(self) -> Floats:
        """``(..., C)`` float."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Floats:
        """``(..., C)`` float."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> Floats:
        """``(..., C)`` float."""
        return np.where(self.tp + self.fn > 0, f1(self.tp, self.fp, self.fn), np.nan)

    @property
    def macro_f1(self) -> float:
        """The unweighted mean of F1 over the classes that have one."""
        return mean_over_classes(self.f1)


def match_predictions(
    predictions: Predictions,
    truth: PointSet,
    *,
    rule: Rule = "iou",
    class_sizes_px: ArrayLike | None = None,
    min_iou: float = MIN_IOU,
) -> MatchedPredictions:
    """Match all predictions to the truths of their image and class.

    Args:
        predictions: on the images and classes of ``truth``.
        truth: the objects; those with ``edge`` are ignore regions.
        rule: ``"iou"`` needs a box for each truth (``truth.with_sizes`` fills in class sizes);
            ``"center"`` matches centres within half the class size.
        class_sizes_px: ``(C,)`` float, the patch size of each class; only for ``"center"``.
        min_iou: the least IoU of a match; only for ``"iou"``.

    Returns:
        The verdicts, good for every threshold.

    Raises:
        SynthmedError: where boxes, class sizes or finite predictions are missing, or an index does not
            belong to ``truth``.
    """
    check_predictions(predictions, truth)
    if rule == "iou":
        check_boxes(truth.boxes_px())
    elif rule == "center":
        half_sizes = check_class_sizes(class_sizes_px, truth.classes) / 2
    else:
        raise SynthmedError("no such matching rule", value=rule, remedy='use "iou" or "center"')
    # Predictions end at the border; a class-size square round a click near it would not, and miss by that.
    limits_px = np.tile(truth.image_shapes_px[truth.image_index], 2)
    truth_boxes = np.clip(truth.boxes_px(), 0, limits_px)
    boxes, centers = predictions.boxes_px, predictions.centers_px
    status = np.full(len(predictions), FALSE_POSITIVE, dtype=np.int64)
    truth_index = np.full(len(predictions), -1, dtype=np.int64)
    n_classes = len(truth.classes)
    for key, found, true in _groups(predictions, truth):
        scores, ignored = predictions.scores[found], truth.edge[true]
        if rule == "iou":
            match = match_boxes(boxes[found], scores, truth_boxes[true], ignored, min_iou=min_iou)
        else:
            match = match_centers(
                centers[found],
                scores,
                truth.centers_px[true],
                ignored,
                max_distance_px=float(half_sizes[key % n_classes]),
                truth_boxes_px=truth_boxes[true],
            )
        hit = match.truth_index >= 0
        status[found[hit]] = TRUE_POSITIVE
        status[found[match.ignored]] = IGNORED
        truth_index[found[hit]] = true[match.truth_index[hit]]
    return MatchedPredictions(
        truth.classes,
        predictions.image_index,
        predictions.scores,
        predictions.labels,
        status,
        truth_index,
        truth.select(~truth.edge).counts(),
    )


def best_thresholds(matched: MatchedPredictions, *, fallback: float = FIXED_THRESHOLD) -> Floats:
    """The score threshold of each class that gives the highest F1: to be called on the train split.

    Args:
        matched: the verdicts on the train split.
        fallback: the threshold of a class of which nothing is found at any threshold.

    Returns:
        ``(C,)`` float.
    """
    labels = range(len(matched.classes))
    return np.array([best_f1_threshold(matched.curve(label), fallback) for label in labels], dtype=float)


def detection_scores(
    matched: MatchedPredictions, thresholds: ArrayLike, weights: Floats | None = None
) -> DetectionScores:
    """Count what a threshold leaves.

    Args:
        matched: the verdicts.
        thresholds: ``(C,)`` float, or one number for all classes.
        weights: ``(R, I)`` float, how often each image counts, for counts of ``(R, C)``; by default once.

    Returns:
        The counts and rates per class.
    """
    limits, kept = _above(matched, thresholds)
    tp, fp = (
        sum_over_images(_per_image(matched, kept & (matched.status == verdict)), weights)
        for verdict in (TRUE_POSITIVE, FALSE_POSITIVE)
    )
    truths = sum_over_images(matched.image_truths, weights)
    return DetectionScores(matched.classes, limits, tp, fp, truths - tp)


def count_errors(matched: MatchedPredictions, thresholds: ArrayLike) -> Ints:
    """How far the number of objects found in each image is off, whatever lies where.

    Args:
        matched: the verdicts; what is ignored is counted on neither side.
        thresholds: ``(C,)`` float, or one number for all classes.

    Returns:
        ``(I, C)`` int, found minus present.
    """
    _, kept = _above(matched, thresholds)
    return _per_image(matched, kept & (matched.status != IGNORED)) - matched.image_truths


def sum_over_images(counts: NDArray, weights: Floats | None) -> NDArray:
    """``(C,)`` the sum of ``(I, C)`` over images; ``(R, C)`` where they have weights ``(R, I)``."""
    return counts.sum(axis=0) if weights is None else weights @ counts.astype(np.float64)


def _above(matched: MatchedPredictions, thresholds: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """``(C,)`` the threshold of each class, and ``(N,)`` which predictions reach theirs."""
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), len(matched.classes)).copy()
    return limits, matched.scores >= limits[matched.labels]


def _per_image(matched: MatchedPredictions, chosen: NDArray[np.bool_]) -> Ints:
    """``(I, C)`` how many of the chosen predictions each image and class has."""
    shape = matched.image_truths.shape
    cells = matched.image_index[chosen] * shape[1] + matched.labels[chosen]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def average_precisions(matched: MatchedPredictions) -> Floats:
    """The area under the interpolated precision-recall curve of each class.

    Returns:
        ``(C,)`` float in 0..1; NaN for a class without truths.
    """
    labels = range(len(matched.classes))
    return np.array([interpolated_average_precision(matched.curve(label)) for label in labels], dtype=float)


def f1_at(
    predictions: Predictions,
    truth: PointSet,
    *,
    threshold: ArrayLike = FIXED_THRESHOLD,
    rule: Rule = "iou",
    class_sizes_px: ArrayLike | None = None,
) -> DetectionScores:
    """Match and count in one call, for one threshold (see `match_predictions`, `detection_scores`)."""
    matched = match_predictions(predictions, truth, rule=rule, class_sizes_px=class_sizes_px)
    return detection_scores(matched, threshold)


def _groups(predictions: Predictions, truth: PointSet) -> list[tuple[int, Ints, Ints]]:
    """Indices of predictions and truths of each image and class that has both."""
    n_classes = len(truth.classes)
    keys = predictions.image_index * n_classes + predictions.labels
    truth_keys = truth.image_index * n_classes + truth.labels
    order, truth_order = np.argsort(keys, kind="stable"), np.argsort(truth_keys, kind="stable")
    shared = np.intersect1d(keys, truth_keys)
    spans = _spans(keys[order], shared)
    truth_spans = _spans(truth_keys[truth_order], shared)
    return [
        (int(key), order[slice(*span)], truth_order[slice(*truth_span)])
        for key, span, truth_span in zip(shared, spans, truth_spans, strict=True)
    ]


def _spans(keys: Ints, wanted: Ints) -> list[tuple[int, int]]:
    starts, stops = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
