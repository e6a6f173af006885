"""From predictions, maps and scores on train and on a held-out split to the figures of a report.

Every threshold is chosen on train and used on the held-out split. Each function returns one entry for each
class and a last one over all classes, with intervals by resampling the images of the held-out split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.bootstrap import (
    DEFAULT,
    Estimate,
    Resampling,
    Statistic,
    draw_weights,
    estimate,
    resampling_units,
)
from synthmed.metrics.cam import CamEvaluator
from synthmed.metrics.detection import FIXED_THRESHOLD, best_thresholds, match_predictions
from synthmed.metrics.multilabel import best_multilabel_thresholds, presence
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.report import (
    OVERALL,
    CamFigures,
    ClassifierFigures,
    ClassReport,
    DetectorFigures,
    RunReport,
)
from synthmed.metrics.statistics import classifier_statistic, detector_statistic, match_at_coco_ious
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

F = TypeVar("F", DetectorFigures, CamFigures, ClassifierFigures)
Measured = tuple[Statistic, dict[str, Floats]]
"""A statistic, and the thresholds that it uses: ``(C,)`` float by the name of a figure."""


def detector_figures(
    train: tuple[Predictions, PointSet] | None,
    held_out: tuple[Predictions, PointSet],
    class_sizes_px: ArrayLike,
    *,
    fixed_threshold: float = FIXED_THRESHOLD,
    resampling: Resampling = DEFAULT,
) -> tuple[DetectorFigures, ...]:
    """F1 and average precision of a detector, by IoU and by centre distance.

    Args:
        train: predictions and truth of the train split, which the thresholds are from; without it, the fixed
            threshold takes their place.
        held_out: predictions and truth of the split reported.
        class_sizes_px: ``(C,)`` float; also the box of a truth that has none.
        fixed_threshold: the threshold that needs no choice.
        resampling: how the intervals are found.

    Returns:
        ``C + 1`` entries.
    """
    measured = measure_detector(train, held_out, class_sizes_px, fixed_threshold=fixed_threshold)
    return entries(DetectorFigures, *measured, resampling_units(held_out[1].groups), resampling)


def measure_detector(
    train: tuple[Predictions, PointSet] | None,
    held_out: tuple[Predictions, PointSet],
    class_sizes_px: ArrayLike,
    *,
    fixed_threshold: float = FIXED_THRESHOLD,
) -> Measured:
    """What `detector_figures` is made of: everything matched, nothing counted yet."""
    sizes = np.asarray(class_sizes_px, dtype=float)
    found, truth = held_out[0], held_out[1].with_sizes(sizes)
    verdicts, thresholds = [], []
    for rule in ("iou", "center"):
        verdicts.append(match_predictions(found, truth, rule=rule, class_sizes_px=sizes))
        if train is None:
            thresholds.append(np.full(len(sizes), fixed_threshold))
        else:
            on_train = match_predictions(
                train[0], train[1].with_sizes(sizes), rule=rule, class_sizes_px=sizes
            )
            thresholds.append(best_thresholds(on_train, fallback=fixed_threshold))
    statistic = detector_statistic(
        (verdicts[0], verdicts[1]),
        (thresholds[0], thresholds[1]),
        fixed_threshold,
        match_at_coco_ious(found, truth, verdicts[0]),
    )
    return statistic, {"threshold_iou": thresholds[0], "threshold_center": thresholds[1]}


def cam_figures(
    evaluator: CamEvaluator,
    peak_thresholds: ArrayLike | None = None,
    *,
    resampling: Resampling = DEFAULT,
) -> tuple[CamFigures, ...]:
    """The scores of activation maps.

    Args:
        evaluator: which all images of the split reported were added to.
        peak_thresholds: ``(C,)`` float, from `CamEvaluator.best_peak_thresholds` of train; without them there
            are no figures of peaks.
        resampling: how the intervals are found.

    Returns:
        ``C + 1`` entries.
    """
    return entries(CamFigures, *measure_cams(evaluator, peak_thresholds), evaluator.units, resampling)


def measure_cams(evaluator: CamEvaluator, peak_thresholds: ArrayLike | None = None) -> Measured:
    """What `cam_figures` is made of."""
    limits = np.full(len(evaluator.classes), np.nan) if peak_thresholds is None else peak_thresholds
    return evaluator.statistic(peak_thresholds), {"peak_threshold": np.asarray(limits, dtype=float)}


def classifier_figures(
    train: tuple[ArrayLike, PointSet],
    held_out: tuple[ArrayLike, PointSet],
    *,
    resampling: Resampling = DEFAULT,
) -> tuple[ClassifierFigures, ...]:
    """F1 and average precision of image-level scores.

    Args:
        train: ``(I, C)`` float scores and the truth of the train split, which the thresholds are from.
        held_out: those of the split reported.
        resampling: how the intervals are found.

    Returns:
        ``C + 1`` entries.
    """
    thresholds = best_multilabel_thresholds(train[0], presence(train[1]))
    statistic = classifier_statistic(*held_out, thresholds)
    units = resampling_units(held_out[1].groups)
    return entries(ClassifierFigures, statistic, {"threshold": thresholds}, units, resampling)


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
    thresholds_from: str = "train",
    resampling: Resampling = DEFAULT,
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
        thresholds_from: what thresholds were tuned on; empty where they were not.
        resampling: how the intervals were found.
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
    return RunReport(
        run=run,
        split=split,
        images=len(truth.images),
        boxes_annotated=truth.has_sizes,
        class_sizes_px=sizes,
        classes=reports[:-1],
        overall=reports[-1],
        thresholds_from=thresholds_from,
        resamples=resampling.count,
        level=resampling.level,
        units=len(set(resampling_units(truth.groups).tolist())),
    )


def entries(
    kind: type[F], statistic: Statistic, thresholds: Mapping[str, Floats], units: Ints, resampling: Resampling
) -> tuple[F, ...]:
    """One entry for each class and one over all, with the intervals of what was resampled.

    A threshold has neither an interval nor a mean, and a figure that was not measured is NaN.
    """
    found = estimate(statistic, draw_weights(units, resampling), resampling.level)
    columns = _columns(found, thresholds)
    names = [f.name for f in fields(kind) if f.name != "intervals"]
    rows: list[F] = []
    for k in range(len(next(iter(columns.values())))):
        values: dict[str, Any] = {name: columns[name][k] if name in columns else math.nan for name in names}
        intervals = {
            name: (float(one.low[k]), float(one.high[k]))
            for name, one in found.items()
            if name in names and name != "pairs" and not np.isnan(one.low[k])
        }
        rows.append(kind(**values, intervals=intervals))
    return tuple(rows)


def _columns(found: Mapping[str, Estimate], thresholds: Mapping[str, Floats]) -> dict[str, list[Any]]:
    """A value for each class and one over all, by the name of the figure."""
    columns: dict[str, list[Any]] = {name: one.value.tolist() for name, one in found.items()}
    columns |= {name: [*limits.tolist(), math.nan] for name, limits in thresholds.items()}
    if "pairs" in columns:
        columns["pairs"] = [int(count) for count in columns["pairs"]]
    return columns
