from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.detect.nms import Selection, select_boxes
from synthmed.metrics import pairwise_iou


def test_nothing() -> None:
    boxes, scores, labels = select_boxes(np.zeros((0, 4)), np.zeros((0, 2)), Selection())
    assert (boxes.shape, scores.shape, labels.shape) == ((0, 4), (0,), (0,))


@given(seed=st.integers(0, 1000), count=st.integers(1, 60))
def test_as_written_down_plainly(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 30, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 15, (count, 2))], axis=1)
    scores = rng.uniform(0, 1, (count, 2))
    found = select_boxes(boxes, scores, Selection(min_score=0.3, max_iou=0.4))
    expected: list[tuple[float, int, int]] = []
    for score, label, place in sorted(
        ((scores[i, c], c, i) for i in range(count) for c in range(2) if scores[i, c] >= 0.3), reverse=True
    ):
        rivals = [other for _, known, other in expected if known == label]
        if not (pairwise_iou(boxes[[place]], boxes[rivals]) > 0.4).any():
            expected.append((score, label, place))
    np.testing.assert_array_equal(found[1], [score for score, _, _ in expected])
    np.testing.assert_array_equal(found[2], [label for _, label, _ in expected])
    np.testing.assert_array_equal(found[0], boxes[[place for _, _, place in expected]])


def test_limits_grow_with_the_area() -> None:
    boxes = np.arange(40.0)[:, None] * 20 + np.array([0, 0, 10, 10])
    scores = np.linspace(0.9, 0.5, 40)[:, None]
    few = Selection(candidates=10, max_boxes=5)
    assert len(select_boxes(boxes, scores, few)[1]) == 5
    assert len(select_boxes(boxes, scores, few.for_area(4.0))[1]) == 20
    assert len(select_boxes(boxes, scores, few.for_area(0.1))[1]) == 5


def test_a_box_that_scores_exactly_the_least_score_stays() -> None:
    boxes = np.arange(3.0)[:, None] * 20 + np.array([0, 0, 10, 10])
    scores = np.array([[0.3], [np.nextafter(0.3, 0)], [np.nextafter(0.3, 1)]])
    assert select_boxes(boxes, scores, Selection(min_score=0.3))[1].tolist() == [scores[2, 0], 0.3]


APART = np.arange(4.0)[:, None] * 20 + np.array([0, 0, 10, 10])
SCORES = np.array([[0.5, 0.4], [0.8, 0.1], [0.6, 0.7], [0.2, 0.3]])


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"candidates": None, "max_boxes": None}, [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"single_label": True}, [0.8, 0.7, 0.5, 0.3]),
        ({"candidates": 1}, [0.8]),
        ({"candidates": 1, "by_level": True}, [0.8, 0.3]),
        ({"candidates": 2, "by_level": True}, [0.8, 0.7, 0.3, 0.2]),
        ({"min_side_px": 9.9, "max_boxes": 1}, [0.8]),
        ({"min_side_px": 10.0}, []),
    ],
)
def test_limits(limits: dict[str, Any], expected: list[float]) -> None:
    assert select_boxes(APART, SCORES, Selection(**limits), level_sizes=[3, 1])[1].tolist() == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, [0.5, 0.4, 0.08, 0.07, 0.06, 0.01]),
        ({"candidates": 1}, [0.08]),  # the surest class, though hardly an object
        ({"min_objectness": 0.5}, [0.5, 0.4]),
        ({"min_score": 0.065}, [0.5, 0.4, 0.08, 0.07]),
    ],
)
def test_candidates_by_class_probability(limits: dict[str, Any], expected: list[float]) -> None:
    objectness = np.array([1.0, 0.1, 0.1, 0.0])
    found = select_boxes(APART, SCORES * objectness[:, None], Selection(**limits), objectness=objectness)
    np.testing.assert_allclose(found[1], expected)
