from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from synthmed.bank.background import estimate_background
from synthmed.bank.objects import Objects, find_objects, is_plausible

SHAPE = (120, 160)


def disc(center_px: tuple[float, float], radius_px: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, columns = np.indices(shape) + 0.5
    return np.hypot(rows - center_px[0], columns - center_px[1]) < radius_px


def picture(level: np.ndarray, blur_px: float = 1.0) -> np.ndarray:
    blurred = ndimage.gaussian_filter(level.astype(float), blur_px)
    noisy = blurred + np.random.default_rng(0).normal(0, 1, level.shape)
    return np.repeat(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def objects_of(image: np.ndarray, clicks: list[tuple[float, float]], size_px: float) -> Objects:
    centers = np.array(clicks, float).reshape(-1, 2)
    return find_objects(image, centers, np.full(len(centers), size_px), estimate_background(image))


def test_no_clicks() -> None:
    found = objects_of(picture(np.full(SHAPE, 200)), [], 20.0)
    assert not found.labels.any()
    assert all(len(column) == 0 for column in found[1:])


def test_a_disc_is_measured() -> None:
    image = picture(np.where(disc((60, 70), 15), 120, 200))
    found = objects_of(image, [(63.0, 74.0)], 30.0)
    assert found.found.tolist() == [True]
    assert found.centroids_px[0] == pytest.approx([60, 70], abs=0.7)
    assert found.diameters_px[0] == pytest.approx(30, abs=2)
    assert (found.high_px - found.low_px)[0] == pytest.approx([30, 30], abs=3)
    assert found.contrast[0] == pytest.approx(80 * np.sqrt(3), rel=0.05)  # in three channels
    assert found.solidity[0] > 0.95
    assert not found.truncated[0]


def test_blur_lowers_sharpness_and_faintness_contrast_alone() -> None:
    level = np.where(disc((60, 70), 15), 120, 200)
    faint = np.where(disc((60, 70), 15), 170, 200)
    sharp, blurred, weak = (
        objects_of(image, [(60.0, 70.0)], 30.0)
        for image in (picture(level, 1), picture(level, 4), picture(faint, 1))
    )
    assert blurred.sharpness[0] < 0.7 * sharp.sharpness[0]
    assert weak.contrast[0] == pytest.approx(30 * np.sqrt(3), rel=0.1)
    assert weak.sharpness[0] == pytest.approx(sharp.sharpness[0], rel=0.15)


def test_a_click_on_nothing_is_not_found_and_has_no_contrast() -> None:
    image = picture(np.where(disc((60, 40), 15), 120, 200))
    found = objects_of(image, [(60.0, 40.0), (60.0, 120.0)], 30.0)
    assert found.found.tolist() == [True, False]
    assert found.contrast[1] < 3
    assert np.isnan(found.centroids_px[1]).all() and np.isnan(found.diameters_px[1])


def test_an_object_at_the_border_is_truncated() -> None:
    image = picture(np.where(disc((60, 3), 15) | disc((60, 80), 15), 120, 200))
    assert objects_of(image, [(60.0, 6.0), (60.0, 80.0)], 30.0).truncated.tolist() == [True, False]


@pytest.mark.parametrize(
    ("radius_px", "click_px", "size_px", "level", "expected"),
    [
        (15, (60.0, 70.0), 30.0, 50.0, True),
        (15, (60.0, 70.0), 62.0, 50.0, False),  # too small
        (15, (60.0, 70.0), 19.0, 50.0, False),  # too large
        (15, (60.0, 70.0), 30.0, 1.5, False),  # no contrast
        (15, (60.0, 79.0), 30.0, 50.0, True),  # a click well off the centre
        (15, (60.0, 95.0), 30.0, 50.0, False),  # beside it
    ],
)
def test_plausible_masks(
    radius_px: float, click_px: tuple[float, float], size_px: float, level: float, expected: bool
) -> None:
    mask = disc((60, 70), radius_px)
    contrast = np.where(mask, level, 0).astype(np.float32)
    assert is_plausible(mask, contrast, np.array(click_px), size_px, 1.0) is expected


def test_a_mask_that_ends_where_its_front_was_stopped_is_not_plausible() -> None:
    mask = disc((60, 70), 1.75 * 15)
    contrast = np.full(SHAPE, 50, dtype=np.float32)
    assert not is_plausible(mask, contrast, np.array([60.0, 70.0]), 30.0 * 1.0, 1.0)
