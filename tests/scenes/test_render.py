from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed.bank import PatchBank, open_bank
from synthmed.errors import RecipeError
from synthmed.scenes import Plan, Scene, draw_plan, make_recipe, render
from synthmed.scenes.canvas import CanvasPlan, canvas_colors, paint_canvas
from synthmed.scenes.distractors import DistractorPlan
from synthmed.scenes.paste import MAX_OBJECTS, linear_taps

BankOf = Callable[..., PatchBank]


def plan_of(objects: list[tuple[int, int, int, int, int, int, bool]], **options: Any) -> Plan:
    """A plan of objects given as patch, row and column of the corner, height, width, turns and flip."""
    table = np.array(objects, dtype=np.int64).reshape(-1, 7)
    sizes = table[:, 3:5]
    canvas = CanvasPlan((30, 40), np.array([200.0, 150.0, 100.0]), 0.0, np.zeros(2, dtype=np.int64), 1.0)
    given: dict[str, Any] = {
        "seed": 0,
        "index": 0,
        "canvas": canvas,
        "patch_index": table[:, 0],
        "centers_px": table[:, 1:3] + sizes / 2,
        "sizes_px": sizes,
        "rims_px": np.zeros(len(table), dtype=np.int64),
        "quarter_turns": table[:, 5],
        "flips": table[:, 6].astype(bool),
        "hard": False,
        "match_background": False,
        "unplaced": np.zeros(3, dtype=np.int64),
    }
    return Plan(**{**given, **options})


def sprite(plan: Plan, bank: PatchBank, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours and matte of an object as it lies on the canvas, by numpy alone."""
    patch = int(plan.patch_index[k])
    turns = int(plan.quarter_turns[k])
    height, width = plan.sizes_px[k][::-1] if turns % 2 else plan.sizes_px[k]
    parts = []
    for values in (bank.patch(patch), bank.matte(patch)[..., None]):
        shorter = resampled(values.astype(int), height)
        part = resampled(shorter.swapaxes(0, 1), width).swapaxes(0, 1)
        parts.append(np.rot90(np.fliplr(part) if plan.flips[k] else part, turns))
    colors, matte = parts
    if plan.match_background:
        under = canvas_colors(plan.canvas, bank, plan.centers_px[k : k + 1])[0]
        colors = np.clip(colors + np.rint(under - bank.backgrounds[patch]).astype(int), 0, 255)
    return colors, np.full_like(matte, 255) if plan.hard else matte


def resampled(values: np.ndarray, rows: int) -> np.ndarray:
    """Values with another number of rows, rounded."""
    before, weight = linear_taps(len(values), rows)
    after, weight = np.minimum(before + 1, len(values) - 1), weight[:, None, None]
    return (values[before] * (256 - weight) + values[after] * weight + 128) // 256


def composed(plan: Plan, bank: PatchBank) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Image, whose each pixel is (halos counted, and not), and visible fraction, from a stack of layers."""
    margin = 60
    height, width = plan.canvas.shape_px
    image = np.zeros((height + 2 * margin, width + 2 * margin, 3), dtype=int)
    seen = np.s_[margin : margin + height, margin : margin + width]
    image[seen] = paint_canvas(plan.canvas, bank.backdrops)
    alphas = np.zeros((len(plan), *image.shape[:2]), dtype=int)
    solid = np.zeros(alphas.shape, dtype=bool)
    for k in range(len(plan)):
        colors, matte = sprite(plan, bank, k)
        row, column = (plan.centers_px[k] - plan.sizes_px[k] / 2).astype(int) + margin
        window = np.s_[row : row + matte.shape[0], column : column + matte.shape[1]]
        level = bank.object_levels[plan.patch_index[k]]
        if level > 128:
            taken = (solid[:k][(slice(None), *window)]).any(axis=0)[..., None]
            matte = np.where((matte < level) & taken, 0, matte)
        image[window] = (colors * matte + image[window] * (255 - matte) + 127) // 255
        alphas[k][window] = matte[..., 0]
        solid[k] = alphas[k] >= level
    layers = np.arange(1, len(plan) + 1)[:, None, None]
    top = (solid * layers).max(axis=0, initial=0)
    touched = alphas > 0
    # Where no object is solid, the first one whose soft edge lies there.
    lowest = np.where(touched.any(axis=0), touched.argmax(axis=0) + 1 if len(plan) else 0, 0)
    mask = np.where(top > 0, top, lowest)[seen]
    visible = np.array([(top[seen] == k + 1).sum() / max(1, solid[k].sum()) for k in range(len(plan))])
    return image[seen].astype(np.uint8), mask, top[seen], visible


def assert_as_composed(scene: Scene, bank: PatchBank) -> None:
    image, mask, solid, visible = composed(scene.plan, bank)
    assert np.array_equal(scene.image, image)
    assert np.array_equal(scene.owners & MAX_OBJECTS, mask)
    assert np.array_equal(scene.instance_mask, solid)
    assert scene.visible_fraction == pytest.approx(visible)


def test_an_empty_scene_is_the_canvas(bank_of: BankOf) -> None:
    scene = render(plan_of([]), bank_of())
    assert (scene.image == (200, 150, 100)).all()
    assert scene.image.shape == (30, 40, 3)
    assert scene.instance_mask.dtype == np.uint16 and not scene.instance_mask.any()
    assert scene.boxes_px.shape == (0, 4) and len(scene) == 0


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_turned_and_mirrored_patches_are_numpys(bank_of: BankOf, turns: int, flip: bool) -> None:
    bank = bank_of()
    height, width = (8, 6) if turns % 2 else (6, 8)
    scene = render(plan_of([(1, 4, 5, height, width, turns, flip)], hard=True), bank)
    patch = bank.patch(1)
    expected = np.rot90(np.fliplr(patch) if flip else patch, turns)
    assert np.array_equal(scene.image[4 : 4 + height, 5 : 5 + width], expected)
    assert scene.boxes_px.tolist() == [[4, 5, 4 + height, 5 + width]]
    assert (scene.instance_mask > 0).sum() == 48
    assert scene.visible_fraction.tolist() == [1.0]


@settings(max_examples=60)
@given(st.data())
def test_scenes_are_those_of_a_slow_compositor(bank_of: BankOf, data: st.DataObject) -> None:
    bank = bank_of(
        seed=data.draw(st.integers(0, 3)),
        feather=data.draw(st.sampled_from([0.15, 0.5, 1.0])),
        halo=data.draw(st.booleans()),
    )
    one = st.tuples(
        st.integers(0, 2),
        st.integers(-12, 32),
        st.integers(-12, 42),
        st.integers(1, 14),
        st.integers(1, 14),
        st.integers(0, 3),
        st.booleans(),
    )
    plan = plan_of(
        data.draw(st.lists(one, max_size=8)),
        hard=data.draw(st.booleans()),
        match_background=data.draw(st.booleans()),
    )
    plan = replace(plan, canvas=replace(plan.canvas, noise=data.draw(st.sampled_from([0.0, 6.0]))))
    scene = render(plan, bank)
    assert_as_composed(scene, bank)
    # What differs from the canvas belongs to an object, and an object lies within its box.
    differs = (scene.image != paint_canvas(plan.canvas, bank.backdrops)).any(axis=2)
    assert (scene.owners[differs] > 0).all()
    assert scene.instance_mask.max(initial=0) <= len(plan)
    for k, (row0, column0, row1, column1) in enumerate(scene.boxes_px.astype(int)):
        assert 0 <= row0 <= row1 <= 30 and 0 <= column0 <= column1 <= 40
        own = scene.instance_mask == k + 1
        assert own.sum() == own[row0:row1, column0:column1].sum()


def test_drawn_scenes_of_a_real_bank(phantom_bank_dir: Any) -> None:
    bank = open_bank(phantom_bank_dir)
    for kind in ("joint", "decorrelated"):
        recipe = make_recipe({"canvas": {"size_px": (300, 260)}, "counts": {"kind": kind}})
        for index in range(4):
            scene = render(draw_plan(recipe, bank, 1, index), bank)
            assert_as_composed(scene, bank)
            height, width = (scene.boxes_px[:, 2:] - scene.boxes_px[:, :2]).T
            assert (height > 0).all() and (width > 0).all()
            assert np.array_equal(scene.labels, bank.labels[scene.patch_index])


one_distractor = st.tuples(
    st.integers(0, 1), st.integers(-8, 30), st.integers(-8, 40), st.integers(1, 12), st.integers(1, 12)
)


def distractors_of(rows: list[tuple[int, int, int, int, int]]) -> DistractorPlan:
    """Distractors given as number, row and column of the corner, height, width."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    count, sizes = len(table), table[:, 3:]
    still = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    return DistractorPlan(table[:, 0], table[:, 1:3] + sizes / 2, sizes, *still)


@settings(max_examples=60)
@given(st.data())
def test_every_pixel_belongs_to_an_object_that_can_be_seen_or_to_a_distractor(
    bank_of: BankOf, data: st.DataObject
) -> None:
    bank = bank_of(feather=data.draw(st.sampled_from([0.15, 1.0])))
    one = st.tuples(
        *(st.integers(low, high) for low, high in [(0, 2), (-12, 32), (-12, 42), (1, 14), (1, 14), (0, 3)]),
        st.booleans(),
    )
    plan = plan_of(
        data.draw(st.lists(one, max_size=12)),
        hard=data.draw(st.booleans()),
        match_background=data.draw(st.booleans()),
        min_visible=data.draw(st.sampled_from([0.0, 0.3, 0.8, 1.0])),
        distractors=distractors_of(data.draw(st.lists(one_distractor, max_size=4))),
    )
    scene = render(plan, bank)
    differs = (scene.image != paint_canvas(plan.canvas, bank.backdrops)).any(axis=2)
    assert ((scene.owners > 0) | (scene.distractor_mask > 0))[differs].all()
    assert not ((scene.owners > 0) & (scene.distractor_mask > 0)).any()
    assert scene.instance_mask.max(initial=0) <= len(scene)
    assert scene.distractor_mask.max(initial=0) <= len(plan.distractors)
    # Of each labelled object enough is seen; what was left out is told, and could not have been seen.
    assert (scene.visible_fraction >= plan.min_visible).all()
    assert len(scene) == len(scene.painted) == len(scene.boxes_px) == len(scene.labels)
    assert np.array_equal(scene.patch_index, plan.patch_index[scene.painted])
    assert (np.diff(scene.painted) > 0).all()
    assert scene.unplaced.sum() == len(plan) - len(scene)
    for k in set(range(len(plan))) - set(scene.painted.tolist()):
        above = [k, *scene.painted[scene.painted > k]]
        again = render(objects_of(plan, above), bank)
        assert again.visible_fraction[0] < plan.min_visible


def objects_of(plan: Plan, keep: list[int]) -> Plan:
    """Some objects of a plan, all of them painted."""
    names = ("patch_index", "centers_px", "sizes_px", "rims_px", "quarter_turns", "flips")
    return replace(plan, min_visible=0.0, **{name: getattr(plan, name)[keep] for name in names})


def test_without_the_rule_scenes_are_as_before(bank_of: BankOf) -> None:
    rows = [(1, 5, 5, 6, 8, 0, False), (1, 5, 5, 6, 8, 0, False)]
    scene = render(plan_of(rows, hard=True), bank_of())
    assert scene.painted.tolist() == [0, 1] and scene.visible_fraction.tolist() == [0, 1]
    assert scene.unplaced.tolist() == [0, 0, 0]


def test_what_is_covered_is_not_painted_and_then_covers_nothing(bank_of: BankOf) -> None:
    # The third hides the second, which hid the first; without the second most of the first is seen.
    rows = [(0, 5, 2, 5, 10, 0, False), (1, 5, 6, 5, 10, 0, False), (2, 5, 9, 5, 10, 0, False)]
    plan = plan_of(rows, hard=True)
    assert render(plan, bank_of()).visible_fraction == pytest.approx([0.4, 0.3, 1.0])
    scene = render(replace(plan, min_visible=0.6), bank_of())
    assert scene.painted.tolist() == [0, 2]
    assert scene.visible_fraction == pytest.approx([0.7, 1.0])
    assert scene.unplaced.tolist() == [0, 1, 0]
    assert np.array_equal(scene.image, render(objects_of(plan, [0, 2]), bank_of()).image)


def test_covered_and_truncated_objects(bank_of: BankOf) -> None:
    bank = bank_of()
    # The second covers the right half of the first; the third is half outside; the fourth is covered whole.
    rows = [
        (1, 5, 5, 6, 8, 0, False),
        (1, 5, 9, 6, 8, 0, False),
        (1, 20, -4, 6, 8, 0, False),
        (0, 12, 20, 5, 5, 0, False),
        (2, 10, 18, 9, 9, 0, False),
    ]
    scene = render(plan_of(rows, hard=True), bank)
    assert scene.visible_fraction.tolist() == [0.5, 1.0, 0.5, 0.0, 1.0]
    assert scene.boxes_px[2].tolist() == [20, 0, 26, 4]


def test_soft_edges_do_not_take_pixels_away(bank_of: BankOf) -> None:
    """A round object over the corner of another hides it only where it is more than half opaque."""
    bank = bank_of(shapes=[(20, 20)], labels=(0,), feather=1.0)
    plan = plan_of([(0, 2, 2, 20, 20, 0, False), (0, 8, 14, 20, 20, 0, False)])
    scene = render(plan, bank)
    assert_as_composed(scene, bank)
    first, second = (scene.instance_mask == k for k in (1, 2))
    _, matte = sprite(plan, bank, 1)
    shared = np.zeros((30, 40), dtype=int)
    shared[8:28, 14:34] = matte[..., 0]
    assert (first & (shared > 0)).any() and not (first & (shared >= 128)).any()
    assert second.any()


def test_match_background_shifts_the_colour(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(4, 4)], labels=(0,))
    bank = replace(
        bank,
        pixels=np.full((16, 3), (120, 250, 30), dtype=np.uint8),
        backgrounds=np.array([[190.0, 140.0, 140.4]]),
    )
    plan = plan_of([(0, 3, 3, 4, 4, 0, False)], hard=True, match_background=True)
    # The canvas is brighter by 10 and 10 and darker by 40: 250 + 10 and 30 - 40 end at the limits.
    assert render(plan, bank).image[4, 4].tolist() == [130, 255, 0]
    assert render(replace(plan, match_background=False), bank).image[4, 4].tolist() == [120, 250, 30]


def test_scenes_of_too_many_objects_are_refused(bank_of: BankOf) -> None:
    plan = plan_of([(0, 1, 1, 1, 1, 0, False)] * 32_768)
    with pytest.raises(RecipeError, match=r"at most 32767 objects.*got 32768"):
        render(plan, bank_of())
    most = render(plan_of([(0, 1, 1, 1, 1, 0, False)] * 32_767), bank_of())
    assert most.instance_mask[1, 1] == 32_767


def test_rendering_does_not_write_to_the_bank(bank_of: BankOf) -> None:
    bank = bank_of()
    before = bank.pixels.copy(), bank.mattes.copy()
    for array in (bank.pixels, bank.mattes):
        array.flags.writeable = False
    render(plan_of([(1, 4, 5, 9, 12, 1, True)], match_background=True), bank)
    assert np.array_equal(bank.pixels, before[0]) and np.array_equal(bank.mattes, before[1])


def test_boxes_run_round_the_object_and_not_round_its_halo(bank_of: BankOf) -> None:
    bank = bank_of()
    plan = plan_of([(1, 4, 5, 16, 18, 0, False)], rims_px=np.array([3]))
    assert render(plan, bank).boxes_px.tolist() == [[7, 8, 17, 20]]


def test_a_halo_rubs_no_other_object_out(bank_of: BankOf) -> None:
    """Of a halo only what falls on the canvas is seen; the object itself covers what it lies on."""
    bank = bank_of(halo=True)
    under, over = (1, 4, 5, 16, 18, 0, False), (1, 8, 9, 16, 18, 0, False)
    alone = render(plan_of([under]), bank)
    both = render(plan_of([under, over]), bank)
    first, second = (np.zeros((30, 40), dtype=int) for _ in range(2))
    first[4:20, 5:23] = sprite(both.plan, bank, 0)[1][..., 0]
    second[8:24, 9:27] = sprite(both.plan, bank, 1)[1][..., 0]
    rim, below = (second > 0) & (second < 230), first >= 230
    assert (rim & below).any()
    assert np.array_equal(both.image[rim & below], alone.image[rim & below])
    assert (both.instance_mask[second >= 230] == 2).all()
    assert not np.array_equal(both.image[rim & ~below], alone.image[rim & ~below])
