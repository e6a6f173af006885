from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.points.pointset import PointSet


def points_on(image_index: list[int], images: int = 3) -> PointSet:
    """Points of alternating classes on the given images, with sizes where their number is even."""
    count = len(image_index)
    numbers = np.arange(count)
    sizes_px = np.where(numbers[:, None] % 2, np.nan, 4.0) * np.ones((count, 2))
    return PointSet(
        classes=("RBC", "WBC"),
        images=tuple(f"{i}.png" for i in range(images)),
        image_shapes_px=np.full((images, 2), 100),
        splits=tuple(("train", "val", "test")[i % 3] for i in range(images)),
        groups=tuple(f"slide {i}" for i in range(images)),
        centers_px=np.column_stack([numbers, numbers + 0.5]).astype(float).reshape(-1, 2),
        image_index=np.array(image_index, dtype=np.int64),
        labels=numbers % 2,
        annotation_ids=numbers.astype(str),
        edge=numbers % 3 == 0,
        sizes_px=sizes_px,
    )


@pytest.mark.parametrize(
    "name", ["centers_px", "image_index", "annotation_ids", "edge", "sizes_px", "splits", "groups"]
)
def test_lengths_must_agree(name: str) -> None:
    points = points_on([0, 0, 2])
    with pytest.raises(ValueError, match=name):
        replace(points, **{name: getattr(points, name)[:-1]})


def test_axes_must_agree() -> None:
    with pytest.raises(ValueError, match="axes"):
        replace(points_on([0]), centers_px=np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("image_index", "expected"),
    [
        ([], [[0, 0], [0, 0], [0, 0]]),
        ([0, 0, 2], [[1, 1], [0, 0], [1, 0]]),
        ([1] * 5, [[0, 0], [3, 2], [0, 0]]),
    ],
)
def test_counts(image_index: list[int], expected: list[list[int]]) -> None:
    assert points_on(image_index).counts().tolist() == expected


def test_boxes_and_sizes() -> None:
    points = points_on([0, 1])
    assert not points.has_sizes
    assert points.boxes_px()[0].tolist() == [-2, -1.5, 2, 2.5]
    assert np.isnan(points.boxes_px()[1]).all()
    filled = points.with_sizes(np.array([10.0, 20.0]))
    assert filled.has_sizes
    assert filled.sizes_px.tolist() == [[4, 4], [20, 20]]


@given(st.lists(st.integers(0, 4), max_size=20), st.lists(st.booleans(), min_size=5, max_size=5))
def test_a_choice_of_images_keeps_their_points(image_index: list[int], keep: list[bool]) -> None:
    points = points_on(image_index, images=5)
    chosen = points.of_images(np.array(keep))
    assert chosen.images == tuple(name for name, kept in zip(points.images, keep, strict=True) if kept)
    expected = [i for i, image in enumerate(image_index) if keep[image]]
    assert chosen.annotation_ids.tolist() == [str(i) for i in expected]
    assert [chosen.images[i] for i in chosen.image_index] == [points.images[image_index[i]] for i in expected]
    np.testing.assert_array_equal(chosen.counts(), points.counts()[np.array(keep)])


def test_splits_are_chosen_by_name() -> None:
    points = points_on([0, 1, 2, 3], images=4)
    assert points.of_split("train").images == ("0.png", "3.png")
    assert points.of_split("val", "test").annotation_ids.tolist() == ["1", "2"]
    assert points.of_split().images == ()


@pytest.mark.parametrize(
    ("images", "most", "expected"),
    [(0, 2, []), (3, None, [0, 1, 2]), (3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (5, 1, [0]), (3, 0, [])],
)
def test_some_images_evenly_spread(images: int, most: int | None, expected: list[int]) -> None:
    chosen = points_on(list(range(images)), images).evenly(most)
    assert chosen.images == tuple(f"{i}.png" for i in expected)
    assert chosen.annotation_ids.tolist() == [str(i) for i in expected]
