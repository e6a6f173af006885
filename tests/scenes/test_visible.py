"""Pixels of each object that are left to be seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.scenes.paste import SOFT
from synthmed.scenes.visible import count_visible


@pytest.mark.parametrize(
    ("owner", "corners", "sizes", "expected"),
    [
        ([[0, 0]], np.empty((0, 2)), np.empty((0, 2)), []),
        ([[1, 1], [1, 1]], [[0, 0]], [[2, 2]], [4]),
        ([[1, 2], [1 | SOFT, 2]], [[0, -3], [0, 1]], [[2, 4], [9, 9]], [1, 2]),
        ([[0, 0]], [[5, 5]], [[2, 2]], [0]),
    ],
    ids=["none", "whole", "soft edges and borders", "outside"],
)
def test_count_visible(owner: list, corners: list, sizes: list, expected: list) -> None:
    found = count_visible(
        np.array(owner, dtype=np.uint16),
        np.array(corners, dtype=np.int64),
        np.array(sizes, dtype=np.int64),
    )
    assert found.tolist() == expected


@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 60),
    count=st.integers(1, 9),
)
def test_counts_are_those_of_the_mask(seed: int, height: int, width: int, count: int) -> None:
    """Whatever the sizes are, no neighbour and no next row is counted along."""
    draw = np.random.default_rng(seed)
    corners = np.stack([draw.integers(-30, height + 9, count), draw.integers(-30, width + 9, count)], axis=1)
    sizes = draw.integers(1, 50, (count, 2))
    owner = np.zeros((height, width), dtype=np.uint16)
    for number, ((top, left), (rows, columns)) in enumerate(zip(corners, sizes, strict=True), start=1):
        owner[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)] = number
    expected = np.bincount(owner.ravel(), minlength=count + 1)[1:]
    np.testing.assert_array_equal(count_visible(owner, corners, sizes), expected)
