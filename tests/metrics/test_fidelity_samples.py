from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import PatchBank, open_bank
from synthmed.metrics.fidelity_samples import look_at_real, look_at_scenes, resized_like_backdrops
from synthmed.points import PointSet, read_points
from synthmed.scenes import Recipe, draw_plan, make_recipe, render, scene_scale


@pytest.mark.parametrize(("scale", "shape"), [(1.0, (6, 8)), (0.5, (3, 4)), (1.7, (10, 13))])
def test_real_images_are_resized_like_backdrops(scale: float, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size=(6, 8, 3), dtype=np.uint8)
    resized = resized_like_backdrops(image, scale, (10, 13))
    assert resized.shape == (*shape, 3)
    if scale == 1:
        np.testing.assert_array_equal(resized, image)


@pytest.fixture(scope="module")
def bank(phantom_bank_dir: Path) -> PatchBank:
    return open_bank(phantom_bank_dir)


@pytest.fixture(scope="module")
def points(phantom_dir: Path) -> PointSet:
    return read_points(phantom_dir / "points.csv", phantom_dir / "images").of_split("train")


def test_real_images_at_the_scale_of_scenes(phantom_dir: Path, points: PointSet, bank: PatchBank) -> None:
    recipe = Recipe()
    sample = look_at_real(points, phantom_dir / "images", recipe, bank, most=99, seed=0)
    looks, images = sample.looks, sample.images
    scale = scene_scale(recipe, bank)
    expected = np.round(bank.image_shapes_px[0] * scale).astype(int).tolist()
    assert {image.shape[:2] for image in images} == {tuple(expected)}
    # Whole images are shown, so that no click is lost, each image once.
    assert sorted(map(tuple, looks.counts.tolist())) == sorted(map(tuple, points.counts().tolist()))
    assert sample.shapes_px == [tuple(expected)] * len(points.images)
    first = look_at_real(points, phantom_dir / "images", recipe, bank, most=2, seed=0)
    np.testing.assert_array_equal(first.looks.colors, looks.of_images(np.arange(2)).colors)


def test_of_large_images_a_window_is_taken(phantom_dir: Path, points: PointSet, bank: PatchBank) -> None:
    recipe = make_recipe({"canvas": {"size_px": [100, 120]}, "scale": 1.0})
    sample = look_at_real(points, phantom_dir / "images", recipe, bank, most=3, seed=0)
    looks, images = sample.looks, sample.images
    assert {image.shape for image in images} == {(100, 120, 3)}
    assert looks.counts.sum() < points.counts().sum()
    # The window is where it says: the image there is that of the file.
    whole = {
        name: np.asarray(Image.open(phantom_dir / "images" / name).convert("RGB")) for name in points.images
    }
    number = int(np.random.default_rng([0, 0]).permutation(len(points.images))[0])
    low = np.random.default_rng([0, 1, number]).integers(
        np.array(whole[points.images[number]].shape[:2]) - (99, 119)
    )
    shown = whole[points.images[number]][low[0] : low[0] + 100, low[1] : low[1] + 120]
    np.testing.assert_array_equal(images[0], shown)


def test_scenes_are_cut_to_the_shape_of_real_images(bank: PatchBank) -> None:
    recipe = make_recipe({"canvas": {"size_px": [200, 200]}})
    shapes = [(200, 200), (120, 200)]
    first = look_at_scenes(recipe, bank, shapes, seed=3)
    again = look_at_scenes(recipe, bank, shapes, seed=3)
    assert {scene.shape for scene in first.images} == {(200, 200, 3)}
    assert first.shapes_px == shapes
    np.testing.assert_array_equal(first.looks.colors, again.looks.colors)
    whole = look_at_scenes(recipe, bank, [(200, 200)] * 5, seed=3)
    assert len(whole.images) == 4
    assert whole.looks.counts[0].tolist() == first.looks.counts[0].tolist()
    assert whole.looks.counts[1].sum() >= first.looks.counts[1].sum()


def test_objects_that_are_not_painted_do_not_count(bank: PatchBank) -> None:
    places = {"max_overlap": 0.9, "min_visible": 0.9}
    recipe = make_recipe({"canvas": {"size_px": [120, 120]}, "scale": 1.0, "placement": places})
    scenes = [render(draw_plan(recipe, bank, 0, index), bank) for index in range(24)]
    assert any(len(scene) < len(scene.plan) for scene in scenes)
    looks = look_at_scenes(recipe, bank, [(120, 120)] * 24, seed=0).looks
    within = [
        ((c >= 0) & (c < 120)).all(axis=1) for c in (scene.plan.centers_px[scene.painted] for scene in scenes)
    ]
    expected = [
        np.bincount(s.labels[own], minlength=3).tolist() for s, own in zip(scenes, within, strict=True)
    ]
    assert looks.counts.tolist() == expected
