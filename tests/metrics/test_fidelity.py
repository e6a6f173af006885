from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.metrics.fidelity import (
    binned,
    count_bins,
    nearest_distances,
    pair_variation,
    total_variation,
    wasserstein,
)

SAMPLES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("rows", "others", "expected"),
    [
        ([], [1], math.nan),
        ([1], [], math.nan),
        ([1, 2], [2, 1], 0.0),
        ([1, 1], [2, 3], 1.0),
        ([0, 0, 0, 1], [0, 1], 0.25),  # 3/4, 1/4 against 1/2, 1/2
        ([[0, 1], [0, 1]], [[0, 1], [1, 0]], 0.5),
        ([[0, 1]], [[0, 1, 1], [0, 1, 1]][:0], math.nan),
    ],
)
def test_total_variation(rows: list, others: list, expected: float) -> None:
    assert total_variation(rows, others) == pytest.approx(expected, nan_ok=True)


@given(SAMPLES, SAMPLES, SAMPLES)
def test_total_variation_is_a_distance(a: list, b: list, c: list) -> None:
    assert total_variation(a, a) == 0
    assert 0 <= total_variation(a, b) <= 1 + 1e-12
    assert total_variation(a, b) == pytest.approx(total_variation(b, a))
    assert total_variation(a, c) <= total_variation(a, b) + total_variation(b, c) + 1e-12
    # What is seen through a part of the columns is never more than what is seen through all.
    assert pair_variation(a, b) == pytest.approx(total_variation(a, b))
    assert total_variation(np.array(a)[:, 0], np.array(b)[:, 0]) <= total_variation(a, b) + 1e-12


def test_pairs_see_which_classes_come_together() -> None:
    together, apart = [[0, 0, 5], [1, 1, 5]] * 4, [[0, 1, 5], [1, 0, 5]] * 4
    # Of the three pairs only the first one differs: the marginals are all the same.
    assert pair_variation(together, apart) == pytest.approx(1 / 3)
    assert math.isnan(pair_variation([[1], [2]], [[1], [2]]))


@pytest.mark.parametrize(
    ("counts", "most", "expected"),
    [
        ([], 4, [0.5]),
        ([0, 0], 4, [0.5]),
        ([1, 1, 1], 4, [0.5, 1.5]),
        ([1, 2, 3, 4], 2, [0.5, 2.5]),
        ([0, 0, 10, 20, 30, 40, 50], 4, [0.5, 20.5, 30.5, 40.5]),
    ],
)
def test_count_bins(counts: list[int], most: int, expected: list[float]) -> None:
    (limits,) = count_bins(np.array(counts).reshape(-1, 1), most)
    assert limits.tolist() == expected
    bins = binned(np.array([[0], [1], [1000]]), [limits]).ravel()
    assert (bins[0], bins[2]) == (0, len(limits))
    assert bins[1] == 1


@pytest.mark.parametrize(
    ("values", "others", "fewest", "expected"),
    [
        ([], [1.0], 1, math.nan),
        ([1.0], [2.0], 2, math.nan),
        ([1.0, math.nan], [4.0], 1, 3.0),
        ([0.0, 10.0], [0.0, 0.0, 10.0, 10.0], 1, 0.0),
        ([0.0, 1.0, 3.0], [5.0, 6.0, 8.0], 1, 5.0),  # the example of SciPy's documentation
        ([[0.0, 0.0]], [[1.0, 5.0]], 1, 3.0),  # mean of 1 and 5
        ([[0.0, math.nan]], [[1.0, 5.0]], 1, math.nan),
    ],
)
def test_wasserstein(values: list, others: list, fewest: int, expected: float) -> None:
    assert wasserstein(values, others, fewest) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("centers", "labels", "expected"),
    [
        (np.zeros((0, 2)), None, []),
        ([[1, 1]], None, [math.nan]),
        ([[0, 0], [0, 0]], None, [0, 0]),
        ([[0, 0], [3, 4], [6, 8]], None, [5, 5, 5]),
        ([[0, 0], [3, 4], [6, 8]], [0, 1, 0], [10, math.nan, 10]),
        ([[0, 0, 0], [1, 2, 2]], [0, 0], [3, 3]),
    ],
)
def test_nearest_distances(centers: object, labels: object, expected: list[float]) -> None:
    np.testing.assert_allclose(nearest_distances(centers, labels), expected)  # type: ignore[arg-type]
