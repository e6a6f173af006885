"""What is measured: detections, activation maps, image-level scores. NumPy and SciPy only."""

from synthmed.metrics.average_precision import (
    average_precision,
    coco_average_precision,
    interpolated_average_precision,
)
from synthmed.metrics.baselines import center_gaussian, random_detections, uniform_map
from synthmed.metrics.bootstrap import Resampling, difference, draw_weights, estimate, resampling_units
from synthmed.metrics.boxes import (
    areas,
    boxes_at,
    intersections,
    paired_iou,
    pairwise_coverage,
    pairwise_iou,
)
from synthmed.metrics.cam import CamEvaluator, CamScores
from synthmed.metrics.detection import (
    FIXED_THRESHOLD,
    DetectionScores,
    MatchedPredictions,
    average_precisions,
    best_thresholds,
    detection_scores,
    f1_at,
    match_predictions,
)
from synthmed.metrics.evaluation import build_report, cam_figures, classifier_figures, detector_figures
from synthmed.metrics.matching import match_boxes, match_centers
from synthmed.metrics.multilabel import (
    best_multilabel_thresholds,
    multilabel_average_precisions,
    multilabel_scores,
    presence,
)
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.predictions import NOTHING_FOUND, Detections, Predictions
from synthmed.metrics.report import CamFigures, ClassifierFigures, ClassReport, DetectorFigures, RunReport

__all__ = [
    "FIXED_THRESHOLD",
    "NOTHING_FOUND",
    "CamEvaluator",
    "CamFigures",
    "CamScores",
    "ClassReport",
    "ClassifierFigures",
    "DetectionScores",
    "Detections",
    "DetectorFigures",
    "MatchedPredictions",
    "Predictions",
    "Resampling",
    "RunReport",
    "areas",
    "average_precision",
    "average_precisions",
    "best_multilabel_thresholds",
    "best_thresholds",
    "boxes_at",
    "build_report",
    "cam_figures",
    "center_gaussian",
    "classifier_figures",
    "coco_average_precision",
    "detection_scores",
    "detector_figures",
    "difference",
    "draw_weights",
    "estimate",
    "f1_at",
    "find_peaks",
    "interpolated_average_precision",
    "intersections",
    "match_boxes",
    "match_centers",
    "match_predictions",
    "multilabel_average_precisions",
    "multilabel_scores",
    "paired_iou",
    "pairwise_coverage",
    "pairwise_iou",
    "presence",
    "random_detections",
    "resampling_units",
    "uniform_map",
]
