from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.metrics.boxes import boxes_at
from synthmed.metrics.cam import CamEvaluator
from synthmed.metrics.cam_boxes import box_hits
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]
NONE = (np.zeros((0, 4)), np.zeros((0, 2)), [], [])


def bumps(
    centers: list[tuple[float, float]], heights: list[float], shape: tuple[int, int] = (60, 80)
) -> np.ndarray:
    """Smooth hills of 4 px width on a plain of zero."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    hills = [
        h * np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 32)
        for (r, c), h in zip(centers, heights, strict=True)
    ]
    return np.sum([np.zeros(shape), *hills], axis=0)


def truths(centers: list[tuple[float, float]], size: float = 10) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(centers, dtype=float).reshape(-1, 2)
    return boxes_at(array, size), array


def test_no_image_gives_no_score() -> None:
    scores = CamEvaluator(["a", "b"], [10, 10]).report([0.5, 0.5])
    assert scores.pairs.tolist() == [0, 0]
    assert scores.peaks is not None
    for values in (
        scores.pointing_game,
        scores.energy_share,
        scores.energy_gain,
        scores.px_ap,
        scores.max_box_acc,
        scores.max_box_acc_v2,
        scores.peaks.f1,
        [scores.pooled_px_ap, scores.pooled_max_box_acc, scores.pooled_max_box_acc_v2],
    ):
        assert np.isnan(values).all()


def test_maps_that_are_the_boxes_are_perfect() -> None:
    spots = [(10.5, 10.5), (40.5, 60.5)]
    boxes, centers = truths(spots, 9)
    cams = np.zeros((2, 60, 80))
    for label, (r0, c0, r1, c1) in enumerate(boxes.astype(int)):
        cams[label, r0:r1, c0:c1] = 1
    evaluator = CamEvaluator(["a", "b"], [9, 9])
    evaluator.add(cams, boxes, centers, [0, 1], [False, False])
    scores = evaluator.report([0.5, 0.5])
    assert scores.peaks is not None
    for values in (
        scores.pointing_game,
        scores.energy_share,
        scores.px_ap,
        scores.max_box_acc,
        scores.max_box_acc_v2,
        scores.peaks.f1,
    ):
        assert values.tolist() == [1, 1]
    assert scores.energy_gain.tolist() == pytest.approx([4800 / 81] * 2)


def test_peaks_on_maps_of_absent_classes_are_false_positives() -> None:
    boxes, centers = truths([(20.5, 20.5)])
    cams = np.stack([bumps([(20.5, 20.5)], [1]), bumps([(40.5, 40.5)], [1])])
    evaluator = CamEvaluator(["a", "b"], [10, 10])
    evaluator.add(cams, boxes, centers, [0], [False])
    peaks = evaluator.report(0.5).peaks
    assert peaks is not None
    assert (peaks.tp.tolist(), peaks.fp.tolist(), peaks.fn.tolist()) == ([1, 0], [0, 1], [0, 0])
    assert evaluator.report().pairs.tolist() == [1, 0]
    assert evaluator.report().peaks is None


def test_peak_thresholds_come_from_train_and_hold_on_another_set() -> None:
    train, held_out = CamEvaluator(["a"], [10], peaks_only=True), CamEvaluator(["a"], [10])
    strong, weak = (15.5, 15.5), (40.5, 60.5)
    train.add(bumps([strong, weak], [3, 1])[None], *truths([strong]), [0], [False])
    thresholds = train.best_peak_thresholds()
    np.testing.assert_allclose(thresholds, [3], atol=1e-3)
    held_out.add(bumps([strong, weak], [4, 2])[None], *truths([strong, weak]), [0, 0], [False, False])
    peaks = held_out.report(thresholds).peaks
    assert peaks is not None
    assert (peaks.tp.tolist(), peaks.fp.tolist(), peaks.fn.tolist()) == ([1], [0], [1])


def test_without_any_hit_the_peak_threshold_is_zero() -> None:
    evaluator = CamEvaluator(["a"], [10], peaks_only=True)
    evaluator.add(bumps([(15.5, 15.5)], [5])[None], *NONE)
    assert evaluator.best_peak_thresholds().tolist() == [0]


def test_objects_at_the_border_are_neither_rewarded_nor_punished() -> None:
    inner, border = (30.5, 30.5), (30.5, 77.5)
    boxes, centers = truths([inner, border])
    alone, beside = CamEvaluator(["a"], [10]), CamEvaluator(["a"], [10])
    alone.add(bumps([inner], [1])[None], boxes[:1], centers[:1], [0], [False])
    beside.add(bumps([inner, border], [1, 0.9])[None], boxes, centers, [0, 0], [False, True])
    first, second = alone.report(0.5), beside.report(0.5)
    assert first.peaks is not None
    assert second.peaks is not None
    assert first.peaks.f1.tolist() == second.peaks.f1.tolist() == [1]
    assert second.pairs.tolist() == [1]
    assert second.pointing_game.tolist() == first.pointing_game.tolist() == [1]
    assert second.max_box_acc.tolist() == first.max_box_acc.tolist()
    # A hill that runs over the edge of its ignore region leaves a little energy outside.
    np.testing.assert_allclose(second.energy_share, first.energy_share, atol=0.2)
    only_border = CamEvaluator(["a"], [10])
    only_border.add(bumps([border], [1])[None], boxes[1:], centers[1:], [0], [True])
    assert only_border.report().pairs.tolist() == [0]


def test_box_thresholds_are_shared_by_all_classes() -> None:
    # Class a is found only below 0.4, class b only above 0.6 and twice: b decides.
    boxes, centers = truths([(15, 15), (40, 60)], 10)
    low = np.zeros((60, 80))
    low[10:20, 10:20] = 0.3
    low[0, 79] = 1
    high = np.full((60, 80), 0.6)
    high[0, 0] = 0
    high[35:45, 55:65] = 1
    evaluator = CamEvaluator(["a", "b"], [10, 10])
    evaluator.add(np.stack([low, high]), boxes, centers, [0, 1], [False, False])
    evaluator.add(np.stack([low, high]), boxes[1:], centers[1:], [1], [False])
    scores = evaluator.report()
    assert scores.max_box_acc_v2.tolist() == [0, 1]
    assert scores.pooled_max_box_acc_v2 == pytest.approx(2 / 3)
    _, every = box_hits(low, boxes[:1], np.zeros((0, 4)))
    assert every.any()


def test_one_image_of_a_point_set(points: Make) -> None:
    truth = points([(0, 0, 10, 10, 20, 20), (1, 1, 30, 30, 40, 40)], edge=[False, False])
    cams = np.zeros((2, 100, 100))
    cams[1, 35, 35] = 1
    evaluator = CamEvaluator(truth.classes, [10, 10])
    evaluator.add_image(cams, truth, 1)
    scores = evaluator.report()
    assert scores.pairs.tolist() == [0, 1]
    np.testing.assert_array_equal(scores.pointing_game, [math.nan, 1])


def test_truths_are_counted_over_images() -> None:
    evaluator = CamEvaluator(["a"], [10])
    spots = [(15.5, 15.5), (40.5, 60.5)]
    evaluator.add(bumps(spots[:1], [1])[None], *truths(spots[:1]), [0], [False])
    evaluator.add(bumps(spots[::-1], [1, 2])[None], *truths(spots), [0, 0], [False, False])
    matched = evaluator.matched_peaks()
    assert matched.truth_index.tolist() == [0, 1, 2]
    assert matched.truth_counts.tolist() == [3]


@pytest.mark.parametrize(
    ("cams", "boxes", "message"),
    [
        (np.zeros((3, 8, 8)), np.zeros((1, 4)), "one map for each of the 2 classes"),
        (np.zeros((8, 8)), np.zeros((1, 4)), "one map for each of the 2 classes"),
        (np.full((2, 8, 8), math.nan), np.zeros((1, 4)), "not a finite number"),
        (np.zeros((2, 8, 8)), np.full((1, 4), math.nan), "with_sizes"),
    ],
)
def test_what_cannot_be_judged_is_said(cams: np.ndarray, boxes: np.ndarray, message: str) -> None:
    evaluator = CamEvaluator(["a", "b"], [4, 4])
    with pytest.raises(SynthmedError, match=message):
        evaluator.add(cams, boxes, [[1, 1]], [0], [False])


@pytest.mark.parametrize("sizes", [[4], [4, 0], [4, math.nan]])
def test_every_class_needs_a_size(sizes: list[float]) -> None:
    with pytest.raises(SynthmedError, match="one positive size"):
        CamEvaluator(["a", "b"], sizes)
