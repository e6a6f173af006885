from __future__ import annotations

import numpy as np
import pytest

from synthmed.bank.quality import QUALITY_COLUMNS, Quality, nearest_others, over_class_median


def test_unknown_quality_can_be_selected_from() -> None:
    quality = Quality.unknown(4).select(np.array([True, False, True, True]))
    assert len(quality) == 3
    assert all(len(getattr(quality, name)) == 3 for name in QUALITY_COLUMNS)


@pytest.mark.parametrize(
    ("centers", "expected"),
    [
        ([], []),
        ([[3, 4]], [np.nan]),
        ([[0, 0], [3, 4], [3, 5]], [5, 1, 1]),
        ([[2, 2], [2, 2]], [0, 0]),
    ],
)
def test_nearest_others(centers: list[list[float]], expected: list[float]) -> None:
    np.testing.assert_allclose(nearest_others(np.array(centers, float).reshape(-1, 2)), expected)


def test_unknown_values_have_no_part_in_the_median() -> None:
    values = np.array([1.0, np.nan, 3.0, 2.0, 0.0, np.nan])
    shares = over_class_median(values, np.array([0, 0, 0, 0, 1, 2]), 3)
    np.testing.assert_allclose(shares, [0.5, np.nan, 1.5, 1.0, 1.0, np.nan])
