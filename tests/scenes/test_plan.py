from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes import Plan, Recipe, draw_plan, make_recipe, scene_scale

BankOf = Callable[..., PatchBank]


def recipe_of(
    fixed: dict[str, int] | None = None, size: tuple[int, int] = (100, 100), **parts: Any
) -> Recipe:
    counts = {"kind": "fixed", "fixed": fixed} if fixed else {}
    return make_recipe({"canvas": {"size_px": size}, "counts": counts, "scale": 1, **parts})


def content(plan: Plan) -> bytes:
    """Everything in a plan but the numbers that it was drawn from."""
    values = [getattr(plan, field.name) for field in fields(plan) if field.name not in ("seed", "index")]
    values += [getattr(plan.canvas, field.name) for field in fields(plan.canvas)]
    return b"".join(v.tobytes() if isinstance(v, np.ndarray) else b"" for v in values)


def test_an_empty_scene(bank_of: BankOf) -> None:
    plan = draw_plan(recipe_of(), bank_of(image_counts=[(0, 0, 0)]), 0, 0)
    assert len(plan) == 0
    assert plan.centers_px.shape == plan.sizes_px.shape == (0, 2)
    assert plan.unplaced.tolist() == [0, 0, 0]


def test_a_plan_depends_on_its_four_values_alone(bank_of: BankOf) -> None:
    bank, recipe = bank_of(image_counts=[(3, 4, 5), (6, 0, 1)]), recipe_of()
    first = content(draw_plan(recipe, bank, 5, 7))
    np.random.seed(3)  # has no influence
    draw_plan(recipe, bank, 5, 6)
    assert content(draw_plan(recipe, bank, 5, 7)) == first
    assert content(draw_plan(recipe, bank, 5, 8)) != first
    assert content(draw_plan(recipe, bank, 6, 7)) != first
    # Seeds and indices are no sum: scene 1 of series 0 is not scene 0 of series 1.
    assert content(draw_plan(recipe, bank, 0, 1)) != content(draw_plan(recipe, bank, 1, 0))


def test_the_same_objects_on_every_canvas(bank_of: BankOf) -> None:
    bank = bank_of(noise=2.0)
    plans = [
        draw_plan(recipe_of(canvas={"kind": k}, objects={"rotation": "any"}), bank, 3, 5)
        for k in ("backdrop", "illumination", "background", "fixed")
    ]
    for plan in plans[1:]:
        assert np.array_equal(plan.centers_px, plans[0].centers_px)
        assert np.array_equal(plan.patch_index, plans[0].patch_index)
        assert np.array_equal(plan.variation.angles, plans[0].variation.angles)
    assert plans[0].canvas.window == plans[1].canvas.window
    assert [plan.canvas.window is None for plan in plans] == [False, False, True, True]


def test_objects_are_what_was_asked_for(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(5, 6), (7, 8), (9, 4), (6, 6)], labels=(0, 1, 2, 1))
    seen: set[int] = set()
    for index in range(30):
        plan = draw_plan(recipe_of({"a": 2, "b": 3}), bank, 0, index)
        assert np.bincount(bank.labels[plan.patch_index], minlength=3).tolist() == [2, 3, 0]
        assert plan.unplaced.tolist() == [0, 0, 0]
        seen |= set(plan.patch_index.tolist())
    assert seen == {0, 1, 3}


def test_patches_with_a_neighbour_are_not_drawn(bank_of: BankOf) -> None:
    bank = replace(bank_of(labels=(0, 0, 0)), other_centers=np.array([0, 1, 0]))
    drawn = [draw_plan(recipe_of({"a": 5}), bank, 0, index).patch_index for index in range(20)]
    assert set(np.concatenate(drawn).tolist()) == {0, 2}


def test_every_patch_and_pose_is_equally_likely(bank_of: BankOf) -> None:
    bank, recipe = bank_of(shapes=[(4, 4)] * 3, labels=(0, 0, 0)), recipe_of({"a": 10})
    plans = [draw_plan(recipe, bank, 0, index) for index in range(300)]
    for name, kinds in (("patch_index", 3), ("quarter_turns", 4), ("flips", 2)):
        values = np.concatenate([getattr(plan, name) for plan in plans])
        shares = np.bincount(values.astype(int)) / len(values)
        assert shares == pytest.approx([1 / kinds] * kinds, abs=0.04)


def test_scenes_are_drawn_as_the_recipe_says_and_nothing_depends_on_anything_else(bank_of: BankOf) -> None:
    """All that is drawn of an object is uniform: its size, place and rank; and no two of them go together."""
    bank, recipe = (
        bank_of(shapes=[(40, 40)] * 3, labels=(0, 0, 1)),
        recipe_of(
            {"a": 3, "b": 1},
            (400, 400),
            objects={"size_jitter": 0.25},
            placement={"max_overlap": 1, "max_truncation": 0},
        ),
    )
    drawn = []
    for index in range(1500):
        plan = draw_plan(recipe, bank, 0, index)
        corners = plan.centers_px - plan.sizes_px / 2
        rank = np.arange(len(plan)) / (len(plan) - 1)
        is_b = bank.labels[plan.patch_index] == 1
        place = corners / (400 - plan.sizes_px)
        columns = [place[:, 0], place[:, 1], (plan.sizes_px[:, 0] - 30) / 20]
        drawn.append(np.stack([*columns, plan.quarter_turns / 3, plan.flips, rank, is_b], axis=1))
    values = np.concatenate(drawn)
    for column in values.T[:3]:
        found = np.sort(column)
        # The test of Kolmogorov and Smirnov at one in a million; sizes are whole pixels.
        assert (
            np.abs(found - (np.arange(len(found)) + 0.5) / len(found)).max()
            < 2.7 / np.sqrt(len(found)) + 0.025
        )
    correlations = np.corrcoef(values.T)[np.triu_indices(values.shape[1], 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(len(values))


def test_poses_can_be_switched_off(bank_of: BankOf) -> None:
    objects = {
        "flips": False,
        "rotation": "none",
        "size_jitter": 0,
        "blend": "hard",
        "match_background": False,
    }
    bank = bank_of()
    plan = draw_plan(recipe_of({"a": 4, "b": 4}, objects=objects), bank, 0, 0)
    assert not plan.flips.any() and not plan.quarter_turns.any()
    assert plan.hard and not plan.match_background
    assert np.array_equal(plan.sizes_px, bank.shapes_px[plan.patch_index])


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.3])
def test_sizes(bank_of: BankOf, scale: float) -> None:
    bank = bank_of(shapes=[(40, 20)], labels=(0,))
    recipe = recipe_of({"a": 6}, (800, 800), objects={"size_jitter": 0.2}, scale=scale)
    sizes = []
    for index in range(40):
        plan = draw_plan(recipe, bank, 0, index)
        sizes.append(np.where((plan.quarter_turns % 2 == 1)[:, None], plan.sizes_px[:, ::-1], plan.sizes_px))
    height, width = np.concatenate(sizes).T
    assert 32 * scale - 1 <= height.min() and height.max() <= 48 * scale + 1
    assert height.max() - height.min() > 12 * scale
    # Both sides by the same factor.
    assert np.abs(height - 2 * width).max() <= 2


def test_no_object_vanishes_by_scaling(bank_of: BankOf) -> None:
    recipe = recipe_of({"a": 3}, (50, 50), objects={"size_jitter": 0}, scale=0.01)
    assert draw_plan(recipe, bank_of(), 0, 0).sizes_px.tolist() == [[1, 1]] * 3


def test_painting_order_does_not_tell_sizes(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(4, 4), (20, 20)], labels=(0, 1))
    first = [draw_plan(recipe_of({"a": 1, "b": 1}), bank, 0, index).patch_index[0] for index in range(200)]
    assert np.mean(first) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("kind", ["uniform", "clustered"])
@pytest.mark.parametrize("overlap", ["smaller", "iou", "visible"])
def test_impossible_scenes_say_what_fits(bank_of: BankOf, kind: str, overlap: str) -> None:
    bank = bank_of(shapes=[(20, 20), (10, 10)], labels=(0, 1))
    placement = {"kind": kind, "overlap": overlap, "max_overlap": 0}
    recipe = recipe_of({"a": 1, "b": 900}, placement=placement)
    with pytest.raises(RecipeError) as caught:
        draw_plan(recipe, bank, 0, 0)
    message = str(caught.value)
    assert "a canvas of 100 x 100 px holds only" in message
    assert "of the 901 objects asked for" in message
    assert "a 1 of 1, b " in message
    assert "placement.max_overlap" in message


def test_drawn_counts_may_lose_some_objects_but_not_most(bank_of: BankOf) -> None:
    placement = {"max_overlap": 0, "tries": 256}
    full = bank_of(shapes=[(20, 20)], labels=(0,), image_counts=[(16, 0, 0)])
    plans = [draw_plan(recipe_of(placement=placement), full, 0, index) for index in range(8)]
    assert any(plan.unplaced[0] > 0 for plan in plans)
    assert {len(plan) + plan.unplaced[0] for plan in plans} == {16}
    crowded = bank_of(shapes=[(20, 20)], labels=(0,), image_counts=[(160, 0, 0)])
    with pytest.raises(RecipeError, match="of the 160 objects"):
        draw_plan(recipe_of(placement=placement), crowded, 0, 0)


@pytest.mark.parametrize("counts", [{"kind": "balanced"}, {"class_weights": {"a": 2}}])
def test_too_many_objects_are_told_for_every_kind_of_counts(bank_of: BankOf, counts: dict[str, Any]) -> None:
    bank = bank_of(shapes=[(20, 20)] * 3, image_counts=[(160, 0, 0)])
    with pytest.raises(RecipeError, match=r"holds only \d+ of the (160|320) objects.*max_overlap"):
        draw_plan(recipe_of(counts=counts, placement={"max_overlap": 0}), bank, 0, 0)


def test_one_image_that_is_too_crowded_ends_no_series(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(20, 20)], labels=(0,), image_counts=[(160, 0, 0), (4, 0, 0)])
    assert {len(draw_plan(recipe_of(placement={"max_overlap": 0}), bank, 0, k)) for k in range(40)} == {4}


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"b": 1, "a": 1}, r"without a patch in the bank.*'b'.*border policy"),
        ({"d": 1}, r"counts\.fixed names classes"),
        ({"a": 40_000}, r"at most 32767 objects.*got 40000"),
        ({"a": 10**6, "c": 10**6}, r"at most 32767 objects.*got 2000000"),
    ],
)
def test_what_cannot_be_drawn(bank_of: BankOf, fixed: dict[str, int], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        draw_plan(recipe_of(fixed), bank_of(labels=(0, 0, 2)), 0, 0)


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1), (2**64, 0), (0, 2**64)])
def test_seeds_have_limits(bank_of: BankOf, seed: int, index: int) -> None:
    with pytest.raises(RecipeError, match=r"go from 0 to 18446744073709551615.*got"):
        draw_plan(recipe_of({"a": 1}), bank_of(), seed, index)
    assert len(draw_plan(recipe_of({"a": 1}), bank_of(), 2**64 - 1, 2**64 - 1)) == 1


@pytest.mark.parametrize(
    ("scale", "size", "expected"),
    [
        (2.5, (100, 100), 2.5),
        ("fit", (100, 100), 0.5),
        ("fit", (416, 416), 2.08),
        ("fit", (50, 400), 0.5),
    ],
)
def test_scale_is_that_of_a_real_image_on_the_canvas(
    bank_of: BankOf, scale: float | str, size: tuple[int, int], expected: float
) -> None:
    bank = bank_of(image_shape=(100, 200))
    recipe = make_recipe({"canvas": {"size_px": size}, "scale": scale})
    assert scene_scale(recipe, bank) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["background", "backdrop", "illumination"])
def test_the_canvas_is_of_the_image_that_gave_the_counts(bank_of: BankOf, kind: str) -> None:
    """Image k has k objects of class k, so the counts tell which one it was."""
    bank = bank_of(image_counts=[(1, 0, 0), (0, 2, 0), (0, 0, 3)])
    bank = replace(bank, backdrops=replace(bank.backdrops, image_index=np.array([2, 0])))
    own_classes = {"scale": 1.0, "counts": {"balanced_share": 0}}
    recipe = make_recipe({"canvas": {"size_px": (100, 100), "kind": kind}, **own_classes})
    others = set()
    for index in range(40):
        plan = draw_plan(recipe, bank, 0, index)
        source = int(bank.labels[plan.patch_index[0]])
        shown = int(np.flatnonzero((bank.image_backgrounds == plan.canvas.color).all(axis=1))[0])
        if source == 1 and kind != "background":
            others.add(shown)  # it has no backdrop
        else:
            assert shown == source
    assert others == (set() if kind == "background" else {0, 2})
    apart = make_recipe({"canvas": {**recipe.canvas.model_dump(), "like_counts": False}, **own_classes})
    plans = [draw_plan(apart, bank, 0, index) for index in range(40)]
    assert len({plan.canvas.color.tobytes() for plan in plans if bank.labels[plan.patch_index[0]] == 0}) > 1
