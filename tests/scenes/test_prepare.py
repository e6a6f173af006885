"""Objects that are more than resized, mirrored and turned by quarters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed.bank import PatchBank
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.matte import square_matte
from synthmed.scenes import Plan, Scene, draw_plan, make_recipe, render
from synthmed.scenes.canvas import paint_canvas
from synthmed.scenes.cut import Pasted, objects_as_cut
from synthmed.scenes.prepare import objects_prepared
from synthmed.scenes.variation import ObjectVariation

BankOf = Callable[..., PatchBank]
SHAPE = (48, 60)


def plan_of(bank: PatchBank, **parts: Any) -> Plan:
    seed = parts.pop("seed", 0)
    base = {
        "canvas": {"size_px": SHAPE, **parts.pop("canvas", {})},
        "counts": {"kind": "fixed", "fixed": {"a": 2, "b": 2, "c": 2}},
        "placement": {"max_overlap": 0.6, "tries": 256},
        "scale": parts.pop("scale", 1),
    }
    return draw_plan(make_recipe({**base, **parts}), bank, seed, 0)


def unchanged(plan: Plan) -> ObjectVariation:
    """A variation that leaves objects as they are."""
    count = len(plan)
    ones = np.ones(count)
    return ObjectVariation(plan.sizes_px, None, np.zeros(count), ones, np.ones((count, 3)), np.zeros(count))


def squared(bank: PatchBank) -> PatchBank:
    """The same patches with mattes that keep all of them."""
    mattes = [square_matte((h, w)).ravel() for h, w in bank.shapes_px.tolist()]
    return replace(bank, mattes=np.concatenate(mattes), spec=bank.spec.model_copy(update={"matte": "square"}))


def composed(pasted: Pasted, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Image, solid owner, touched pixels and visible fraction of prepared objects, pixel by pixel."""
    image, solid = canvas.astype(int), np.zeros(canvas.shape[:2], dtype=int)
    touched = np.zeros(canvas.shape[:2], dtype=bool)
    supports = []
    for k, (height, width) in enumerate(pasted.sizes_px.tolist()):
        own = slice(pasted.offsets[k], pasted.offsets[k] + height * width)
        colors = np.clip(pasted.pixels[own].astype(int) + pasted.shifts[k], 0, 255).reshape(height, width, 3)
        alphas = pasted.mattes[own].astype(int).reshape(height, width)
        level = pasted.levels[k]
        supports.append((alphas >= level).sum())
        for i, j in np.argwhere(alphas > 0):
            y, x = pasted.corners_px[k] + (i, j)
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                alpha = alphas[i, j]
                if alpha < level and level > 128 and solid[y, x]:
                    continue
                image[y, x] = (colors[i, j] * alpha + image[y, x] * (255 - alpha) + 127) // 255
                solid[y, x] = k + 1 if alpha >= level else solid[y, x]
                touched[y, x] = True
    visible = [(solid == k + 1).sum() / max(1, support) for k, support in enumerate(supports)]
    return image.astype(np.uint8), solid, touched, np.array(visible)


def assert_right(scene: Scene, bank: PatchBank) -> None:
    plan = scene.plan
    canvas = paint_canvas(plan.canvas, bank.backdrops)
    pasted, boxes = objects_prepared(plan, bank, canvas)
    image, solid, touched, visible = composed(pasted, canvas)
    assert np.array_equal(scene.image, image)
    assert scene.visible_fraction == pytest.approx(visible)
    assert np.array_equal(scene.instance_mask, solid)
    assert np.array_equal(scene.owners > 0, touched)
    assert (scene.owners[(scene.image != canvas).any(axis=2)] > 0).all()
    for k, (row0, column0, row1, column1) in enumerate(scene.boxes_px.astype(int)):
        own = solid == k + 1
        assert own.sum() == own[row0:row1, column0:column1].sum()
    limits = np.array(SHAPE * 2)
    assert np.array_equal(scene.boxes_px, np.clip(boxes, 0, limits))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    scale=st.sampled_from([0.4, 1.0, 1.7]),
    kind=st.sampled_from(["fixed", "background", "illumination", "backdrop"]),
    matte=st.sampled_from(["round", "square", "halo"]),
    objects=st.fixed_dictionaries(
        {
            "rotation": st.sampled_from(["any", "any", "quarter"]),
            "blend": st.sampled_from(["matte", "hard", "poisson"]),
            "brightness": st.sampled_from([0, 0.3]),
            "contrast": st.sampled_from([0, 0.5]),
            "stain": st.sampled_from([0, 0.5]),
            "blur_px": st.sampled_from([0, 2.0]),
            "match_background": st.booleans(),
        }
    ),
)
def test_scenes_are_those_of_a_slow_compositor(
    bank_of: BankOf, seed: int, scale: float, kind: str, matte: str, objects: dict[str, Any]
) -> None:
    bank = bank_of(shapes=[(9, 9), (11, 16), (18, 7)], halo=matte == "halo")
    bank = squared(bank) if matte == "square" else bank
    objects = {**objects, "brightness": objects["brightness"] or 0.01}
    plan = plan_of(bank, seed=seed, scale=scale, canvas={"kind": kind}, objects=objects)
    assert_right(render(plan, bank), bank)


def test_an_empty_scene(bank_of: BankOf) -> None:
    bank = bank_of()
    objects = {"rotation": "any", "blend": "poisson", "stain": 0.3, "blur_px": 1}
    plan = plan_of(bank, counts={"kind": "fixed", "fixed": {"a": 0}}, objects=objects)
    scene = render(plan, bank)
    assert scene.boxes_px.shape == (0, 4) and not scene.instance_mask.any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.6, 1.7])
def test_preparing_what_stays_as_it_is_changes_nothing(bank_of: BankOf, seed: int, scale: float) -> None:
    bank = bank_of()
    plan = plan_of(bank, seed=seed, scale=scale)
    scene, prepared = render(plan, bank), render(replace(plan, variation=unchanged(plan)), bank)
    for name in ("image", "boxes_px", "instance_mask", "visible_fraction"):
        assert np.array_equal(getattr(scene, name), getattr(prepared, name))


@pytest.mark.parametrize("angle", [0.0, 13.0, 30.0, 45.0, -20.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_boxes_of_turned_rectangles_are_tight(bank_of: BankOf, angle: float, scale: float) -> None:
    bank = squared(bank_of(shapes=[(12, 20)] * 3))
    canvas = {"size_px": (150, 160)}
    plan = plan_of(bank, canvas=canvas, scale=scale, objects={"rotation": "any", "size_jitter": 0})
    plan = replace(plan, variation=replace(plan.variation, angles=np.full(len(plan), angle)))
    _, boxes = objects_prepared(plan, bank, np.zeros((*SHAPE, 3), dtype=np.uint8))
    height, width = plan.variation.sizes_px.T
    cosine, sine = np.cos(np.deg2rad(angle)), np.abs(np.sin(np.deg2rad(angle)))
    # A pixel is cut in two by the tip of a corner, and on both sides so.
    assert boxes[:, 2] - boxes[:, 0] == pytest.approx(height * cosine + width * sine, abs=2)
    assert boxes[:, 3] - boxes[:, 1] == pytest.approx(width * cosine + height * sine, abs=2)
    assert (boxes[:, :2] + boxes[:, 2:]) / 2 == pytest.approx(plan.centers_px, abs=1)


@pytest.mark.parametrize("feather", [0.15, 0.5])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
def test_a_round_object_keeps_its_box_whatever_its_angle(
    bank_of: BankOf, feather: float, scale: float
) -> None:
    bank = bank_of(shapes=[(21, 21)] * 3, feather=feather)
    plan = plan_of(bank, scale=scale, objects={"rotation": "any"})
    _, boxes = objects_prepared(plan, bank, np.zeros((*SHAPE, 3), dtype=np.uint8))
    _, upright = objects_as_cut(plan, bank)
    assert np.abs(boxes - upright).max() <= 1


def test_blur_spreads_objects_over_their_border_but_not_their_boxes(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(16, 16)] * 3)
    plan = plan_of(bank, canvas={"kind": "fixed"})
    blurred = replace(plan, variation=replace(unchanged(plan), blur_px=np.full(len(plan), 2.0)))
    sharp, soft = render(plan, bank), render(blurred, bank)
    assert np.array_equal(sharp.boxes_px, soft.boxes_px)
    assert (soft.owners > 0).sum() > 1.2 * (sharp.owners > 0).sum()


def test_a_thin_object_stays_visible_however_blurred(bank_of: BankOf) -> None:
    """Blur spreads its matte so far that no pixel reaches the level of an object with a halo."""
    bank = bank_of(shapes=[(17, 17)] * 3, halo=True)
    matte = np.zeros((17, 17), dtype=np.uint8)
    matte[7:10, 4:13] = 255
    bank = replace(bank, mattes=np.tile(matte.ravel(), 3))
    plan = plan_of(bank, canvas={"kind": "fixed"}, placement={"max_overlap": 0})
    blurred = replace(plan, variation=replace(unchanged(plan), blur_px=np.full(len(plan), 3.0)))
    sharp, soft = render(plan, bank), render(blurred, bank)
    assert (soft.visible_fraction > 0).all()
    assert np.array_equal(soft.instance_mask, sharp.instance_mask)
    assert not np.array_equal(soft.image, sharp.image)


def test_stained_objects_keep_their_background(bank_of: BankOf) -> None:
    """A patch that is all background stays what it is, and vanishes on a canvas of its colour."""
    ground = np.array([200.0, 180.0, 190.0])
    bank = bank_of(shapes=[(10, 10)] * 3)
    pixels = np.full_like(bank.pixels, ground.astype(np.uint8))
    bank = replace(bank, pixels=pixels, backgrounds=np.tile(ground, (3, 1)))
    canvas = {"kind": "fixed", "color": ground.astype(int).tolist()}
    plan = plan_of(bank, canvas=canvas, objects={"stain": 0.6, "contrast": 0.6, "blur_px": 1})
    assert (render(plan, bank).image == ground).all()
    lighter = plan_of(bank, canvas=canvas, objects={"brightness": 0.2})
    assert (render(lighter, bank).image != ground).any()


def test_poisson_follows_the_light_of_the_canvas(bank_of: BankOf) -> None:
    """Flat patches on a slope: a constant shift leaves their outline, the membrane does not."""
    bank = squared(bank_of(shapes=[(16, 16)] * 3))
    ramp = np.repeat(np.tile(np.linspace(60, 200, 60), (60, 1))[..., None], 3, axis=2).astype(np.uint8)
    backdrops = Backdrops(ramp.reshape(-1, 3), np.array([[60, 60]]), np.zeros(1, dtype=np.int64))
    bank = replace(
        bank, pixels=np.full_like(bank.pixels, 90), backgrounds=np.full((3, 3), 90.0), backdrops=backdrops
    )
    worst = {}
    for blend in ("matte", "poisson"):
        plan = plan_of(bank, objects={"blend": blend}, placement={"max_truncation": 0})
        canvas = paint_canvas(plan.canvas, bank.backdrops).astype(int)
        worst[blend] = np.abs(render(plan, bank).image - canvas).max()
    assert worst["matte"] > 12
    assert worst["poisson"] <= 2
