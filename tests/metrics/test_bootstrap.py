from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed.metrics.bootstrap import Resampling, difference, draw_weights, estimate, resampling_units
from synthmed.metrics.cam import CamEvaluator
from synthmed.metrics.evaluation import (
    cam_figures,
    classifier_figures,
    detector_figures,
    measure_cams,
    measure_detector,
)
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.statistics import classifier_statistic
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]
SIZES = [12.0, 16.0]
IMAGES = 7


def crowd(seed: int, points: Make) -> tuple[Predictions, PointSet]:
    """Truths, some of them at the border, and these shifted as predictions, with equal scores among them."""
    rng = np.random.default_rng(seed)

    def rows(count: int) -> np.ndarray:
        low = rng.uniform(0, 80, (count, 2))
        sides = rng.uniform(10, 18, (count, 2))
        return np.column_stack([rng.integers(0, IMAGES, count), rng.integers(0, 2, count), low, low + sides])

    true = rows(40)
    found = np.concatenate([true + np.column_stack([np.zeros((40, 2)), rng.normal(0, 1, (40, 4))]), rows(20)])
    truth = points(true, images=IMAGES, edge=rng.random(40) < 0.1)
    predictions = Predictions(
        found[:, 0].astype(np.int64), found[:, 2:], rng.integers(0, 9, 60) / 8, found[:, 1].astype(np.int64)
    )
    return predictions, truth


def drawn(predictions: Predictions, truth: PointSet, order: list[int]) -> tuple[Predictions, PointSet]:
    """The data set with the images that a resample has drawn, each as often as it was."""
    of_truth = [np.flatnonzero(truth.image_index == image) for image in order]
    found = [np.flatnonzero(predictions.image_index == image) for image in order]

    def numbers(groups: list[np.ndarray]) -> np.ndarray:
        return np.repeat(np.arange(len(order)), [len(group) for group in groups])

    index, own = np.concatenate(of_truth), np.concatenate(found)
    copied = replace(
        truth,
        images=tuple(f"{k}.png" for k in range(len(order))),
        image_shapes_px=truth.image_shapes_px[order],
        splits=("val",) * len(order),
        groups=("",) * len(order),
        image_index=numbers(of_truth),
        **{
            name: getattr(truth, name)[index]
            for name in ("centers_px", "labels", "annotation_ids", "edge", "sizes_px")
        },
    )
    names = ("boxes_px", "scores", "labels")
    return Predictions(numbers(found), *(getattr(predictions, name)[own] for name in names)), copied


def maps_of(truth: PointSet, seed: int) -> np.ndarray:
    """Noise with a hill on most objects."""
    maps = np.random.default_rng(seed).normal(0, 0.3, (len(truth.images), 2, 20, 20))
    for image, label, (row, column) in zip(
        truth.image_index, truth.labels, truth.centers_px * 0.2, strict=True
    ):
        maps[image, label, int(row) : int(row) + 2, int(column) : int(column) + 2] += 1
    return maps


def evaluator_of(truth: PointSet, maps: np.ndarray, order: list[int]) -> CamEvaluator:
    evaluator = CamEvaluator(truth.classes, [2.5, 3.0])
    small = replace(truth, centers_px=truth.centers_px * 0.2, sizes_px=truth.sizes_px * 0.2)
    for image in order:
        evaluator.add_image(maps[image], small, image)
    return evaluator


ORDERS = st.lists(st.integers(0, IMAGES - 1), min_size=1, max_size=9)


def as_weights(order: list[int]) -> np.ndarray:
    return np.bincount(order, minlength=IMAGES)[None].astype(float)


def assert_same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    assert first.keys() == second.keys() and first
    for name in first:
        np.testing.assert_allclose(first[name], second[name], err_msg=name, atol=1e-12)


@settings(max_examples=10)
@given(seed=st.integers(0, 50), order=ORDERS)
def test_a_weighted_detector_is_one_on_the_images_drawn(seed: int, order: list[int], points: Make) -> None:
    found, truth = crowd(seed, points)
    weighted, thresholds = measure_detector((found, truth), (found, truth), SIZES)
    plain, _ = measure_detector((found, truth), drawn(found, truth, order), SIZES)
    assert_same(weighted(as_weights(order)), plain(np.ones((1, len(order)))))
    assert thresholds["threshold_iou"].shape == (2,)


@settings(max_examples=4)
@given(seed=st.integers(0, 50), order=ORDERS)
def test_weighted_maps_are_those_of_the_images_drawn(seed: int, order: list[int], points: Make) -> None:
    _, truth = crowd(seed, points)
    maps = maps_of(truth, seed)
    weighted, _ = measure_cams(evaluator_of(truth, maps, list(range(IMAGES))), [0.5, 0.5])
    plain, _ = measure_cams(evaluator_of(truth, maps, order), [0.5, 0.5])
    assert_same(weighted(as_weights(order)), plain(np.ones((1, len(order)))))


@settings(max_examples=10)
@given(seed=st.integers(0, 50), order=ORDERS)
def test_a_weighted_classifier_is_one_on_the_images_drawn(seed: int, order: list[int], points: Make) -> None:
    found, truth = crowd(seed, points)
    scores = np.random.default_rng(seed).random((IMAGES, 2)).round(1)
    weighted = classifier_statistic(scores, truth, [0.5, 0.6])
    plain = classifier_statistic(scores[order], drawn(found, truth, order)[1], [0.5, 0.6])
    assert_same(weighted(as_weights(order)), plain(np.ones((1, len(order)))))


@pytest.mark.parametrize(
    ("groups", "units"),
    [([], []), (["", ""], [0, 1]), (["a", "b", "a"], [0, 1, 0]), (["0", "", "0", ""], [0, 1, 0, 2])],
)
def test_resampling_units(groups: list[str], units: list[int]) -> None:
    assert resampling_units(groups).tolist() == units


def test_images_of_one_group_are_drawn_together() -> None:
    weights = draw_weights(np.array([0, 1, 0, 2]), Resampling(count=200))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert not (weights[:, 0] == weights[:, 1]).all()


@pytest.mark.parametrize("units", [[], [0], [0, 0]])
def test_one_unit_has_no_spread(units: list[int]) -> None:
    weights = draw_weights(np.array(units, dtype=np.int64))
    found = estimate(lambda w: {"mean": w.sum(axis=1)}, weights)["mean"]
    assert len(weights) == 0
    assert math.isnan(found.low) and math.isnan(found.high)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    weights = draw_weights(np.arange(400), Resampling(count=4000))
    found = estimate(lambda w: {"mean": w @ values / w.sum(axis=1)}, weights)["mean"]
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    weights = draw_weights(np.arange(60), Resampling(count=400, level=0.9))
    held = 0
    for _ in range(200):
        hits = rng.random(60) < 0.7
        found = estimate(lambda w, hits=hits: {"rate": w @ hits / 60}, weights, 0.9)["rate"]  # type: ignore[misc]
        held += int(found.low <= 0.7 <= found.high)
    assert 0.84 < held / 200 < 0.96


def test_the_same_seed_gives_the_same_intervals(points: Make) -> None:
    found, truth = crowd(0, points)
    first, again = (detector_figures((found, truth), (found, truth), SIZES) for _ in range(2))
    other = detector_figures((found, truth), (found, truth), SIZES, resampling=Resampling(seed=1))
    assert repr(first) == repr(again) != repr(other)
    low, high = first[0].intervals["f1_iou"]
    assert low <= first[0].f1_iou <= high and low < high
    assert set(first[0].intervals) >= {"f1_iou", "f1_center", "average_precision", "coco_map"}
    assert not any("threshold" in name for name in first[0].intervals)


def test_groups_make_intervals_wider(points: Make) -> None:
    rng = np.random.default_rng(0)
    easy = np.repeat(rng.random(10) < 0.5, 8)  # whole slides are found or missed
    rows = [(image, 0, 10, 10, 20, 20) for image in range(80)]
    truth = points(rows, images=80)
    found = Predictions(
        np.flatnonzero(easy), truth.boxes_px()[easy], np.ones(int(easy.sum())), np.zeros(int(easy.sum()), int)
    )
    grouped = replace(truth, groups=tuple(f"slide {image // 8}" for image in range(80)))
    widths = []
    for held_out in (truth, grouped):
        low, high = detector_figures(None, (found, held_out), SIZES)[0].intervals["recall_iou"]
        widths.append(high - low)
    assert widths[1] > 2 * widths[0]


def test_a_class_of_too_few_images_has_no_interval(points: Make) -> None:
    rows = [(image, 0, 10, 10, 20, 20) for image in range(10)] + [(0, 1, 50, 50, 60, 60)] * 2
    truth = points(rows, images=10)
    half = Resampling(count=200)
    assert (
        "f1"
        in classifier_figures((np.ones((10, 2)), truth), (np.ones((10, 2)), truth), resampling=half)[
            0
        ].intervals
    )
    nowhere = replace(truth, labels=np.zeros(len(truth), dtype=np.int64))
    last = detector_figures(
        None,
        (Predictions(*(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))), nowhere),
        SIZES,
    )[1]
    assert math.isnan(last.f1_iou) and "f1_iou" not in last.intervals


def test_a_model_does_not_differ_from_itself_and_pairing_narrows(points: Make) -> None:
    found, truth = crowd(3, points)
    worse = replace(found, scores=np.where(np.arange(len(found)) % 5 == 0, 0.0, found.scores))
    better, other = (measure_detector(None, (p, truth), SIZES)[0] for p in (found, worse))
    weights = draw_weights(resampling_units(truth.groups))
    nothing = estimate(difference(better, better), weights)["f1_iou"]
    assert nothing.value.tolist() == nothing.low.tolist() == nothing.high.tolist() == [0, 0, 0]
    paired = estimate(difference(better, other), weights)["f1_iou"]
    alone = [estimate(model, weights)["f1_iou"] for model in (better, other)]
    np.testing.assert_allclose(paired.value, alone[1].value - alone[0].value)
    assert (paired.high - paired.low < sum(one.high - one.low for one in alone)).all()
    assert paired.value[-1] < 0


def test_intervals_of_maps(points: Make) -> None:
    _, truth = crowd(0, points)
    evaluator = evaluator_of(truth, maps_of(truth, 0), list(range(IMAGES)))
    first, _, overall = cam_figures(evaluator, [0.5, 0.5])
    for figures in (first, overall):
        names = {"pointing_game", "energy_share", "energy_gain", "px_ap", "max_box_acc", "max_box_acc_v2"}
        assert set(figures.intervals) == names | {"peak_f1", "peak_precision", "peak_recall"}
        assert all(low <= high for low, high in figures.intervals.values())
