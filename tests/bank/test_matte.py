from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.bank.matte import round_matte, square_matte


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
