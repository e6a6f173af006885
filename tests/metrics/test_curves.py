from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.metrics.average_precision import (
    average_precision,
    coco_average_precision,
    interpolated_average_precision,
)
from synthmed.metrics.curves import best_f1_threshold, curve, f1, mean_over_classes, ratio

HITS = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.booleans()), max_size=15)


def split(hits: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in hits], dtype=float), np.array([h for _, h in hits], dtype=bool)


@pytest.mark.parametrize(
    ("hits", "thresholds", "tp", "fp"),
    [
        ([], [], [], []),
        ([(0.5, True)], [0.5], [1], [0]),
        ([(0.2, False), (0.9, True), (0.2, True)], [0.9, 0.2], [1, 2], [0, 1]),
    ],
)
def test_curve(hits: list[tuple[float, bool]], thresholds: object, tp: object, fp: object) -> None:
    counts = curve(*split(hits), positives=3)
    assert (counts.thresholds.tolist(), counts.tp.tolist(), counts.fp.tolist()) == (thresholds, tp, fp)


@given(HITS, st.integers(0, 5))
def test_curve_agrees_with_counting(hits: list[tuple[float, bool]], missed: int) -> None:
    scores, hit = split(hits)
    counts = curve(scores, hit, int(hit.sum()) + missed)
    for threshold, tp, fp in zip(counts.thresholds, counts.tp, counts.fp, strict=True):
        assert tp == sum(1 for s, h in hits if s >= threshold and h)
        assert fp == sum(1 for s, h in hits if s >= threshold and not h)


@given(HITS, st.integers(0, 5))
def test_no_threshold_beats_the_best(hits: list[tuple[float, bool]], missed: int) -> None:
    scores, hit = split(hits)
    positives = int(hit.sum()) + missed

    def f1_of(threshold: float) -> float:
        kept = scores >= threshold
        tp = int((hit & kept).sum())
        denominator = int(kept.sum()) + positives
        return 2 * tp / denominator if denominator else math.nan

    best = best_f1_threshold(curve(scores, hit, positives), fallback=0.3)
    if hit.any():
        top = f1_of(best)
        assert all(f1_of(t) <= top for t in scores)
        assert all(f1_of(t) < top for t in scores[scores > best])
    else:
        assert best == 0.3


@given(HITS, st.integers(0, 5))
def test_average_precision_agrees_with_scikit_learn(hits: list[tuple[float, bool]], missed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, hit = split(hits)
    if hit.any():
        expected = metrics.average_precision_score(hit, scores)
        assert average_precision(curve(scores, hit, int(hit.sum()))) == pytest.approx(expected)
        found = hit.sum() / (hit.sum() + missed)
        assert average_precision(curve(scores, hit, int(hit.sum()) + missed)) == pytest.approx(
            expected * found
        )


@given(HITS, st.integers(0, 5))
def test_interpolation_takes_the_best_precision_at_a_recall_or_beyond(
    hits: list[tuple[float, bool]], missed: int
) -> None:
    scores, hit = split(hits)
    positives = int(hit.sum()) + missed
    counts = curve(scores, hit, positives)
    value = interpolated_average_precision(counts)
    if positives == 0:
        assert math.isnan(value)
        return
    points = [(tp / positives, tp / (tp + fp)) for tp, fp in zip(counts.tp, counts.fp, strict=True)]
    steps = [max((p for r, p in points if r >= k / positives), default=0.0) for k in range(1, positives + 1)]
    assert value == pytest.approx(sum(steps) / positives)
    assert value >= average_precision(counts) - 1e-12


@pytest.mark.parametrize(
    "measure", [average_precision, interpolated_average_precision, coco_average_precision]
)
@pytest.mark.parametrize(
    ("scores", "hits", "positives", "expected"),
    [
        ([], [], 0, math.nan),
        ([0.5], [False], 0, math.nan),
        ([], [], 2, 0.0),
        ([0.9, 0.8], [True, True], 2, 1.0),
        ([0.9, 0.8], [False, True], 1, 0.5),
        ([0.5, 0.5], [False, True], 1, 0.5),
    ],
)
def test_average_precisions_by_hand(
    measure: object, scores: object, hits: object, positives: int, expected: float
) -> None:
    value = measure(curve(scores, hits, positives))  # type: ignore[operator, arg-type]
    assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("tp", "fp", "fn", "expected"),
    [([], [], [], []), ([2], [0], [0], [1]), ([2], [1], [3], [0.5]), ([0], [0], [0], [math.nan])],
)
def test_f1(tp: object, fp: object, fn: object, expected: object) -> None:
    np.testing.assert_allclose(f1(tp, fp, fn), expected)  # type: ignore[arg-type]


def test_ratio_has_no_value_where_the_whole_is_nothing() -> None:
    np.testing.assert_array_equal(ratio([0, 1, 0], [0, 4, 2]), [math.nan, 0.25, 0])


@pytest.mark.parametrize(
    ("values", "expected"), [([], math.nan), ([math.nan], math.nan), ([1, math.nan, 0], 0.5)]
)
def test_mean_over_classes(values: list[float], expected: float) -> None:
    assert mean_over_classes(values) == pytest.approx(expected, nan_ok=True)


def test_coco_samples_the_interpolated_precision_at_101_recalls() -> None:
    # Precision 1 up to recall 1/2, then 3/4 up to 3/4, nothing beyond: 51 and 25 of 101 recalls.
    counts = curve([0.9, 0.8, 0.7, 0.6], [True, True, False, True], positives=4)
    assert coco_average_precision(counts) == pytest.approx((51 * 1 + 25 * 0.75) / 101)
    assert interpolated_average_precision(counts) == pytest.approx(0.5 + 0.25 * 0.75)
