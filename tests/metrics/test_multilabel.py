from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.metrics.multilabel import (
    best_multilabel_thresholds,
    multilabel_average_precisions,
    multilabel_scores,
    presence,
)
from synthmed.points.pointset import PointSet

SCORES = np.array([[0.9, 0.1], [0.8, 0.1], [0.4, 0.1]])
PRESENT = np.array([[True, False], [False, False], [True, False]])


def test_presence_counts_objects_at_the_border(points: Callable[..., PointSet]) -> None:
    truth = points([(0, 0, 1, 1, 5, 5), (0, 0, 1, 1, 5, 5), (1, 1, 1, 1, 5, 5)], edge=[False, False, True])
    assert presence(truth).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("scores", "present", "expected"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), [math.nan, math.nan]),
        (SCORES, PRESENT, [5 / 6, math.nan]),
    ],
)
def test_average_precisions(scores: np.ndarray, present: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(multilabel_average_precisions(scores, present), expected)


def test_average_precisions_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores, present = rng.random((50, 4)).round(1), rng.random((50, 4)) < 0.4
    expected = metrics.average_precision_score(present, scores, average=None)
    np.testing.assert_allclose(multilabel_average_precisions(scores, present), expected)


def test_scores_at_the_thresholds_that_are_best() -> None:
    thresholds = best_multilabel_thresholds(SCORES, PRESENT)
    assert thresholds.tolist() == [0.4, 0.3]
    result = multilabel_scores(("a", "b"), SCORES, PRESENT, thresholds)
    assert (result.tp.tolist(), result.fp.tolist(), result.fn.tolist()) == ([2, 0], [1, 0], [0, 0])
    np.testing.assert_allclose(result.f1, [0.8, math.nan])


def test_f1_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    scores, present = rng.random((40, 3)), rng.random((40, 3)) < 0.5
    result = multilabel_scores(("a", "b", "c"), scores, present, [0.3, 0.5, 0.7])
    said = scores >= [0.3, 0.5, 0.7]
    np.testing.assert_allclose(result.f1, metrics.f1_score(present, said, average=None))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(present, said, average="macro"))


@pytest.mark.parametrize(
    ("scores", "message"),
    [(np.zeros((2, 2)), "one row for each image"), (np.full((3, 2), math.nan), "not finite")],
)
def test_what_cannot_be_scored_is_said(scores: np.ndarray, message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        multilabel_average_precisions(scores, PRESENT)
