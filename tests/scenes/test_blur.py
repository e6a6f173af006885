from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from synthmed.scenes.blur import blur, kernel, reach_px


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1), (1, 5, 3), (20, 30, 3), (9, 40)])
@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 2.7, 12.0])
def test_blur_is_that_of_scipy(shape: tuple[int, ...], sigma: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    blurred = blur(image, sigma)
    assert blurred.dtype == np.uint8 and blurred.shape == shape
    assert np.array_equal(image, before)
    if not image.size:
        return
    expected = ndimage.gaussian_filter(
        image.astype(float),
        [sigma, sigma, 0][: len(shape)],
        mode="nearest",
        truncate=3.0 + 0.5 / max(sigma, 1),
    )
    assert np.abs(blurred - expected).max() <= 2


@pytest.mark.parametrize("sigma", [0.2, 1.0, 50.0])
def test_light_is_neither_made_nor_lost(sigma: float) -> None:
    assert kernel(sigma, reach_px(sigma)).sum() == 1 << 15
    assert (blur(np.full((9, 12, 3), 255, dtype=np.uint8), sigma) == 255).all()


def test_no_blur_has_no_reach() -> None:
    assert [reach_px(sigma) for sigma in (0.0, 0.1, 0.5, 2.0)] == [0, 0, 2, 6]
