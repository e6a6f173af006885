"""What a model reaches, as functions of how often each image counts: the figures and their intervals at once.

Each statistic returns ``(R, C + 1)`` float by the name of a figure of `synthmed.metrics.report`; the mean
over classes comes last unless the figure says otherwise. Thresholds are fixed before, on the train split.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.average_precision import (
    average_precision,
    coco_average_precision,
    interpolated_average_precision,
)
from synthmed.metrics.bootstrap import Statistic
from synthmed.metrics.curves import with_mean
from synthmed.metrics.detection import (
    DetectionScores,
    MatchedPredictions,
    count_errors,
    detection_scores,
    match_predictions,
)
from synthmed.metrics.multilabel import multilabel_rankings, multilabel_scores, presence
from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]

COCO_IOUS = np.arange(10, 20) / 20


def detector_statistic(
    verdicts: tuple[MatchedPredictions, MatchedPredictions],
    thresholds: tuple[ArrayLike, ArrayLike],
    fixed_threshold: float,
    by_iou: Sequence[MatchedPredictions],
) -> Statistic:
    """The figures of `synthmed.metrics.report.DetectorFigures`.

    Args:
        verdicts: by IoU 0.5 and by centre distance.
        thresholds: ``(C,)`` float for each of these, from train.
        fixed_threshold: the one that needs no choice.
        by_iou: from `match_at_coco_ious`.
    """
    off_by = np.abs(count_errors(verdicts[1], thresholds[1])).astype(np.float64)
    rankings = [[matched.ranking(label) for label in range(len(matched.classes))] for matched in by_iou]

    def figures(weights: Floats) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for rule, matched, limits in zip(("iou", "center"), verdicts, thresholds, strict=True):
            found |= rates(detection_scores(matched, limits, weights), "", f"_{rule}")
            found[f"f1_{rule}_fixed"] = with_mean(detection_scores(matched, fixed_threshold, weights).f1)
        curves = [[ranking.curve(weights) for ranking in of_iou] for of_iou in rankings]
        areas = [interpolated_average_precision(counts) for counts in curves[0]]
        coco = [[coco_average_precision(counts) for counts in of_iou] for of_iou in curves]
        found["average_precision"] = with_mean(np.stack(areas, axis=1))
        found["coco_map"] = with_mean(np.mean(coco, axis=0).T)
        found["count_error"] = with_mean(weights @ off_by / weights.sum(axis=1, keepdims=True))
        return found

    return figures


def match_at_coco_ious(
    predictions: Predictions, truth: PointSet, at_half: MatchedPredictions
) -> list[MatchedPredictions]:
    """The verdicts at IoU 0.50, 0.55 ... 0.95.

    Args:
        predictions: on the images and classes of ``truth``.
        truth: the objects, each with a box.
        at_half: the verdicts at 0.5, which need not be found again.
    """
    higher = [match_predictions(predictions, truth, min_iou=float(iou)) for iou in COCO_IOUS[1:]]
    return [at_half, *higher]


def classifier_statistic(scores: ArrayLike, truth: PointSet, thresholds: ArrayLike) -> Statistic:
    """The figures of `synthmed.metrics.report.ClassifierFigures`.

    Args:
        scores: ``(I, C)`` float.
        truth: the objects, which say what each image has.
        thresholds: ``(C,)`` float, from train.
    """
    present = presence(truth)
    rankings = multilabel_rankings(scores, present)

    def figures(weights: Floats) -> dict[str, Floats]:
        found = rates(multilabel_scores(truth.classes, scores, present, thresholds, weights), "", "")
        areas = [average_precision(ranking.curve(weights)) for ranking in rankings]
        found["average_precision"] = with_mean(np.stack(areas, axis=1))
        return found

    return figures


def rates(scores: DetectionScores, before: str, after: str) -> dict[str, Floats]:
    """F1, precision and recall by name, each with its mean over classes."""
    return {
        f"{before}{name}{after}": with_mean(getattr(scores, name)) for name in ("f1", "precision", "recall")
    }
