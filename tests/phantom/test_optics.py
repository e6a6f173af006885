from __future__ import annotations

import numpy as np
import pytest

from synthmed.phantom.optics import expose, illumination, transmission
from synthmed.phantom.slide import draw_slide
from synthmed.phantom.specimen import NEUTRAL, Specimen


def _disc(phase_rad: float, absorbance: float, side: int = 96, radius_px: float = 15) -> Specimen:
    axis = np.arange(side) - side / 2 + 0.5
    support = np.hypot(axis[:, None], axis[None, :]) < radius_px
    disc = support.astype(np.float32)
    return Specimen(phase_rad * disc, absorbance * disc, NEUTRAL, support)


@pytest.mark.parametrize("defocus_um", [0.0, 2.0, -2.0, 10.0])
def test_nothing_in_the_light_changes_nothing(defocus_um: float) -> None:
    np.testing.assert_allclose(transmission(_disc(0, 0), defocus_um), 1, atol=1e-5)


def test_absorption_in_focus_follows_beer_and_lambert() -> None:
    middle = transmission(_disc(0, 0.5), 0.0)[:, 44:52, 44:52]
    np.testing.assert_allclose(middle, np.exp(-0.5), rtol=0.05)


def test_defocus_redistributes_light_but_loses_none() -> None:
    passed = transmission(_disc(0.3, 0), 1.5)
    assert passed[1].std() > 0.01
    np.testing.assert_allclose(passed.mean(axis=(1, 2)), 1, atol=2e-3)


def test_the_halo_turns_its_polarity_with_the_side_of_the_focal_plane() -> None:
    specimen = _disc(0.3, 0)
    axis = np.arange(96) - 48 + 0.5
    distance = np.hypot(axis[:, None], axis[None, :])
    outside = (distance > 15.5) & (distance < 18)
    above, below = (transmission(specimen, z)[1][outside].mean() - 1 for z in (2.0, -2.0))
    assert above > 0.005
    assert below < -0.005


def test_patches_end_without_a_seam() -> None:
    passed = transmission(_disc(1.5, 0.2), 6.0)
    border = np.concatenate([passed[:, 0], passed[:, -1], passed[:, :, 0], passed[:, :, -1]], axis=1)
    np.testing.assert_allclose(border, 1, atol=0.01)


def test_every_slide_has_its_own_light() -> None:
    fields = np.stack([illumination(draw_slide(0, k), (36, 48)) for k in range(6)])
    colors = fields.mean(axis=(2, 3))
    shapes = fields / colors[:, :, None, None]
    for first in range(6):
        for second in range(first):
            assert np.abs(colors[first] - colors[second]).max() > 2
            assert np.abs(shapes[first] - shapes[second]).max() > 0.02
    assert fields.min() > 60
    assert fields.max() < 250


def test_noise_has_the_camera_s_variance() -> None:
    slide = draw_slide(0, 0)
    light = np.full((3, 200, 200), 150, np.float32)
    recorded = expose(light, slide, np.random.default_rng(0))
    assert recorded.shape == (200, 200, 3)
    assert recorded.dtype == np.uint8
    # Rounding to whole grey levels adds a twelfth.
    assert recorded.astype(float).var() == pytest.approx(
        slide.read_noise**2 + slide.gain * 150 + 1 / 12, rel=0.03
    )
    assert recorded.mean() == pytest.approx(150, abs=0.1)
