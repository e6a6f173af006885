from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.bank.backdrops import NO_BACKDROPS
from synthmed.errors import RecipeError
from synthmed.scenes import CanvasRecipe
from synthmed.scenes.canvas import CanvasPlan, canvas_colors, draw_canvas, noise_tile, paint_canvas

BankOf = Callable[..., PatchBank]
ONE = 1 << 16


def plan_of(**options: Any) -> CanvasPlan:
    given: dict[str, Any] = {
        "shape_px": (60, 80),
        "color": np.array([200.4, 100.0, 50.6]),
        "noise": 0.0,
        "noise_origin": np.array([3, 4]),
        "noise_step": 1.0,
    }
    return CanvasPlan(**{**given, **options})


@pytest.mark.parametrize("shape", [(8, 8), (9, 700)])
def test_without_noise_there_is_one_colour(shape: tuple[int, int]) -> None:
    image = paint_canvas(plan_of(shape_px=shape))
    assert image.shape == (*shape, 3)
    assert image.dtype == np.uint8
    assert (image == (200, 100, 51)).all()


def test_pixels_are_the_colour_and_the_noise_of_the_tile() -> None:
    plan = plan_of(shape_px=(20, 30), noise=3.7, noise_origin=np.array([500, 495]))
    rows, columns = (np.arange(20) + 500) % 512, (np.arange(30) + 495) % 512
    unit = noise_tile(ONE)[:, ::3][rows][:, columns] / 256
    expected = np.rint(plan.color + 3.7 * unit[:, :, None])
    assert np.abs(paint_canvas(plan) - expected).max() <= 1
    assert (paint_canvas(plan) == expected).mean() > 0.99


@pytest.mark.parametrize("color", [0.0, 255.0])
def test_noise_does_not_wrap_round(color: float) -> None:
    image = paint_canvas(plan_of(color=np.full(3, color), noise=20.0))
    assert np.abs(image - color).max() < 130
    assert 0.4 < (image == color).mean() < 0.6


@pytest.mark.parametrize("noise", [0.5, 4.0, 15.0])
def test_noise_has_the_deviation_asked_for(noise: float) -> None:
    image = paint_canvas(plan_of(shape_px=(400, 400), color=np.full(3, 128.0), noise=noise)).astype(float)
    # Rounding to whole grey levels adds a variance of 1/12.
    assert image[..., 0].std() == pytest.approx(np.hypot(noise, 1 / np.sqrt(12)), rel=0.04)
    assert image.mean() == pytest.approx(128, abs=0.1)
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.37, 2.0, 3.3])
def test_noise_is_resized_like_a_source_image(scale: float) -> None:
    """Correlation of neighbours, beside that of noise resized by bilinear interpolation in floating point."""
    tile = noise_tile(round(ONE / scale))[:, ::3].astype(float)
    field = np.random.default_rng(1).standard_normal((1, int(512 / scale) + 2))
    at = np.arange(512) / scale
    low, weight = at.astype(int), at % 1
    line = field[0, low] * (1 - weight) + field[0, low + 1] * weight
    variance = (weight**2 + (1 - weight) ** 2).mean()
    expected = np.corrcoef(line[1:], line[:-1])[0, 1]
    found = np.corrcoef(tile[:, 1:].ravel(), tile[:, :-1].ravel())[0, 1]
    assert tile.std() / 256 == pytest.approx(variance, rel=0.03)
    assert found == pytest.approx(expected, abs=0.12)


def test_noise_is_white_and_not_repeated_within_a_tile() -> None:
    for step in (ONE, 3 * ONE):
        tile = noise_tile(step)[:, ::3].astype(float)
        spectrum = np.abs(np.fft.fft2(tile - tile.mean())) ** 2
        assert spectrum.max() < 25 * spectrum.mean()
        assert np.array_equal(noise_tile(step)[:, 1::3], noise_tile(step)[:, ::3])


@pytest.mark.parametrize("step", [1, 1000, 50 * ONE])
def test_extreme_scales(step: int) -> None:
    tile = noise_tile(step)
    assert tile.shape == (512, 1536)
    assert np.abs(tile).max() <= 1530


def test_a_canvas_has_colour_and_noise_of_one_image(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(1, 1, 1)] * 5, noise=2.5)
    rng = np.random.default_rng(0)
    plans = [draw_canvas(CanvasRecipe(kind="background"), bank, 0.5, None, rng) for _ in range(200)]
    colors = {tuple(plan.color) for plan in plans}
    assert colors == {tuple(color) for color in bank.image_backgrounds}
    assert {plan.noise for plan in plans} == {2.5}
    assert {plan.noise_step for plan in plans} == {2.0}
    assert len({tuple(plan.noise_origin) for plan in plans}) > 190


@pytest.mark.parametrize(
    ("options", "color", "noise"),
    [
        ({"kind": "fixed", "color": (1, 2, 3)}, [1, 2, 3], 0.0),
        ({"kind": "fixed", "color": (1, 2, 3), "noise": True}, [1, 2, 3], 0.0),
        ({"kind": "background", "noise": False}, None, 0.0),
    ],
)
def test_canvases_without_noise(
    bank_of: BankOf, options: dict[str, Any], color: list[int] | None, noise: float
) -> None:
    plan = draw_canvas(CanvasRecipe(**options), bank_of(noise=2.5), 1.0, None, np.random.default_rng(0))
    assert plan.noise == noise
    assert color is None or plan.color.tolist() == color


def test_backdrops_have_a_largest_scale(bank_of: BankOf) -> None:
    with pytest.raises(
        RecipeError, match=r"more than 200,000,000 pixels at this scale.*got 1000.*smaller scale"
    ):
        draw_canvas(CanvasRecipe(), bank_of(), 1000.0, None, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["backdrop", "illumination"])
def test_a_backdrop_needs_one_in_the_bank(bank_of: BankOf, kind: str) -> None:
    bank = replace(bank_of(), backdrops=NO_BACKDROPS)
    with pytest.raises(RecipeError, match=r"the bank has none.*canvas\.kind to background"):
        draw_canvas(CanvasRecipe(kind=kind), bank, 1.0, None, np.random.default_rng(0))


@pytest.mark.parametrize("noise", [True, False])
def test_illumination_is_the_light_of_a_backdrop_with_noise_or_without(bank_of: BankOf, noise: bool) -> None:
    bank = bank_of(noise=3.0)
    ramp = np.repeat(np.linspace(100, 200, 1200).astype(np.uint8)[:, None], 3, axis=1)
    shapes = np.array([[30, 40]])
    bank = replace(bank, backdrops=replace(bank.backdrops, pixels=ramp, shapes_px=shapes))
    recipe = CanvasRecipe(kind="illumination", size_px=(30, 40), noise=noise)
    plan = draw_canvas(recipe, bank, 1.0, None, np.random.default_rng(1))
    image = paint_canvas(plan, bank.backdrops).astype(float)
    backdrop = paint_canvas(replace(plan, light_only=False), bank.backdrops).astype(float)
    assert np.abs(image - backdrop).mean() < (5 if noise else 3)
    # The light changes along one axis only, which the window may have turned.
    least = min(np.abs(np.diff(image, axis=axis)).mean() for axis in (0, 1))
    assert (least > 2) == noise


@pytest.mark.parametrize("kind", ["backdrop", "illumination", "background", "fixed"])
def test_colours_under_objects_are_those_of_the_canvas(bank_of: BankOf, kind: str) -> None:
    bank = bank_of()
    flat = np.full_like(bank.backdrops.pixels, 77)
    bank = replace(bank, backdrops=replace(bank.backdrops, pixels=flat))
    plan = draw_canvas(CanvasRecipe(kind=kind, size_px=(9, 8)), bank, 0.5, None, np.random.default_rng(0))
    image = paint_canvas(plan, bank.backdrops)
    found = canvas_colors(plan, bank, np.array([[0.5, 0.5], [8.9, 7.9], [-3.0, 11.0]]))
    assert found.shape == (3, 3)
    assert np.abs(found - image[0, 0]).max() <= 0.5
