from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from synthmed.bank import PatchBank, Quality
from synthmed.scenes import ObjectsRecipe, make_recipe, spread_warnings
from synthmed.scenes.plan import draw_plan
from synthmed.scenes.variation import draw_variation, size_factors, turned_sizes, varies

BankOf = Callable[..., PatchBank]
ALL = ObjectsRecipe(rotation="any", brightness=0.2, contrast=0.3, stain=0.4, blur_px=2.0)


def bank_with_sizes(bank: PatchBank) -> PatchBank:
    """Thirty whole objects of the first class, with diameters that vary by 20 %."""
    rng = np.random.default_rng(0)
    count = 30
    diameters = np.concatenate([20 * (1 + 0.2 * rng.standard_normal(count)), np.full(2, np.nan)])
    quality = replace(
        Quality.unknown(count + 2),
        segmented=np.array([True] * count + [False] * 2),
        object_diameter_px=diameters,
    )
    labels = np.array([0] * count + [1, 2])
    return replace(bank, labels=labels, quality=quality)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (ObjectsRecipe(), False),
        (ObjectsRecipe(rotation="none", blend="poisson", size_jitter="natural"), False),
        (ObjectsRecipe(rotation="any"), True),
        (ObjectsRecipe(stain=0.1), True),
        (ObjectsRecipe(blur_px=1), True),
    ],
)
def test_what_needs_more_than_pasting(recipe: ObjectsRecipe, expected: bool) -> None:
    assert varies(recipe) is expected


def test_nothing_is_drawn_for_no_object() -> None:
    drawn = draw_variation(ALL, np.zeros((0, 2), dtype=np.int64), np.random.default_rng(0))
    assert drawn.stain.shape == (0, 3)
    assert turned_sizes(drawn.sizes_px, drawn.angles, True).shape == (0, 2)


def test_strengths_are_limits_and_both_ways() -> None:
    drawn = draw_variation(ALL, np.full((4000, 2), 9), np.random.default_rng(0))
    for values, middle, most in (
        (drawn.angles, 0, 45),
        (drawn.brightness, 0, 0.2),
        (drawn.contrast, 1, 0.3),
        (drawn.stain, 1, 0.4),
        (drawn.blur_px, 1, 1),
    ):
        assert np.abs(values - middle).max() == pytest.approx(most, rel=0.01)
        assert np.mean(values) == pytest.approx(middle, abs=0.05 * most)
    assert np.abs(np.corrcoef(drawn.stain.T)[0, 1]) < 0.1


def test_one_strength_does_not_change_another() -> None:
    sizes = np.full((5, 2), 9)
    whole = draw_variation(ALL, sizes, np.random.default_rng(3))
    part = draw_variation(ObjectsRecipe(stain=0.4), sizes, np.random.default_rng(3))
    assert np.array_equal(whole.stain, part.stain)
    assert part.angles is None and not part.brightness.any() and (part.contrast == 1).all()


@pytest.mark.parametrize(
    ("angle", "rectangles", "expected"),
    [
        (0.0, True, (10, 20)),
        (90.0, True, (20, 10)),
        (45.0, True, (21, 21)),
        (0.0, False, (10, 20)),
        (45.0, False, (16, 16)),
    ],
)
def test_what_turned_objects_cover(angle: float, rectangles: bool, expected: tuple[int, int]) -> None:
    turned = turned_sizes(np.array([[10, 20]]), np.array([angle]), rectangles)
    assert turned.tolist() == [list(expected)]


def test_sizes_vary_as_in_the_bank(bank_of: BankOf) -> None:
    bank = bank_with_sizes(bank_of())
    natural = ObjectsRecipe(size_jitter="natural")
    labels = np.repeat([0, 1], 3000)
    drawn = np.random.default_rng(0).random(len(labels))
    factors = size_factors(natural, bank, labels, drawn)
    spread = bank.size_spreads[0]
    assert 0.1 < spread < 0.3
    assert factors[:3000].std() == pytest.approx(spread, rel=0.2)
    assert np.abs(factors[:3000] - 1).max() == pytest.approx(2 * spread, rel=0.01)
    # Of the second class there is nothing to tell it by.
    assert factors[3000:].std() == pytest.approx(0.1, rel=0.2)
    assert [line.split(":")[0] for line in spread_warnings(natural, bank)] == ["b", "c"]
    assert spread_warnings(ObjectsRecipe(), bank) == []


def test_what_is_new_does_not_change_what_was_drawn_before(bank_of: BankOf) -> None:
    bank = bank_of()
    plain = make_recipe({"canvas": {"size_px": (90, 90)}, "scale": 1})
    toned = make_recipe(
        {**plain.model_dump(), "objects": {"stain": 0.2, "blur_px": 1}, "finish": {"noise": 3, "stain": 0.1}}
    )
    first, second = (draw_plan(recipe, bank, 0, 1) for recipe in (plain, toned))
    assert first.variation is None and first.finish is None and second.finish is not None
    for name in ("patch_index", "centers_px", "sizes_px", "quarter_turns", "flips"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_variation_follows_its_object_in_the_order_of_painting(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(6, 6), (14, 14)], labels=(0, 1))
    recipe = make_recipe(
        {
            "canvas": {"size_px": (90, 90)},
            "scale": 1,
            "counts": {"kind": "fixed", "fixed": {"a": 3, "b": 3}},
            "objects": {"rotation": "any", "size_jitter": 0},
        }
    )
    for index in range(5):
        plan = draw_plan(recipe, bank, 0, index)
        assert np.array_equal(plan.variation.sizes_px, bank.shapes_px[plan.patch_index])
        assert np.array_equal(
            turned_sizes(plan.variation.sizes_px, plan.variation.angles, False), plan.sizes_px
        )
