from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.scenes.tones import apply_tones, tone_tables

GROUND = np.array([[220.0, 180.0, 90.0]])
ONE, NONE, SAME = np.ones(1), np.zeros(1), np.ones((1, 3))


def test_no_object_has_no_table() -> None:
    assert tone_tables(np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros((0, 3))).shape == (0, 3, 256)


def test_tones_that_stay() -> None:
    assert (tone_tables(GROUND, NONE, ONE, SAME) == np.arange(256)).all()


@given(contrast=st.floats(0.1, 2), stain=st.tuples(*[st.floats(0.1, 2)] * 3))
def test_the_background_keeps_its_colour(contrast: float, stain: tuple[float, float, float]) -> None:
    tables = tone_tables(GROUND, NONE, np.array([contrast]), np.array([stain]))
    assert [int(tables[0, c, int(GROUND[0, c])]) for c in range(3)] == GROUND[0].tolist()


def test_stain_multiplies_optical_density() -> None:
    stain = np.array([[0.5, 1.5, 2.0]])
    level = np.array([60, 60, 60])
    found = tone_tables(GROUND, NONE, ONE, stain)[0, np.arange(3), level]
    density = np.log((level + 1) / (GROUND[0] + 1))
    assert found == pytest.approx((GROUND[0] + 1) * np.exp(density * stain[0]) - 1, abs=0.5)


def test_brightness_and_contrast() -> None:
    table = tone_tables(GROUND, np.array([0.1]), np.array([0.5]), SAME)[0, 0]
    assert table[[220, 120]].tolist() == [pytest.approx(245.5, abs=0.5), pytest.approx(195.5, abs=0.5)]


def test_pixels_are_looked_up_and_then_added_to() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(4, 3) * 20
    tables = tone_tables(np.repeat(GROUND, 2, axis=0), np.array([0, 0.5]), np.ones(2), np.ones((2, 3)))
    added = np.array([[1, 0, 0]] * 3 + [[-300, 0, 300]], dtype=np.int16)
    changed = pixels.copy()
    apply_tones(changed, tables, added, np.array([0, 2]), np.array([2, 2]))
    expected = (
        np.clip(pixels[:2] + added[:2], 0, 255),
        np.clip(tables[1, [[0, 1, 2]], pixels[2:]] + added[2:], 0, 255),
    )
    assert np.array_equal(changed, np.concatenate(expected))
