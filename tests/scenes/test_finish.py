from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import simplejpeg

from synthmed.bank import PatchBank
from synthmed.scenes import FinishRecipe, draw_plan, make_recipe, render
from synthmed.scenes.finish import FinishPlan, draw_finish, finished, light_shares

BankOf = Callable[..., PatchBank]
COLOR = np.array([200.0, 180.0, 160.0])
OFF = draw_finish(FinishRecipe(), COLOR, np.random.default_rng(0))


def flat(level: int = 128, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    return np.full((*shape, 3), level, dtype=np.uint8)


def plan_of(**values: Any) -> FinishPlan:
    return replace(OFF, **values)


def test_what_is_off_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    before = image.copy()
    assert not FinishRecipe().is_on and FinishRecipe(noise=1).is_on
    assert np.array_equal(finished(image, OFF), image)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("field", ["brightness", "contrast", "stain", "illumination", "blur_px", "noise"])
def test_each_strength_works_alone(field: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    plan = draw_finish(FinishRecipe(**{field: 0.9}), COLOR, np.random.default_rng(1))
    assert not np.array_equal(finished(image, plan), image)
    changed = {
        f.name
        for f in fields(plan)
        if f.name != "noise_seed" and not np.array_equal(getattr(plan, f.name), getattr(OFF, f.name))
    }
    expected = {"illumination": {"slope", "loss"}, "noise": {"read_noise", "shot_noise"}}
    assert changed == expected.get(field, {field})


def test_light_slopes_and_falls_towards_the_corners() -> None:
    rows, columns = light_shares(plan_of(slope=np.array([0.0, 0.2]), loss=0.0), (60, 80))
    light = (rows[:, None] + columns) / 65536
    assert light[30, [0, -1]] == pytest.approx([0.9, 1.1], abs=0.01)
    rows, columns = light_shares(plan_of(loss=0.3), (60, 80))
    light = (rows[:, None] + columns) / 65536
    assert light.max() == pytest.approx(1, abs=0.001)
    assert light[0, 0] == pytest.approx(0.7, abs=0.02)
    assert light[0, 40] == pytest.approx(0.85, abs=0.01)
    image = finished(flat(200), plan_of(loss=0.3))
    assert image[..., 0] == pytest.approx(200 * light, abs=1)


@pytest.mark.parametrize(("read", "shot"), [(3.0, 0.0), (0.0, 8.0), (2.0, 6.0)])
@pytest.mark.parametrize("level", [40, 128])
def test_noise_has_the_variance_asked_for(read: float, shot: float, level: int) -> None:
    image = finished(flat(level, (200, 300)), plan_of(read_noise=read, shot_noise=shot)).astype(float)
    variance = read**2 + shot**2 * level / 255
    assert image.mean() == pytest.approx(level, abs=0.1)
    assert image.var() == pytest.approx(variance + 1 / 12, rel=0.03)
    grain = image - image.mean()
    assert np.abs(np.mean(grain[:, 1:] * grain[:, :-1])) < 0.03 * variance
    assert (image == image[..., :1]).all()
    assert np.mean(grain**4) / image.var() ** 2 == pytest.approx(3, abs=0.4)


def test_noise_hangs_on_its_seed_alone() -> None:
    noisy = plan_of(read_noise=4.0)
    assert np.array_equal(finished(flat(), noisy), finished(flat(), noisy))
    other = replace(noisy, noise_seed=noisy.noise_seed + 1)
    assert (finished(flat(), noisy) != finished(flat(), other)).mean() > 0.8


def test_jpeg_is_that_of_the_quality_drawn() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    recipe = FinishRecipe(jpeg_quality=(30, 32))
    plans = [draw_finish(recipe, COLOR, np.random.default_rng(seed)) for seed in range(40)]
    assert {plan.jpeg_quality for plan in plans} == {30, 31, 32}
    expected = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(image, 30, "RGB", "420"), "RGB")
    assert np.array_equal(finished(image, plan_of(jpeg_quality=30)), expected)


def test_a_scene_is_finished_after_it_was_rendered(bank_of: BankOf) -> None:
    """Labels know nothing of the finish, and what differs from the canvas before it belongs to an object."""
    bank = bank_of()
    finish = {"illumination": 0.3, "noise": 4, "stain": 0.2, "blur_px": 1, "jpeg_quality": (60, 80)}
    recipe = make_recipe({"canvas": {"size_px": (64, 70)}, "scale": 1, "finish": finish})
    plan = draw_plan(recipe, bank, 0, 0)
    assert plan.finish is not None
    scene, bare = render(plan, bank), render(replace(plan, finish=None), bank)
    assert np.array_equal(scene.image, finished(bare.image, plan.finish))
    assert not np.array_equal(scene.image, bare.image)
    for name in ("boxes_px", "labels", "visible_fraction", "instance_mask"):
        assert np.array_equal(getattr(scene, name), getattr(bare, name))
