"""From predictions, maps and scores on train and on a held-out split to the figures of a report.

Every threshold is chosen on train and used on the held-out split. Each function returns one entry for each
class and a last one over all classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from synthmed.metrics.cam import CamScores
from synthmed.metrics.curves import mean_over_classes
from synthmed.metrics.detection import (
    FIXED_THRESHOLD,
    DetectionScores,
    average_precisions,
    best_thresholds,
    detection_scores,
    match_predictions,
)
from synthmed.metrics.multilabel import (
    best_multilabel_thresholds,
    multilabel_average_precisions,
    multilabel_scores,
    presence,
)
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.report import (
    OVERALL,
    CamFigures,
    ClassifierFigures,
    ClassReport,
    DetectorFigures,
    RunReport,
)
from synthmed.points.pointset import PointSet

F = TypeVar("F", DetectorFigures, CamFigures, ClassifierFigures)


def detector_figures(
    train: tuple[Predictions, PointSet], held_out: tuple[Predictions, PointSet], class_sizes_px: ArrayLike
) -> tuple[DetectorFigures, ...]:
    """F1 and average precision of a detector, by IoU and by centre distance.

    Args:
        train: predictions and truth of the train split, which the thresholds are from.
        held_out: predictions and truth of the split reported.
        class_sizes_px: ``(C,)`` float; also the box of a truth that has none.

    Returns:
        ``C + 1`` entries.
    """
    sizes = np.asarray(class_sizes_px, dtype=float)
    columns: dict[str, ArrayLike] = {}
    for rule in ("iou", "center"):
        of_train, matched = (
            match_predictions(found, truth.with_sizes(sizes), rule=rule, class_sizes_px=sizes)
            for found, truth in (train, held_out)
        )
        tuned = detection_scores(matched, best_thresholds(of_train))
        columns |= _rates(tuned, "", f"_{rule}")
        columns[f"f1_{rule}_fixed"] = detection_scores(matched, FIXED_THRESHOLD).f1
        if rule == "iou":
            columns["average_precision"] = average_precisions(matched)
    return _entries(DetectorFigures, columns, threshold_iou=math.nan, threshold_center=math.nan)


def cam_figures(scores: CamScores) -> tuple[CamFigures, ...]:
    """The scores of activation maps, as `synthmed.metrics.cam.CamEvaluator.report` gives them.

    Returns:
        ``C + 1`` entries.
    """
    columns: dict[str, ArrayLike] = {
        name: getattr(scores, name)
        for name in ("pointing_game", "energy_share", "energy_gain", "px_ap", "max_box_acc", "max_box_acc_v2")
    }
    if scores.peaks is None:
        columns |= dict.fromkeys(
            ("peak_f1", "peak_precision", "peak_recall", "peak_threshold"),
            np.full(len(scores.classes), np.nan),
        )
    else:
        columns |= _rates(scores.peaks, "peak_", "")
    columns["pairs"] = scores.pairs
    return _entries(
        CamFigures,
        columns,
        pairs=int(scores.pairs.sum()),
        peak_threshold=math.nan,
        px_ap=scores.pooled_px_ap,
        max_box_acc=scores.pooled_max_box_acc,
        max_box_acc_v2=scores.pooled_max_box_acc_v2,
    )


def classifier_figures(
    train: tuple[ArrayLike, PointSet], held_out: tuple[ArrayLike, PointSet]
) -> tuple[ClassifierFigures, ...]:
    """F1 and average precision of image-level scores.

    Args:
        train: ``(I, C)`` float scores and the truth of the train split, which the thresholds are from.
        held_out: those of the split reported.

    Returns:
        ``C + 1`` entries.
    """
    thresholds = best_multilabel_thresholds(train[0], presence(train[1]))
    scores, truth = held_out
    present = presence(truth)
    columns = _rates(multilabel_scores(truth.classes, scores, present, thresholds), "", "")
    columns["average_precision"] = multilabel_average_precisions(scores, present)
    return _entries(ClassifierFigures, columns, threshold=math.nan)


def build_report(
    run: str,
    split: str,
    truth: PointSet,
    class_sizes_px: ArrayLike,
    *,
    detector: Sequence[DetectorFigures] | None = None,
    random_detector: Sequence[DetectorFigures] | None = None,
    cam: Sequence[CamFigures] | None = None,
    baseline_cams: Mapping[str, Sequence[CamFigures]] | None = None,
    classifier: Sequence[ClassifierFigures] | None = None,
) -> RunReport:
    """Put the figures of one run together; what was not measured stays away.

    Args:
        run: what was evaluated.
        split: the split reported.
        truth: its objects.
        class_sizes_px: ``(C,)`` float.
        detector: from `detector_figures`.
        random_detector: from `detector_figures` on `synthmed.metrics.baselines.random_detections`.
        cam: from `cam_figures`.
        baseline_cams: from `cam_figures`, by the name of the map (``center_gaussian``, ``uniform``).
        classifier: from `classifier_figures`.
    """
    own, edge = (
        np.bincount(truth.labels[chosen], minlength=len(truth.classes))
        for chosen in (~truth.edge, truth.edge)
    )
    images = presence(truth).sum(axis=0)
    names = [*truth.classes, OVERALL]
    reports = tuple(
        ClassReport(
            name=name,
            objects=int(own[k] if k < len(own) else own.sum()),
            edge_objects=int(edge[k] if k < len(own) else edge.sum()),
            images=int(images[k] if k < len(own) else len(truth.images)),
            detector=detector[k] if detector else None,
            random_detector=random_detector[k] if random_detector else None,
            cam=cam[k] if cam else None,
            baseline_cams={key: figures[k] for key, figures in (baseline_cams or {}).items()},
            classifier=classifier[k] if classifier else None,
        )
        for k, name in enumerate(names)
    )
    sizes = tuple(np.asarray(class_sizes_px, dtype=float).tolist())
    return RunReport(run, split, len(truth.images), truth.has_sizes, sizes, reports[:-1], reports[-1])


def _rates(scores: DetectionScores, before: str, after: str) -> dict[str, ArrayLike]:
    return {
        f"{before}f1{after}": scores.f1,
        f"{before}precision{after}": scores.precision,
        f"{before}recall{after}": scores.recall,
        f"{before}threshold{after}": scores.thresholds,
    }


def _entries(kind: type[F], columns: Mapping[str, ArrayLike], **overall: Any) -> tuple[F, ...]:
    """One entry for each class from ``(C,)`` columns, then their mean, with what is not a mean put in."""
    names = [f.name for f in fields(kind)]
    rows = zip(*(np.asarray(columns[name]).tolist() for name in names), strict=True)
    entries: list[F] = [kind(**dict(zip(names, row, strict=True))) for row in rows]
    means = {name: mean_over_classes(columns[name]) for name in names}
    entries.append(kind(**(means | overall)))
    return tuple(entries)
