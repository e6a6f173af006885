from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from synthmed.metrics.cam import CamEvaluator
from synthmed.metrics.evaluation import build_report, cam_figures, classifier_figures, detector_figures
from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]
Say = Callable[..., Predictions]
A, B = (10, 10, 20, 20), (50, 50, 60, 60)
SIZES = [10.0, 10.0]


def test_detector_thresholds_are_those_of_train(points: Make, predictions: Say) -> None:
    train_truth, truth = points([(0, 0, *A)]), points([(0, 0, *A), (0, 1, *B)])
    train = predictions([(0, 0, *A), (0, 0, *B)], [0.8, 0.7])
    found = predictions([(0, 0, *A), (0, 0, *B), (0, 1, *A)], [0.75, 0.1, 0.9])
    first, second, overall = detector_figures((train, train_truth), (found, truth), SIZES)
    assert first.threshold_iou == first.threshold_center == 0.8
    assert first.f1_iou == first.f1_center == 0
    assert first.f1_iou_fixed == first.f1_center_fixed == 1
    assert first.average_precision == 1
    assert (second.f1_iou, second.average_precision, second.threshold_iou) == (0, 0, 0.3)
    assert (first.count_error, second.count_error, overall.count_error) == (0.5, 0, 0.25)
    assert (overall.f1_iou_fixed, overall.average_precision) == (0.5, 0.5)
    assert math.isnan(overall.threshold_iou)


def test_truths_without_boxes_get_those_of_their_class(points: Make, predictions: Say) -> None:
    truth = replace(points([(0, 0, *A)]), sizes_px=np.full((1, 2), math.nan))
    found = predictions([(0, 0, *A)], [0.9])
    figures = detector_figures((found, truth), (found, truth), SIZES)
    assert figures[0].f1_iou == 1
    assert not build_report("run", "val", truth, SIZES).boxes_annotated


def judged_maps() -> CamEvaluator:
    evaluator = CamEvaluator(["a", "b"], SIZES)
    cams = np.zeros((2, 40, 40))
    cams[0, 10:20, 10:20] = 1
    cams[1, 0, 0] = 1
    truth = np.array([[10.0, 10, 20, 20], [25, 25, 35, 35]])
    for _ in range(2):
        evaluator.add(cams, truth, (truth[:, :2] + truth[:, 2:]) / 2, [0, 1], [False, False])
    return evaluator


def test_cam_figures() -> None:
    first, second, overall = cam_figures(judged_maps(), [0.5, 0.5])
    assert (first.pairs, first.pointing_game, first.peak_f1, first.px_ap, first.max_box_acc) == (
        2,
        1,
        1,
        1,
        1,
    )
    assert (second.pairs, second.pointing_game, second.peak_f1, second.max_box_acc_v2) == (2, 0, 0, 0)
    assert (overall.pairs, overall.pointing_game, overall.peak_f1, overall.max_box_acc) == (4, 0.5, 0.5, 0.5)
    assert (first.peak_threshold, math.isnan(overall.peak_threshold)) == (0.5, True)
    without = cam_figures(judged_maps())
    assert math.isnan(without[0].peak_f1)
    assert without[0].pointing_game == 1


def test_classifier_figures(points: Make) -> None:
    train, truth = points([(0, 0, *A), (1, 1, *B)]), points([(0, 0, *A), (0, 1, *A), (1, 1, *B)])
    first, second, overall = classifier_figures(
        ([[0.9, 0.2], [0.1, 0.6]], train), ([[0.8, 0.7], [0.2, 0.5]], truth)
    )
    assert (first.threshold, first.f1, first.average_precision) == (0.9, 0, 1)
    assert (second.threshold, second.f1, second.precision, second.recall) == (
        0.6,
        pytest.approx(2 / 3),
        1,
        0.5,
    )
    assert overall.f1 == pytest.approx(1 / 3)


def test_build_report(points: Make, predictions: Say) -> None:
    truth = points([(0, 0, *A), (0, 1, *B), (1, 1, *B)], edge=[False, False, True])
    found = predictions([(0, 0, *A)], [0.9])
    report = build_report(
        "phantom", "val", truth, SIZES, detector=detector_figures((found, truth), (found, truth), SIZES)
    )
    assert [c.name for c in report.classes] == ["a", "b"]
    assert [(c.objects, c.edge_objects, c.images) for c in (*report.classes, report.overall)] == [
        (1, 0, 1),
        (1, 1, 2),
        (2, 1, 2),
    ]
    assert report.boxes_annotated
    assert report.classes[0].detector is not None
    assert report.classes[0].detector.f1_iou == 1
    assert report.classes[0].cam is None


def numbers(figures: object) -> dict[str, float]:
    return {name: value for name, value in vars(figures).items() if name != "intervals"}


def crowd(points: Make, seed: int) -> tuple[Predictions, PointSet]:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 80, (30, 2))
    rows = np.column_stack([rng.integers(0, 5, 30), rng.integers(0, 2, 30), low, low + 12])
    shifted = rows[:, 2:] + rng.normal(0, 2, (30, 4))
    found = Predictions(rows[:, 0].astype(int), shifted, rng.random(30), rows[:, 1].astype(int))
    return found, points(rows, images=5)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_images_and_predictions_changes_no_figure(points: Make, seed: int) -> None:
    found, truth = crowd(points, seed)
    rng = np.random.default_rng(seed)
    images, rows, objects = rng.permutation(5), rng.permutation(30), rng.permutation(30)
    place = np.argsort(images)
    mixed = Predictions(
        place[found.image_index[rows]], found.boxes_px[rows], found.scores[rows], found.labels[rows]
    )
    names = ("centers_px", "labels", "annotation_ids", "edge", "sizes_px")
    other = replace(
        truth,
        image_index=place[truth.image_index[objects]],
        **{name: getattr(truth, name)[objects] for name in names},
    )
    first = detector_figures((found, truth), (found, truth), SIZES)
    second = detector_figures((mixed, other), (mixed, other), SIZES)
    for one, again in zip(first, second, strict=True):
        assert numbers(one) == pytest.approx(numbers(again), nan_ok=True)


def test_the_truth_itself_is_perfect(points: Make) -> None:
    _, truth = crowd(points, 0)
    perfect = Predictions(truth.image_index, truth.boxes_px().clip(0, 100), np.ones(30), truth.labels)
    for entry in detector_figures((perfect, truth), (perfect, truth), [0.1, 0.1]):
        assert (entry.f1_iou, entry.f1_center, entry.average_precision) == (1, 1, 1)
        assert entry.coco_map == 1
        assert entry.intervals["f1_iou"] == entry.intervals["coco_map"] == (1, 1)


def test_nothing_found_scores_nothing_and_nothing_there_has_no_score(points: Make) -> None:
    found, truth = crowd(points, 0)
    nothing = Predictions(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    for entry in detector_figures(None, (nothing, truth), SIZES):
        assert (entry.f1_iou, entry.f1_center, entry.average_precision, entry.coco_map) == (0, 0, 0, 0)
        assert math.isnan(entry.precision_iou)
    for entry in detector_figures(None, (found, points([], images=5)), SIZES):
        assert math.isnan(entry.f1_iou) and math.isnan(entry.coco_map) and not entry.intervals.get("f1_iou")
