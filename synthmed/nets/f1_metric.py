"""`F1Metric`: F1 by IoU and by centre, per class, inside MMEngine's evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import METRICS

from synthmed.detect.detections import detections_in_image
from synthmed.metrics.detection import (
    FIXED_THRESHOLD,
    DetectionScores,
    Rule,
    best_thresholds,
    detection_scores,
    match_predictions,
)
from synthmed.metrics.predictions import Detections, Predictions
from synthmed.metrics.thresholds import Thresholds, thresholds_of, write_thresholds
from synthmed.nets.threshold_metric import ThresholdMetric
from synthmed.nets.truth_arrays import TruthRecord, point_set, truth_record

_RULES: dict[Rule, str] = {"iou": "f1", "center": "center_f1"}


# Not a NamedTuple: MMEngine's collection of results turns those into plain tuples.
@dataclass(frozen=True, eq=False)
class _ImageResult:
    """What is kept of one image until all ranks are done."""

    truth: TruthRecord
    found: Detections


@METRICS.register_module()
class F1Metric(ThresholdMetric):
    """F1@0.5 and centre F1, per class and as the mean over classes.

    Reported as ``<class>_f1`` and ``<class>_center_f1`` at the fixed threshold, and as ``<class>_f1_tuned``
    and ``<class>_center_f1_tuned`` at thresholds that were chosen on train, where they are given. Classes
    without objects are left out. Objects marked to be ignored are regions that count neither for nor against.
    F1@0.5 needs real boxes, and is left out where the dataset says that it has none.

    To choose thresholds, test on train with ``save_thresholds``; then test on val with ``thresholds``.

    Args:
        thresholds: ``{"iou": {class: score}, "center": {class: score}}``, or a JSON file of it, which
            ``save_thresholds`` writes; ``None`` or ``""`` for none.
        fixed_threshold: the score threshold that needs no choice.
        **kwargs: what `ThresholdMetric` takes besides.
    """

    def __init__(
        self,
        thresholds: Mapping[str, Mapping[str, float]] | str | Path | None = None,
        fixed_threshold: float = FIXED_THRESHOLD,
        **kwargs: Any,
    ) -> None:
        super().__init__(thresholds, **kwargs)
        self.fixed_threshold = fixed_threshold

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep truth and detections of a batch, in pixels of the original images."""
        for sample in data_samples:
            found = sample["pred_instances"]
            truth = truth_record(sample)
            boxes, scores, labels = (found[key].detach().cpu() for key in ("bboxes", "scores", "labels"))
            kept = detections_in_image(
                boxes.double().numpy(), scores.double().numpy(), labels.numpy(), truth.shape_px
            )
            self.results.append(_ImageResult(truth, kept))

    def compute_metrics(self, results: list[_ImageResult]) -> dict[str, float]:
        """Match and count over all images.

        Raises:
            ModelError: thresholds lack a class.
            SynthmedError: class sizes are missing.
        """
        meta = self.meta
        truth = point_set([result.truth for result in results], meta["classes"])
        predictions = Predictions.of_images([result.found for result in results])
        metrics: dict[str, float] = {}
        best: Thresholds = {}
        for rule, name in _RULES.items():
            if rule == "iou" and not meta.get("has_boxes", True):
                continue
            matched = match_predictions(predictions, truth, rule=rule, class_sizes_px=meta["class_sizes_px"])
            metrics |= _named(detection_scores(matched, self.fixed_threshold), name)
            if rule in self.thresholds:
                chosen = thresholds_of(self.thresholds[rule], truth.classes)
                metrics |= _named(detection_scores(matched, chosen), f"{name}_tuned")
            best[rule] = dict(zip(truth.classes, best_thresholds(matched).tolist(), strict=True))
        if self.save_thresholds:
            write_thresholds(best, self.save_thresholds)
        return metrics


def _named(scores: DetectionScores, suffix: str) -> dict[str, float]:
    """F1 of each class that has one, and their mean."""
    named = {f"{name}_{suffix}": float(f1) for name, f1 in zip(scores.classes, scores.f1, strict=True)}
    named[f"mean_{suffix}"] = scores.macro_f1
    return {name: value for name, value in named.items() if value == value}
