from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.fill import fill_holes, smooth_fill

GREY = np.full(3, 90.0)


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """An image that grows lighter downwards and to the right."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat((60 + rows + 0.5 * columns)[..., None], 3, axis=2).astype(np.uint8)


def filled(image: NDArray[np.uint8], holes: NDArray[np.bool_], noise: float = 0.0) -> NDArray[np.uint8]:
    return fill_holes(image, holes, GREY, noise, np.random.default_rng(0))


def test_without_holes_nothing_changes() -> None:
    image = ramp(5, 7)
    assert np.array_equal(filled(image, np.zeros((5, 7), dtype=bool)), image)


def test_an_image_of_nothing_but_holes_is_the_given_colour() -> None:
    assert (filled(ramp(5, 7), np.ones((5, 7), dtype=bool)) == 90).all()


def test_what_is_not_a_hole_stays_and_no_object_is_left() -> None:
    image, holes = ramp(60, 80), np.zeros((60, 80), dtype=bool)
    holes[20:32, 30:45] = True
    before = image.copy()
    image[holes] = 255
    after = filled(image, holes)
    assert np.array_equal(after[~holes], image[~holes])
    assert np.abs(after.astype(int) - before).max() <= 4


def test_texture_goes_on_in_the_hole() -> None:
    rng = np.random.default_rng(1)
    image = np.clip(rng.normal(128, 6, (80, 80, 3)), 0, 255).astype(np.uint8)
    holes = np.zeros((80, 80), dtype=bool)
    holes[30:50, 30:50] = True
    inside = filled(image, holes, noise=6.0)[holes].astype(float)
    assert inside.std() == pytest.approx(6, rel=0.25)
    assert inside.mean() == pytest.approx(128, abs=3)


def test_a_ruled_line_goes_on() -> None:
    image, holes = np.full((80, 100, 3), 120, dtype=np.uint8), np.zeros((80, 100), dtype=bool)
    image[38:42] = 40
    holes[28:52, 40:64] = True
    before = image.copy()
    image[holes] = 255
    after = filled(image, holes, noise=1.0)
    assert np.abs(after.astype(int) - before)[30:50, 42:62].mean() < 6


def lag_correlation(values: np.ndarray) -> float:
    """Between neighbours in a row."""
    return float(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1])


def test_a_hole_larger_than_any_free_place_has_texture_too() -> None:
    rng = np.random.default_rng(2)
    grain = ndimage.gaussian_filter(rng.normal(0, 1, (120, 160)), 1.0)
    image = np.repeat(128 + 5 * grain[..., None] / grain.std(), 3, axis=2).round().astype(np.uint8)
    holes = np.ones((120, 160), dtype=bool)
    holes[:20] = False
    after = filled(image, holes, noise=5.0)[..., 0].astype(float)
    assert lag_correlation(after[:20]) > 0.7
    assert lag_correlation(after[24:]) == pytest.approx(lag_correlation(after[:20]), abs=0.1)
    assert after[24:].std() == pytest.approx(5, rel=0.3)


def test_structure_is_not_repeated_as_texture() -> None:
    rng = np.random.default_rng(3)
    image = rng.normal(128, 2, (120, 160, 3))
    image[4:16:6] += 60  # lines in all that can be seen
    image = image.clip(0, 255).astype(np.uint8)
    holes = np.ones((120, 160), dtype=bool)
    holes[:20] = False
    assert filled(image, holes, noise=2.0)[30:].std() < 5


def test_where_no_place_is_free_the_texture_is_noise() -> None:
    image = np.full((30, 30, 3), 128, dtype=np.uint8)
    holes = np.ones((30, 30), dtype=bool)
    holes[:2] = False
    assert filled(image, holes, noise=5.0)[holes].std() == pytest.approx(5, rel=0.2)


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
)
def test_smooth_fill_keeps_what_is_known_and_stays_between(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    weights = (rng.random((height, width)) < 0.5).astype(np.float32) * np.float32(rng.choice([1, 1e-8]))
    result = smooth_fill(np.where(weights[..., None] > 0, values, 0), weights, GREY)
    assert result.shape == values.shape
    np.testing.assert_allclose(result[weights == 1], values[weights == 1], atol=1e-3)
    if weights.any():
        low, high = values[weights > 0].min(axis=0), values[weights > 0].max(axis=0)
        assert (result >= low - 0.1).all() and (result <= high + 0.1).all()
    else:
        np.testing.assert_allclose(result, np.broadcast_to(GREY, result.shape))
