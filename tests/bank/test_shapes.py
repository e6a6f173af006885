"""The compiled shapes and medians against SciPy and NumPy, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import ndimage

from synthmed.bank.fill import _zoomed
from synthmed.bank.medians import channel_medians, percentile
from synthmed.bank.shapes import deeper, edge, filled, largest_piece, within

MASKS = nps.arrays(bool, nps.array_shapes(min_dims=2, max_dims=2, max_side=14))
SETTINGS = settings(deadline=None, max_examples=200)


def largest_by_scipy(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask)
    return pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]) if count else mask


@given(MASKS)
@SETTINGS
def test_shapes_are_those_of_scipy(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(filled(mask), ndimage.binary_fill_holes(mask))
    np.testing.assert_array_equal(largest_piece(mask), largest_by_scipy(mask))
    np.testing.assert_array_equal(edge(mask), mask & ~ndimage.binary_erosion(mask))
    np.testing.assert_array_equal(filled(mask.T), ndimage.binary_fill_holes(mask.T))


@given(MASKS, st.floats(0, 12) | st.integers(0, 8).map(float) | st.sampled_from([2**0.5, 5**0.5, 13**0.5]))
@SETTINGS
def test_discs_are_those_of_the_exact_distances(mask: np.ndarray, radius: float) -> None:
    if mask.any():
        np.testing.assert_array_equal(within(mask, radius), ndimage.distance_transform_edt(~mask) <= radius)
    if not mask.all():
        np.testing.assert_array_equal(deeper(mask, radius), ndimage.distance_transform_edt(mask) > radius)


def test_of_nothing_comes_nothing() -> None:
    nothing = np.zeros((3, 4), bool)
    for made in (filled(nothing), largest_piece(nothing), edge(nothing), within(nothing, 2)):
        assert made.shape == (3, 4)
        assert not made.any()


@given(nps.arrays(np.uint8, (5, 7, 3)), nps.arrays(bool, (5, 7)))
@SETTINGS
def test_medians_are_those_of_numpy(image: np.ndarray, chosen: np.ndarray) -> None:
    chosen[2, 3] = True
    np.testing.assert_array_equal(channel_medians(image, chosen), np.median(image[chosen], axis=0))


@pytest.mark.parametrize("zoom", [(2, 2), (480 / 16, 640 / 16), (1.3, 2.7)])
def test_zooming_a_channel_at_a_time_changes_nothing(zoom: tuple[float, float]) -> None:
    values = np.random.default_rng(0).normal(100, 30, (9, 8, 3)).astype(np.float32)
    expected = ndimage.zoom(values, (*zoom, 1), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_array_equal(_zoomed(values, zoom), expected)


@given(
    nps.arrays(np.float32, nps.array_shapes(max_dims=2, max_side=40), elements=st.floats(0, 400, width=32)),
    st.sampled_from([20.0, 30.0, 50.0, 80.0, 90.0, 95.0, 99.9, 0.0, 100.0]),
)
@SETTINGS
def test_percentiles_are_those_of_numpy(values: np.ndarray, percent: float) -> None:
    assert percentile(values, percent) == np.percentile(values, percent)
