from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.metrics.cam_pixels import (
    area_share,
    box_mask,
    energy_share,
    normalized,
    pixel_average_precision,
    pixel_counts,
    pointing_game,
)

LEFT = np.array([[True, True, False, False]])
LAST = np.array([[False, False, False, True]])
NOWHERE = np.zeros((1, 4), dtype=bool)
EVERYWHERE = np.ones((1, 4), dtype=bool)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (np.zeros((0, 4)), []),
        ([[0, 0, 1, 1]], [(0, 0)]),
        ([[0, 0, 0.5, 9]], []),
        ([[0, 0.5, 0.6, 1.5]], [(0, 0)]),
        ([[-5, 1, 0.9, 99]], [(0, 1), (0, 2)]),
        ([[0, 0, 1, 1], [1, 2, 2, 3]], [(0, 0), (1, 2)]),
        ([[5, 5, 9, 9]], []),
    ],
)
def test_box_mask(boxes: object, expected: list[tuple[int, int]]) -> None:
    mask = box_mask(boxes, (2, 3))  # type: ignore[arg-type]
    assert [tuple(p) for p in np.argwhere(mask).tolist()] == expected


def test_box_mask_holds_the_pixels_whose_centre_is_inside() -> None:
    boxes = np.random.default_rng(0).uniform(-3, 12, (20, 4))
    rows, columns = np.mgrid[:9, :8] + 0.5
    expected = np.zeros((9, 8), dtype=bool)
    for r0, c0, r1, c1 in boxes:
        expected |= (rows >= r0) & (rows < r1) & (columns >= c0) & (columns < c1)
    np.testing.assert_array_equal(box_mask(boxes, (9, 8)), expected)


@pytest.mark.parametrize(
    ("cam", "expected"),
    [([[0, 5, 10]], [[0, 0.5, 1]]), ([[-2, 0]], [[0, 1]]), ([[3, 3]], [[1, 1]]), ([[0]], [[1]])],
)
def test_normalized(cam: object, expected: object) -> None:
    np.testing.assert_array_equal(normalized(cam), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cam", "inside", "ignored", "expected"),
    [
        pytest.param([[9, 0, 0, 0]], LEFT, NOWHERE, 1.0, id="hit"),
        pytest.param([[0, 0, 0, 9]], LEFT, NOWHERE, 0.0, id="miss"),
        pytest.param([[9, 9, 9, 0]], LEFT, NOWHERE, 2 / 3, id="tie"),
        pytest.param([[1, 1, 1, 1]], LEFT, NOWHERE, 0.5, id="uniform: the area share"),
        pytest.param([[1, 1, 1, 1]], LEFT, LAST, 2 / 3, id="uniform, part ignored"),
        pytest.param([[0, 0, 0, 9]], LEFT, LAST, math.nan, id="maximum ignored"),
        pytest.param([[-3, -4, -5, -6]], LEFT, NOWHERE, 1.0, id="all below zero"),
    ],
)
def test_pointing_game(cam: object, inside: np.ndarray, ignored: np.ndarray, expected: float) -> None:
    assert pointing_game(np.array(cam), inside, ignored) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("cam", "inside", "ignored", "expected"),
    [
        pytest.param([[3, 0, 1, 0]], LEFT, NOWHERE, 0.75, id="share"),
        pytest.param([[3, -9, 1, -9]], LEFT, NOWHERE, 0.75, id="below zero is no energy"),
        pytest.param([[3, 0, 1, 4]], LEFT, LAST, 0.75, id="ignored energy does not count"),
        pytest.param([[1, 1, 1, 1]], LEFT, NOWHERE, 0.5, id="uniform: the area share"),
        pytest.param([[-1, -1, 0, -1]], LEFT, NOWHERE, 0.0, id="no energy"),
        pytest.param([[1, 1, 1, 1]], NOWHERE, EVERYWHERE, math.nan, id="all ignored"),
    ],
)
def test_energy_share(cam: object, inside: np.ndarray, ignored: np.ndarray, expected: float) -> None:
    assert energy_share(np.array(cam), inside, ignored) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("inside", "ignored", "expected"),
    [(LEFT, NOWHERE, 0.5), (LEFT, LAST, 2 / 3), (NOWHERE, NOWHERE, 0.0), (NOWHERE, EVERYWHERE, math.nan)],
)
def test_area_share(inside: np.ndarray, ignored: np.ndarray, expected: float) -> None:
    assert area_share(inside, ignored) == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 10_000))
def test_a_uniform_map_has_the_energy_of_the_area(seed: int) -> None:
    inside, ignored = np.random.default_rng(seed).random((2, 6, 7)) < 0.3
    ignored &= ~inside
    assert energy_share(np.ones((6, 7)), inside, ignored) == pytest.approx(area_share(inside, ignored))


@pytest.mark.parametrize(
    ("cam", "inside", "ignored", "expected"),
    [
        pytest.param([[1, 0.9, 0.1, 0]], LEFT, NOWHERE, 1.0, id="perfect"),
        pytest.param([[0.3, 0.3, 0.3, 0.3]], LEFT, NOWHERE, 0.5, id="uniform: the area share"),
        pytest.param([[0, 0.1, 0.9, 1]], LEFT, NOWHERE, (1 / 3 + 2 / 4) / 2, id="upside down"),
        pytest.param([[1, 0.9, 0.1, 0.95]], LEFT, LAST, 1.0, id="the wrong pixel is ignored"),
        pytest.param([[1, 0, 0, 0]], NOWHERE, NOWHERE, math.nan, id="nothing to find"),
    ],
)
def test_pixel_average_precision(
    cam: object, inside: np.ndarray, ignored: np.ndarray, expected: float
) -> None:
    counts = pixel_counts(normalized(np.array(cam)), inside, ignored)
    assert pixel_average_precision(counts) == pytest.approx(expected, nan_ok=True)


def test_pooled_pixels_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    inside = rng.random((5, 30, 40)) < 0.2
    # Steps of 1/250 fall into bins of their own, so pooling in bins loses nothing.
    cams = np.clip(inside * 0.3 + rng.random(inside.shape), 0, 1)
    cams = (cams * 250).round() / 250
    cams[:, 0, :2] = 0, 1
    counts = sum(
        pixel_counts(normalized(cam), mask, np.zeros_like(mask))
        for cam, mask in zip(cams, inside, strict=True)
    )
    expected = metrics.average_precision_score(inside.ravel(), cams.ravel())
    assert pixel_average_precision(counts) == pytest.approx(expected, abs=1e-6)  # type: ignore[arg-type]
