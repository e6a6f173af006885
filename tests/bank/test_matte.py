from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from synthmed.bank.matte import (
    HALO_LEVEL,
    edge_px,
    halo_matte,
    halo_px,
    round_matte,
    segmented_matte,
    square_matte,
)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 5)])
def test_a_square_matte_keeps_everything(shape: tuple[int, int]) -> None:
    matte = square_matte(shape)
    assert matte.shape == shape
    assert matte.dtype == np.uint8
    assert (matte == 255).all()


@given(st.integers(3, 60), st.integers(3, 60), st.floats(0.01, 1))
def test_a_round_matte_is_an_ellipse(height: int, width: int, feather: float) -> None:
    matte = round_matte((height, width), feather)
    row, column = np.indices((height, width)) + 0.5
    radius = np.hypot(row * 2 / height - 1, column * 2 / width - 1)
    assert (matte[radius >= 1] == 0).all()
    assert (matte[radius <= 1 - feather - 1e-9] == 255).all()
    assert (matte[radius < 1 - feather / 200] > 0).all()
    assert np.array_equal(matte, matte[::-1]) and np.array_equal(matte, matte[:, ::-1])
    assert np.array_equal(matte.T, round_matte((width, height), feather))
    # Towards the middle it never fades.
    middle = matte[height // 2].astype(int)
    assert (np.diff(middle[: (width + 1) // 2]) >= 0).all()


def blob(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((40, 50)) + 0.5
    return np.hypot(rows - 20, columns - 22) < rng.uniform(4, 14)


@given(st.integers(0, 1000), st.floats(0.01, 1.0))
def test_a_segmented_matte_is_its_mask_with_a_soft_edge(seed: int, feather: float) -> None:
    mask = blob(seed)
    matte = segmented_matte(mask, np.zeros_like(mask), feather)
    assert np.array_equal(matte >= 128, mask)
    reach = edge_px(mask, feather) / 2
    rows, columns = np.nonzero(mask)
    around = np.hypot(*(np.indices(mask.shape) - np.array([20, 22])[:, None, None] + 0.5))
    assert not matte[around > np.sqrt(mask.sum() / np.pi) + reach + 2].any()
    assert matte[rows, columns].min() > 127


def test_nothing_of_another_object_comes_along() -> None:
    mask, others = blob(3), np.zeros((40, 50), dtype=bool)
    others[:, 24:] = True
    mask &= ~others
    matte = segmented_matte(mask, others, 0.5)
    assert not matte[others].any()
    assert (np.diff(matte[20, 20:24].astype(int)) <= 0).all() and matte[
        20, 23
    ] < 128  # it fades towards the other one


def test_no_mask_no_matte() -> None:
    nothing = np.zeros((4, 5), dtype=bool)
    assert not segmented_matte(nothing, nothing, 0.2)[1:-1, 1:-1].any()


@given(st.integers(0, 1000), st.floats(1.0, 20.0))
def test_a_halo_matte_keeps_the_object_and_fades_round_it(seed: int, rim: float) -> None:
    mask = blob(seed)
    matte = halo_matte(mask, np.zeros_like(mask), rim)
    assert np.array_equal(matte >= HALO_LEVEL, mask)
    assert (matte[mask] == 255).all()
    away = ndimage.distance_transform_edt(~mask)
    assert not matte[away > rim + 1].any()
    assert (matte[away < rim] > 0).all()
    # The farther off, the less of it.
    order = np.argsort(away[~mask], kind="stable")
    assert (np.diff(matte[~mask][order].astype(int)) <= 0).all()


def test_a_halo_ends_before_another_object() -> None:
    mask, others = blob(3), np.zeros((40, 50), dtype=bool)
    others[:, 38:] = True
    matte = halo_matte(mask, others, 30.0)
    assert not matte[others].any() and 0 < matte[20, 37] < matte[20, 36]
    assert np.array_equal(matte >= HALO_LEVEL, mask)
    beside = np.roll(mask, 1, axis=1) & ~mask
    assert np.array_equal(halo_matte(mask, beside, 5.0) >= HALO_LEVEL, mask)


@pytest.mark.parametrize(("size", "expected"), [(3.0, 4.0), (20.0, 4.0), (200.0, 40.0)])
def test_the_width_of_a_halo(size: float, expected: float) -> None:
    assert halo_px(size) == pytest.approx(expected)
