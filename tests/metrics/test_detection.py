from __future__ import annotations

import contextlib
import io
import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.errors import SynthmedError
from synthmed.metrics.detection import (
    FALSE_POSITIVE,
    IGNORED,
    TRUE_POSITIVE,
    average_precisions,
    best_thresholds,
    count_errors,
    detection_scores,
    f1_at,
    match_predictions,
)
from synthmed.metrics.evaluation import detector_figures
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.statistics import COCO_IOUS
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]
Say = Callable[..., Predictions]
A, B, C = (10, 10, 20, 20), (40, 40, 60, 60), (70, 70, 90, 90)


def scene(seed: int, points: Make, predictions: Say) -> tuple[PointSet, Predictions]:
    """Crowded truths in four images; predictions are truths shifted, doubled, and strays."""
    rng = np.random.default_rng(seed)

    def rows(count: int) -> np.ndarray:
        low = rng.uniform(0, 70, (count, 2))
        corners = np.concatenate([low, low + rng.uniform(10, 30, (count, 2))], axis=1)
        return np.column_stack([rng.integers(0, 4, count), rng.integers(0, 3, count), corners])

    true = rows(60)
    shifted = np.tile(true, (2, 1)) + np.column_stack([np.zeros((120, 2)), rng.normal(0, 3, (120, 4))])
    shifted[:, 4:] = np.maximum(shifted[:, 4:], shifted[:, 2:4] + 1)
    found = np.concatenate([shifted, rows(40)])
    truth = points(true, classes=("a", "b", "c"), images=4)
    return truth, predictions(found, rng.uniform(0, 1, len(found)))


@pytest.mark.parametrize("rule", ["iou", "center"])
@pytest.mark.parametrize(
    ("truth_rows", "edge", "found_rows", "status", "counts"),
    [
        pytest.param([], [], [], [], [0, 0], id="nothing"),
        pytest.param([(0, 0, *A)], [False], [], [], [1, 0], id="nothing found"),
        pytest.param([], [], [(0, 0, *A)], [FALSE_POSITIVE], [0, 0], id="nothing there"),
        pytest.param([(0, 0, *A)], [False], [(0, 0, *A)], [TRUE_POSITIVE], [1, 0], id="found"),
        pytest.param([(0, 0, *A)], [False], [(1, 0, *A)], [FALSE_POSITIVE], [1, 0], id="other image"),
        pytest.param([(0, 0, *A)], [False], [(0, 1, *A)], [FALSE_POSITIVE], [1, 0], id="other class"),
        pytest.param([(0, 0, *A)], [True], [(0, 0, *A)], [IGNORED], [0, 0], id="at the border"),
        pytest.param([(0, 0, *A)], [True], [(0, 1, *A)], [FALSE_POSITIVE], [0, 0], id="another's border"),
        pytest.param(
            [(0, 1, *B), (1, 0, *A)],
            [False, False],
            [(1, 0, *A), (0, 1, *B), (0, 1, *C)],
            [TRUE_POSITIVE, TRUE_POSITIVE, FALSE_POSITIVE],
            [1, 1],
            id="two groups",
        ),
    ],
)
def test_match_predictions(
    points: Make,
    predictions: Say,
    rule: object,
    truth_rows: object,
    edge: object,
    found_rows: list[object],
    status: list[int],
    counts: list[int],
) -> None:
    found = predictions(found_rows, [0.9] * len(found_rows))
    matched = match_predictions(found, points(truth_rows, edge=edge), rule=rule, class_sizes_px=[10, 20])  # type: ignore[arg-type]
    assert matched.status.tolist() == status
    assert matched.truth_counts.tolist() == counts


def test_the_truth_of_a_true_positive_is_named(points: Make, predictions: Say) -> None:
    truth = points([(0, 1, *B), (1, 0, *A), (1, 0, *C)])
    found = predictions([(1, 0, *C), (1, 0, *A), (0, 0, *B)], [0.5, 0.5, 0.5])
    assert match_predictions(found, truth).truth_index.tolist() == [2, 1, -1]


def test_the_centre_rule_forgives_what_iou_does_not(points: Make, predictions: Say) -> None:
    truth = points([(0, 0, 10, 10, 18, 18)])
    found = predictions([(0, 0, 12, 12, 20, 20)], [0.5])
    assert f1_at(found, truth).f1[0] == 0
    assert f1_at(found, truth, rule="center", class_sizes_px=[8, 8]).f1[0] == 1


@pytest.mark.parametrize(
    ("threshold", "tp", "fp", "fn", "scores"),
    [
        (0.3, [1, 0], [1, 1], [1, 0], (0.5, 0.5, 0.5)),
        ([0.7, 0.9], [1, 0], [0, 0], [1, 0], (1.0, 0.5, 2 / 3)),
        (1.0, [0, 0], [0, 0], [2, 0], (math.nan, 0.0, 0.0)),
    ],
)
def test_detection_scores(
    points: Make,
    predictions: Say,
    threshold: object,
    tp: object,
    fp: object,
    fn: object,
    scores: tuple[float, float, float],
) -> None:
    truth = points([(0, 0, *A), (0, 0, *B)])
    found = predictions([(0, 0, *A), (0, 0, *C), (1, 1, *C), (1, 1, *C)], [0.7, 0.5, 0.4, 0.2])
    result = detection_scores(match_predictions(found, truth), threshold)  # type: ignore[arg-type]
    assert (result.tp.tolist(), result.fp.tolist(), result.fn.tolist()) == (tp, fp, fn)
    of_first = (result.precision[0], result.recall[0], result.f1[0])
    assert of_first == pytest.approx(scores, nan_ok=True)


@pytest.mark.parametrize(
    ("found", "scores", "expected"),
    [
        ([], [], [[-1, 0], [-1, -1]]),
        ([(0, 0, *A), (1, 0, *B), (1, 1, *C)], [0.9, 0.8, 0.7], [[0, 0], [0, 0]]),
        ([(0, 0, *A), (0, 0, *B), (0, 0, *C), (1, 1, *A)], [0.9, 0.8, 0.7, 0.2], [[2, 0], [-1, -1]]),
        ([(0, 1, *B)], [0.9], [[-1, 0], [-1, -1]]),
    ],
    ids=["nothing", "right numbers, wrong places", "two too many, one score too low", "an ignored object"],
)
def test_count_errors(
    points: Make, predictions: Say, found: list, scores: list[float], expected: list
) -> None:
    truth = points([(0, 0, *A), (1, 0, *A), (1, 1, *A), (0, 1, *B)], edge=[False, False, False, True])
    matched = match_predictions(predictions(found, scores), truth)
    assert count_errors(matched, [0.3, 0.3]).tolist() == expected


@pytest.mark.parametrize("of_the_other", [[], [(0, 1, *B)]])
def test_a_class_without_truths_has_no_f1(
    points: Make, predictions: Say, of_the_other: list[tuple[float, ...]]
) -> None:
    found = predictions([(0, 0, *A), *of_the_other], [0.9] * (1 + len(of_the_other)))
    result = f1_at(found, points([(0, 0, *A)]))
    assert result.fp.tolist() == [0, len(of_the_other)]
    np.testing.assert_array_equal(result.f1, [1, math.nan])
    assert result.macro_f1 == 1


def test_thresholds_come_per_class_and_fall_back_where_nothing_is_found(
    points: Make, predictions: Say
) -> None:
    truth = points([(0, 0, *A), (0, 1, *B)])
    found = predictions([(0, 0, *A), (0, 0, *C), (0, 1, *A)], [0.8, 0.6, 0.9])
    assert best_thresholds(match_predictions(found, truth)).tolist() == [0.8, 0.3]


@pytest.mark.parametrize("rule", ["iou", "center"])
def test_perfect_predictions_score_one(points: Make, predictions: Say, rule: object) -> None:
    truth, _ = scene(0, points, predictions)
    # Centres that crowd closer than half a class size could be swapped, so sizes are small here.
    found = Predictions(truth.image_index, truth.boxes_px(), np.full(len(truth), 0.9), truth.labels)
    matched = match_predictions(found, truth, rule=rule, class_sizes_px=[0.1] * 3)  # type: ignore[arg-type]
    assert detection_scores(matched, 0.5).f1.tolist() == [1, 1, 1]
    assert average_precisions(matched).tolist() == [1, 1, 1]


@given(seed=st.integers(0, 10_000))
def test_results_do_not_depend_on_the_order(seed: int, points: Make, predictions: Say) -> None:
    truth, found = scene(seed, points, predictions)
    found = replace(found, scores=found.scores.round(1))
    order = np.random.default_rng(seed).permutation(len(found))
    shuffled = Predictions(
        *(getattr(found, n)[order] for n in ("image_index", "boxes_px", "scores", "labels"))
    )
    first, second = match_predictions(found, truth), match_predictions(shuffled, truth)
    np.testing.assert_array_equal(first.status[order], second.status)
    np.testing.assert_array_equal(best_thresholds(first), best_thresholds(second))


def coco(truth: PointSet, found: Predictions, ious: tuple[float, ...] = (0.5,)) -> object:
    """COCO's own evaluation of the same boxes, at any number of detections."""
    coco_api = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def rows(
        boxes: np.ndarray, images: np.ndarray, labels: np.ndarray, crowds: np.ndarray
    ) -> list[dict[str, object]]:
        return [
            {
                "id": k + 1,
                "image_id": int(image),
                "category_id": int(label),
                "bbox": [box[1], box[0], box[3] - box[1], box[2] - box[0]],
                "area": float((box[2] - box[0]) * (box[3] - box[1])),
                "iscrowd": int(crowd),
            }
            for k, (box, image, label, crowd) in enumerate(zip(boxes, images, labels, crowds, strict=True))
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        base = coco_api.COCO()
        base.dataset = {
            "images": [{"id": i} for i in range(len(truth.images))],
            "categories": [{"id": c} for c in range(len(truth.classes))],
            "annotations": rows(truth.boxes_px(), truth.image_index, truth.labels, truth.edge),
        }
        base.createIndex()
        boxes = rows(found.boxes_px, found.image_index, found.labels, np.zeros(len(found), bool))
        results = coco_api.COCO()
        results.dataset = {
            **base.dataset,
            "annotations": [{**b, "score": s} for b, s in zip(boxes, found.scores, strict=True)],
        }
        results.createIndex()
        run = evaluation.COCOeval(base, results, "bbox")
        run.params.iouThrs, run.params.maxDets = np.array(ious), [1, 10, 1000]
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    return run


@pytest.mark.parametrize("seed", range(3))
def test_matches_are_those_of_coco(points: Make, predictions: Say, seed: int) -> None:
    truth, found = scene(seed, points, predictions)
    run = coco(truth, found)
    expected = np.full(len(found), -1)
    for cell in run.evalImgs:  # type: ignore[attr-defined]
        if cell is not None:
            expected[np.array(cell["dtIds"], dtype=int) - 1] = cell["dtMatches"][0] - 1
    matched = match_predictions(found, truth)
    assert (matched.truth_index >= 0).sum() > 20
    np.testing.assert_array_equal(matched.truth_index, expected)


@pytest.mark.parametrize("seed", range(3))
def test_crowds_are_ignored_as_coco_ignores_them(points: Make, predictions: Say, seed: int) -> None:
    truth, found = scene(seed, points, predictions)
    truth = replace(truth, edge=np.random.default_rng(seed).random(len(truth)) < 0.4)
    # Regions larger than objects, with half of an object or more in them.
    truth = replace(truth, sizes_px=np.where(truth.edge[:, None], 2.5, 1) * truth.sizes_px)
    inside = truth.boxes_px()
    limits = np.tile(truth.image_shapes_px[truth.image_index], 2)
    truth = truth.select((inside == np.clip(inside, 0, limits)).all(axis=1))
    run = coco(truth, found)
    expected, ignored = np.full(len(found), False), np.full(len(found), False)
    for cell in run.evalImgs:  # type: ignore[attr-defined]
        if cell is not None:
            ids = np.array(cell["dtIds"], dtype=int) - 1
            expected[ids] = (cell["dtMatches"][0] > 0) & ~cell["dtIgnore"][0].astype(bool)
            ignored[ids] = cell["dtIgnore"][0]
    matched = match_predictions(found, truth)
    assert ignored.sum() > 5
    np.testing.assert_array_equal(matched.truth_index >= 0, expected)
    np.testing.assert_array_equal(matched.status == IGNORED, ignored)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_near_that_of_coco(points: Make, predictions: Say, seed: int) -> None:
    truth, found = scene(seed, points, predictions)
    expected = coco(truth, found).eval["precision"][0, :, :, 0, -1].mean(axis=0)  # type: ignore[attr-defined]
    np.testing.assert_allclose(average_precisions(match_predictions(found, truth)), expected, atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_coco_map_is_that_of_coco(points: Make, predictions: Say, seed: int) -> None:
    truth, found = scene(seed, points, predictions)
    precision = coco(truth, found, tuple(COCO_IOUS)).eval["precision"]  # type: ignore[attr-defined]
    expected = precision[:, :, :, 0, -1].mean(axis=(0, 1))
    figures = detector_figures(None, (found, truth), [20.0] * 3)
    np.testing.assert_allclose([entry.coco_map for entry in figures[:3]], expected, atol=1e-9)
    assert figures[3].coco_map == pytest.approx(expected.mean())


@pytest.mark.parametrize(
    ("change", "kwargs", "message"),
    [
        ({"scores": np.array([math.nan])}, {}, "not a finite number"),
        ({"boxes_px": np.array([[0, 0, math.inf, 1]])}, {}, "not a finite number"),
        ({"image_index": np.array([7])}, {}, "no image"),
        ({"labels": np.array([-1])}, {}, "no class"),
        ({}, {"rule": "center"}, "one positive size for every class"),
        ({}, {"rule": "center", "class_sizes_px": [4]}, "one positive size for every class"),
        ({}, {"rule": "center", "class_sizes_px": [4, 0]}, "one positive size for every class"),
        ({}, {"rule": "nearest"}, "no such matching rule"),
    ],
)
def test_what_cannot_be_matched_is_said(
    points: Make, predictions: Say, change: dict[str, object], kwargs: dict[str, object], message: str
) -> None:
    found = replace(predictions([(0, 0, *A)], [0.5]), **change)
    with pytest.raises(SynthmedError, match=message):
        match_predictions(found, points([(0, 0, *A)]), **kwargs)  # type: ignore[arg-type]


def test_the_iou_rule_asks_for_boxes(points: Make, predictions: Say) -> None:
    truth = replace(points([(0, 0, *A)]), sizes_px=np.full((1, 2), math.nan))
    found = predictions([(0, 0, *A)], [0.5])
    with pytest.raises(SynthmedError, match="with_sizes"):
        match_predictions(found, truth)
    assert f1_at(found, truth, rule="center", class_sizes_px=[4, 4]).f1[0] == 1
    assert f1_at(found, truth.with_sizes(np.array([10.0, 10.0]))).f1[0] == 1


def test_a_hundred_thousand_predictions_take_seconds(points: Make, predictions: Say) -> None:
    rng = np.random.default_rng(0)

    def rows(count: int) -> np.ndarray:
        low = rng.uniform(0, 400, (count, 2))
        return np.column_stack([rng.integers(0, 500, count), rng.integers(0, 3, count), low, low + 20])

    truth = points(rows(20_000), classes=("a", "b", "c"), images=500)
    found = predictions(rows(100_000), rng.uniform(0, 1, 100_000))
    start = time.perf_counter()
    for rule in ("iou", "center"):
        average_precisions(match_predictions(found, truth, rule=rule, class_sizes_px=[20.0] * 3))  # type: ignore[arg-type]
    assert time.perf_counter() - start < 20


def test_a_square_across_the_border_is_judged_by_what_lies_in_the_image(
    points: Make, predictions: Say
) -> None:
    truth = points([(0, 0, -7, -7, 13, 13)])  # a click at (3, 3) on a class of 20 px
    matched = match_predictions(predictions([(0, 0, 0, 0, 13, 13)], [0.9]), truth)
    assert matched.status.tolist() == [TRUE_POSITIVE]
