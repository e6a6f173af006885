import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.app.convert import (
    boxes_to_px,
    boxes_to_relative,
    centers_to_px,
    centers_to_relative,
    to_detections,
    to_keypoints,
)

SHAPES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
NUMBERS = st.floats(0, 4000, allow_nan=False)


@pytest.mark.parametrize(
    ("boxes_px", "shape_px", "expected"),
    [
        ([], (10, 20), np.zeros((0, 4))),
        ([[0, 0, 10, 20]], (10, 20), [[0, 0, 1, 1]]),
        ([[5, 5, 10, 10]], (10, 20), [[0.25, 0.5, 0.25, 0.5]]),
        ([[0, 0, 1, 1], [9, 19, 10, 20]], (10, 20), [[0, 0, 0.05, 0.1], [0.95, 0.9, 0.05, 0.1]]),
    ],
)
def test_boxes_to_relative(boxes_px, shape_px, expected):
    np.testing.assert_allclose(boxes_to_relative(boxes_px, shape_px), expected)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=5), SHAPES)
def test_boxes_come_back(boxes, shape_px):
    boxes_px = np.array(boxes, dtype=float).reshape(-1, 4)
    np.testing.assert_allclose(
        boxes_to_px(boxes_to_relative(boxes_px, shape_px), shape_px), boxes_px, atol=1e-6
    )


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5), SHAPES)
def test_centers_come_back(centers, shape_px):
    centers_px = np.array(centers, dtype=float).reshape(-1, 2)
    np.testing.assert_allclose(
        centers_to_px(centers_to_relative(centers_px, shape_px), shape_px), centers_px, atol=1e-6
    )


def test_each_box_may_have_a_shape_of_its_own():
    boxes = [[0.5, 0.5, 0.5, 0.5]] * 2
    np.testing.assert_allclose(
        boxes_to_px(boxes, [(10, 20), (100, 40)]), [[5, 10, 10, 20], [50, 20, 100, 40]]
    )


def test_no_labels():
    assert to_detections([], [], (5, 5), confidences=[], attributes={"edge": []}).detections == []
    assert to_keypoints([], [], (5, 5)).keypoints == []


def test_labels_have_their_columns():
    label = to_detections([[0, 0, 5, 5]], ["a"], (10, 20), confidences=[0.5], attributes={"edge": [True]})
    (detection,) = label.detections
    assert (detection.label, detection.confidence, detection.edge) == ("a", 0.5, True)
    assert detection.bounding_box == [0, 0, 0.25, 0.5]
    (keypoint,) = to_keypoints([[5, 5]], ["a"], (10, 20), confidences=[0.5]).keypoints
    assert (keypoint.points, keypoint.confidence) == ([[0.25, 0.5]], [0.5])


def test_columns_of_another_length_are_refused():
    with pytest.raises(ValueError, match="zip"):
        to_detections([[0, 0, 5, 5]], ["a"], (10, 20), attributes={"edge": []})
