from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from synthmed.bank.segment import is_centered, outline_objects, solidity, split_touching


def disc(shape: tuple[int, int], center_px: tuple[float, float], radius_px: float) -> np.ndarray:
    rows, columns = np.indices(shape) + 0.5
    return np.hypot(rows - center_px[0], columns - center_px[1]) < radius_px


def picture(level: np.ndarray, blur_px: float = 1.0, noise: float = 1.0) -> np.ndarray:
    """A grey image from levels, as an objective and a camera would give it."""
    noisy = ndimage.gaussian_filter(level.astype(float), blur_px)
    noisy = noisy + np.random.default_rng(0).normal(0, noise, level.shape)
    return np.repeat(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (np.zeros((3, 4), bool), 0.0),
        (np.ones((1, 1), bool), 1.0),
        (np.ones((3, 7), bool), 1.0),
        (np.array([[1, 1, 1], [1, 0, 0], [1, 0, 0]], bool), 5 / 7),
        (np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), 8 / 9),
    ],
    ids=["empty", "pixel", "rectangle", "corner", "hole"],
)
def test_solidity(mask: np.ndarray, expected: float) -> None:
    assert solidity(mask) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("center_px", "expected"), [((10, 10), True), ((13.5, 13.5), True), ((10, 15.1), False), ((0, 0), False)]
)
def test_a_click_is_near_the_middle_or_not(center_px: tuple[float, float], expected: bool) -> None:
    mask = disc((20, 20), (10, 10), 10)
    assert is_centered(mask, np.array(center_px)) is expected
    assert not is_centered(np.zeros((3, 3), bool), np.array(center_px))


def test_no_click_no_region() -> None:
    regions, merged = split_touching(np.ones((5, 6), bool), np.zeros((0, 2)))
    assert not regions.any()
    assert merged.shape == (0,)


def test_touching_discs_are_split_even_where_clicks_lie_far_off() -> None:
    left, right = disc((60, 100), (30, 30), 20), disc((60, 100), (30, 66), 20)
    for clicks in ([[30, 30], [30, 66]], [[38, 42], [24, 56]]):
        regions, merged = split_touching(left | right, np.array(clicks, float))
        assert not merged.any()
        assert (regions[left & ~right] == 1).mean() > 0.95
        assert (regions[right & ~left] == 2).mean() > 0.95


def test_two_clicks_on_one_disc_are_merged_and_a_click_beside_is_not() -> None:
    foreground = disc((60, 60), (20, 20), 15)
    regions, merged = split_touching(foreground, np.array([[18.0, 18], [23, 20], [50, 50]]))
    assert merged.tolist() == [True, True, False]
    assert (regions == 3).sum() == 1


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_regions_stay_in_the_foreground_and_reach_their_clicks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    foreground = ndimage.gaussian_filter(rng.normal(size=(30, 40)), 2) > 0
    clicks = rng.uniform(0, 1, (6, 2)) * [30, 40]
    regions, _ = split_touching(foreground, clicks)
    rows, columns = clicks.astype(int).T
    on = foreground.copy()
    on[rows, columns] = True
    assert not regions[~on].any()
    assert (regions[rows, columns] > 0).all()


@pytest.mark.parametrize(
    ("ground", "level"), [(200, 120), (10, 90), (120, 170)], ids=["stained", "fluorescent", "light on grey"]
)
@pytest.mark.parametrize("radius_px", [3, 8, 25])
def test_discs_are_outlined_to_a_pixel_or_two(ground: int, level: int, radius_px: int) -> None:
    clicks = np.array([[40.0, 40.0], [40.0, 110.0], [110.0, 60.0]])
    masks = [disc((150, 160), tuple(click), radius_px) for click in clicks]
    image = picture(np.where(np.logical_or.reduce(masks), level, ground))
    labels, merged = outline_objects(image, clicks)
    assert not merged.any()
    for number, mask in enumerate(masks, 1):
        rows, columns = np.nonzero(labels == number)
        for extent in (np.ptp(rows) + 1, np.ptp(columns) + 1):
            assert 0 <= extent - 2 * radius_px <= 4  # the blur belongs to the object
        assert (mask & (labels == number)).sum() > 0.95 * mask.sum()


def test_the_bright_fringe_of_a_dark_object_is_left_out() -> None:
    fringe, body = disc((100, 100), (50, 50), 24), disc((100, 100), (50, 50), 18)
    image = picture(np.where(body, 90, np.where(fringe, 245, 190)))
    labels, _ = outline_objects(image, np.array([[50.0, 50.0]]))
    rows, _ = np.nonzero(labels)
    assert abs(np.ptp(rows) + 1 - 36) <= 2


def test_a_hollow_ring_is_filled() -> None:
    ring = disc((80, 80), (40, 40), 20) & ~disc((80, 80), (40, 40), 14)
    labels, _ = outline_objects(picture(np.where(ring, 120, 200)), np.array([[40.0, 40.0]]))
    assert labels[40, 40] == 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (40, 40)])
def test_an_image_of_nothing_has_outlines_of_a_click_at_most(shape: tuple[int, int]) -> None:
    labels, _ = outline_objects(np.full((*shape, 3), 9, np.uint8), np.array([[0.5, 0.5]]))
    assert (labels > 0).sum() <= 1
