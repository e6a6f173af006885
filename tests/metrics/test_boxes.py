from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthmed.metrics.boxes import areas, boxes_at, intersections, pairwise_coverage, pairwise_iou


def boxes(count: st.SearchStrategy[int], ndim: int = 2) -> st.SearchStrategy[np.ndarray]:
    """Boxes with sides of 1 to 50 px."""

    def build(size: int) -> st.SearchStrategy[np.ndarray]:
        low = arrays(float, (size, ndim), elements=st.floats(-100, 100, width=32))
        side = arrays(float, (size, ndim), elements=st.floats(1, 50, width=32))
        return st.tuples(low, side).map(lambda pair: np.concatenate([pair[0], pair[0] + pair[1]], axis=1))

    return count.flatmap(build)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.zeros((0, 4)), np.zeros((3, 4)), np.zeros((0, 3))),
        ([[0, 0, 10, 10]], [[0, 0, 10, 10]], [[1.0]]),
        ([[0, 0, 10, 10]], [[0, 5, 10, 15]], [[1 / 3]]),
        ([[0, 0, 10, 10]], [[10, 0, 20, 10]], [[0.0]]),
        ([[0, 0, 10, 10]], [[20, 20, 30, 30]], [[0.0]]),
        ([[3, 3, 3, 3]], [[3, 3, 3, 3]], [[0.0]]),
        ([[0, 0, 0, 2, 2, 2]], [[1, 0, 0, 3, 2, 2]], [[1 / 3]]),
    ],
)
def test_pairwise_iou(first: object, second: object, expected: object) -> None:
    np.testing.assert_allclose(pairwise_iou(first, second), expected)


@given(boxes(st.integers(0, 5)), boxes(st.integers(0, 5)))
def test_iou_is_symmetric_and_a_share(first: np.ndarray, second: np.ndarray) -> None:
    iou = pairwise_iou(first, second)
    np.testing.assert_allclose(iou, pairwise_iou(second, first).T)
    assert ((iou >= 0) & (iou <= 1)).all()


@given(boxes(st.integers(1, 5)))
def test_a_box_has_iou_one_with_itself(own: np.ndarray) -> None:
    np.testing.assert_array_equal(np.diag(pairwise_iou(own, own)), 1)


@given(boxes(st.integers(1, 4)), boxes(st.integers(1, 4)))
def test_iou_agrees_with_coco(first: np.ndarray, second: np.ndarray) -> None:
    mask = pytest.importorskip("pycocotools.mask")

    def xywh(rows: np.ndarray) -> np.ndarray:
        return np.column_stack([rows[:, 1], rows[:, 0], rows[:, 3] - rows[:, 1], rows[:, 2] - rows[:, 0]])

    expected = mask.iou(xywh(first), xywh(second), np.zeros(len(second), dtype=np.uint8))
    np.testing.assert_allclose(pairwise_iou(first, second), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.zeros((0, 4)), np.zeros((2, 4)), np.zeros((0, 2))),
        ([[0, 0, 10, 10]], [[0, 0, 100, 100]], [[1.0]]),
        ([[0, 0, 100, 100]], [[0, 0, 10, 10]], [[0.01]]),
        ([[5, 5, 5, 9]], [[0, 0, 10, 10]], [[0.0]]),
    ],
)
def test_pairwise_coverage(first: object, second: object, expected: object) -> None:
    np.testing.assert_allclose(pairwise_coverage(first, second), expected)


@pytest.mark.parametrize(
    ("rows", "expected"), [(np.zeros((0, 4)), []), ([[0, 0, 3, 4]], [12]), ([[3, 0, 0, 4]], [0])]
)
def test_areas(rows: object, expected: list[float]) -> None:
    assert areas(rows).tolist() == expected


def test_intersections_counts_pixels_shared_by_drawn_boxes() -> None:
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 20, (6, 2, 2)), axis=1).reshape(6, 4)
    drawn = np.zeros((6, 20, 20), dtype=bool)
    for mask, (row0, column0, row1, column1) in zip(drawn, corners, strict=True):
        mask[row0:row1, column0:column1] = True
    expected = (drawn[:, None] & drawn).sum(axis=(2, 3))
    np.testing.assert_array_equal(intersections(corners, corners), expected)


@pytest.mark.parametrize(
    ("centers", "sizes", "expected"),
    [
        (np.zeros((0, 2)), 4, np.zeros((0, 4))),
        ([[5, 7]], 4, [[3, 5, 7, 9]]),
        ([[5, 7], [1, 1]], [4, 1], [[3, 5, 7, 9], [0.5, 0.5, 1.5, 1.5]]),
        ([[1, 2, 3]], 2, [[0, 1, 2, 2, 3, 4]]),
    ],
)
def test_boxes_at(centers: object, sizes: object, expected: object) -> None:
    np.testing.assert_array_equal(boxes_at(centers, sizes), expected)
