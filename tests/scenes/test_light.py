from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from synthmed.scenes.light import Taps, light_at, light_taps


@pytest.mark.parametrize(("length", "cells"), [(1, 2), (7, 16), (64, 16), (1000, 16)])
def test_taps_are_those_of_linear_interpolation(length: int, cells: int) -> None:
    taps = light_taps(np.arange(length), length, cells)
    found = taps.before + taps.weight / 256
    expected = np.clip((np.arange(length) + 0.5) * cells / length - 0.5, 0, cells - 1)
    assert np.abs(found - expected).max() <= 1 / 256
    assert taps.before.max() <= cells - 2


def test_light_is_bilinear() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 65280, (16, 16, 3))
    at = rng.integers(0, 15 * 256, (2, 40))
    rows, columns = (Taps(line // 256, line % 256) for line in at)
    expected = [ndimage.map_coordinates(cells[..., c] / 256, at / 256, order=1) for c in range(3)]
    assert light_at(cells, rows, columns) == pytest.approx(np.stack(expected, axis=1))
