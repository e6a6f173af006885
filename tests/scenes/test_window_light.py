from __future__ import annotations

import numpy as np
import pytest

from synthmed.bank.backdrops import Backdrops
from synthmed.scenes.backdrop import BackdropWindow, lies_within, paint_window, shown_places
from synthmed.scenes.window_light import level_mirrored, paint_window_light, window_colors, window_light

NO_NOISE = np.zeros((4, 12), dtype=np.int16)
SHAPE = (40, 40)


def ramp_of(backdrop: np.ndarray) -> Backdrops:
    """One grey backdrop."""
    pixels = np.repeat(np.rint(backdrop).astype(np.uint8).reshape(-1, 1), 3, axis=1)
    return Backdrops(pixels, np.array([backdrop.shape]), np.zeros(1, dtype=np.int64))


def windows() -> list[BackdropWindow]:
    """All poses of a backdrop of 48 x 64 px, of which a part of the canvas lies beyond the border."""
    return [
        BackdropWindow(0, (64, 48) if turned else (48, 64), (-5, 3), (up, left), turned)
        for turned in (False, True)
        for up in (False, True)
        for left in (False, True)
    ]


@pytest.mark.parametrize("window", windows())
def test_colours_pixels_and_light_agree(window: BackdropWindow) -> None:
    """A backdrop that grows lighter to the right, and beyond its border stays as it is there."""
    backdrops = ramp_of(np.tile(np.linspace(0, 200, 64), (48, 1)))
    image = paint_window(window, backdrops, SHAPE)
    level_mirrored(window, backdrops, image)
    centers = np.random.default_rng(0).uniform(0, 40, (50, 2))
    rows, columns = centers.astype(int).T
    colors = window_colors(window, backdrops, SHAPE, centers)
    assert np.abs(colors - image[rows, columns]).max() <= 200 / 16
    smooth = paint_window_light(window, backdrops, SHAPE, NO_NOISE, 0, np.zeros(2, dtype=np.int64))
    assert np.abs(smooth.astype(int) - image).max() <= 200 / 16
    assert np.abs(window_light(window, backdrops, SHAPE, centers) - smooth[rows, columns]).max() <= 1


def test_no_dark_band_where_the_backdrop_ends() -> None:
    """A backdrop that is dark at its left and right border, shown on a canvas that is wider."""
    column = np.linspace(-1, 1, 32)
    backdrops = ramp_of(np.tile(220 - 90 * column**2, (32, 1)))
    window = BackdropWindow(0, (32, 32), (0, -20), (False, False), False)
    image = paint_window(window, backdrops, (32, 64))
    mirrored = image[16, :, 0].astype(int)
    level_mirrored(window, backdrops, image)
    leveled = image[16, :, 0].astype(int)
    assert np.array_equal(leveled[20:52], mirrored[20:52])
    assert mirrored[:20].max() > 200
    assert np.abs(leveled[:20] - leveled[20]).max() <= 14


@pytest.mark.parametrize("window", [window._replace(origin_px=(5, 3)) for window in windows()])
def test_colours_within_the_border_are_those_of_the_cells(window: BackdropWindow) -> None:
    backdrops = ramp_of(np.random.default_rng(1).uniform(0, 255, (48, 64)))
    assert lies_within(window, SHAPE) and not lies_within(window._replace(origin_px=(-1, 3)), SHAPE)
    field = backdrops.illumination(0)
    field = field.swapaxes(0, 1) if window.turned else field
    centers = np.random.default_rng(0).uniform(-5, 45, (50, 2))
    at = np.clip(centers.astype(int), 0, 39)
    places = [line[at[:, axis]] for axis, line in enumerate(shown_places(window, SHAPE))]
    rows, columns = (line * 16 // length for line, length in zip(places, window.shape_px, strict=True))
    assert np.array_equal(window_colors(window, backdrops, SHAPE, centers), field[rows, columns])
    image = paint_window(window, backdrops, SHAPE)
    before = image.copy()
    level_mirrored(window, backdrops, image)
    assert np.array_equal(image, before)
