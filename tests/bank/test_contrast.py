from __future__ import annotations

import numpy as np
import pytest

from synthmed.bank.background import Background, estimate_background
from synthmed.bank.contrast import contrast_map


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (90, 120)])
def test_a_flat_image_has_no_contrast(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 77, dtype=np.uint8)
    contrast = contrast_map(image, estimate_background(image))
    assert contrast.shape == shape
    np.testing.assert_allclose(contrast, 0, atol=0.01)


def test_uneven_light_is_no_contrast_and_objects_keep_their_sign() -> None:
    rows, columns = np.indices((120, 160))
    light = 180 - 30 * (rows / 120) ** 2 - 20 * columns / 160
    image = np.repeat(light[:, :, None], 3, axis=2)
    image[40:60, 40:60] -= 50
    image[80:100, 100:120] += 40
    image = np.rint(image).astype(np.uint8)
    contrast = contrast_map(image, estimate_background(image))
    assert abs(contrast[50, 50] + 50 * np.sqrt(3)) < 5
    assert abs(contrast[90, 110] - 40 * np.sqrt(3)) < 5
    empty = np.ones((120, 160), dtype=bool)
    empty[36:64, 36:64] = empty[76:104, 96:124] = False
    assert np.abs(contrast[empty]).max() < 4


def test_without_background_in_sight_its_colour_is_used() -> None:
    image = np.full((40, 40, 3), 100, dtype=np.uint8)
    contrast = contrast_map(image, Background(np.array([200.0, 200.0, 200.0]), 0.0))
    np.testing.assert_allclose(contrast, -100 * np.sqrt(3), rtol=1e-3)
