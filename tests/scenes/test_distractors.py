from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.bank.distractors import NO_DISTRACTORS
from synthmed.errors import RecipeError
from synthmed.scenes import Recipe, draw_plan, make_recipe, render

BankOf = Callable[..., PatchBank]


def recipe_of(low: int, high: int, **parts: Any) -> Recipe:
    return make_recipe(
        {
            "canvas": {"size_px": (90, 110)},
            "counts": {"kind": "fixed", "fixed": {"a": 3, "c": 2}},
            "scale": 1,
            "distractors": {"per_scene": [low, high]},
            **parts,
        }
    )


def test_the_default_has_none(bank_of: BankOf) -> None:
    assert Recipe().distractors.per_scene == (0, 0)
    scene = render(draw_plan(recipe_of(0, 0), bank_of(), 0, 0), bank_of())
    assert len(scene.plan.distractors) == 0 and not scene.distractor_mask.any()
    assert scene.distractor_mask.shape == (90, 110)


def test_a_bank_without_any_is_told(bank_of: BankOf) -> None:
    with pytest.raises(RecipeError, match=r"the bank has none.*--distractors"):
        draw_plan(recipe_of(0, 1), replace(bank_of(), distractors=NO_DISTRACTORS), 0, 0)


def test_objects_are_the_same_with_and_without(bank_of: BankOf) -> None:
    bank = bank_of()
    for index in range(5):
        plain, dirty = (draw_plan(recipe_of(n, n), bank, 0, index) for n in (0, 4))
        assert np.array_equal(plain.centers_px, dirty.centers_px)
        assert np.array_equal(plain.patch_index, dirty.patch_index)
        first, second = render(plain, bank), render(dirty, bank)
        assert np.array_equal(first.instance_mask, second.instance_mask)
        assert np.array_equal(first.visible_fraction, second.visible_fraction)
        assert np.array_equal(first.labels, second.labels)


def test_numbers_and_kinds(bank_of: BankOf) -> None:
    bank = bank_of()
    plans = [draw_plan(recipe_of(1, 3), bank, 0, index).distractors for index in range(120)]
    assert {len(plan) for plan in plans} == {1, 2, 3}
    assert set(np.concatenate([plan.index for plan in plans]).tolist()) == {0, 1}
    assert set(np.concatenate([plan.quarter_turns for plan in plans]).tolist()) == {0, 1, 2, 3}
    poses = {"flips": False, "rotation": "none", "size_jitter": 0}
    still = [draw_plan(recipe_of(3, 3, objects=poses), bank, 0, index).distractors for index in range(9)]
    for plan in still:
        assert not plan.flips.any() and not plan.quarter_turns.any()
        assert np.array_equal(plan.sizes_px, bank.distractors.shapes_px[plan.index])


def test_they_keep_off_the_objects(bank_of: BankOf) -> None:
    recipe = recipe_of(20, 20, placement={"max_overlap": 0})
    for index in range(10):
        plan = draw_plan(recipe, bank_of(), 0, index)
        centers = np.concatenate([plan.centers_px, plan.distractors.centers_px])
        half = np.concatenate([plan.sizes_px, plan.distractors.sizes_px]) / 2
        low = np.maximum((centers - half)[:, None], (centers - half)[None])
        high = np.minimum((centers + half)[:, None], (centers + half)[None])
        meet = (low < high).all(axis=2)
        assert meet.sum() == len(centers)


def test_where_there_is_no_room_there_are_fewer(bank_of: BankOf) -> None:
    plan = draw_plan(recipe_of(500, 500, placement={"max_overlap": 0}), bank_of(), 0, 0)
    assert len(plan) == 5 and 5 < len(plan.distractors) < 400
