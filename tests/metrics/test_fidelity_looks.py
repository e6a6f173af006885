from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from synthmed.metrics.fidelity_looks import Looks, join, look_at


def discs(
    places: list[tuple[float, float]], diameters: list[float], levels: list[int], shape_px: tuple[int, int]
) -> np.ndarray:
    """Dark discs on a light ground with a little noise."""
    noise = np.random.default_rng(0).integers(-2, 3, size=(*shape_px, 1))
    image = np.broadcast_to(200 + noise, (*shape_px, 3)).copy()
    rows, columns = np.indices(shape_px) + 0.5
    for (row, column), diameter, level in zip(places, diameters, levels, strict=True):
        image[np.hypot(rows - row, columns - column) <= diameter / 2] = level
    return image.astype(np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_one_image(scale: float, rng: np.random.Generator) -> None:
    places, diameters = [(50.0, 50.0), (50.0, 110.0), (110.0, 110.0)], [24.0, 24.0, 36.0]
    image = discs(places, diameters, [100, 100, 60], (160, 160))
    looks = look_at(image, np.array(places), np.array([0, 0, 1]), np.array([25.0, 36.0]) / scale, scale, rng)
    assert looks.counts.tolist() == [[2, 1]]
    np.testing.assert_allclose(looks.diameters_px * scale, diameters, atol=1.5)
    np.testing.assert_allclose(looks.nearest_px * scale, 60)
    np.testing.assert_allclose(looks.nearest_own_px * scale, [60, 60, np.nan])
    np.testing.assert_allclose(looks.background, 200, atol=1)
    np.testing.assert_allclose(looks.colors.mean(axis=(1, 2)), [100, 100, 60], atol=6)
    np.testing.assert_allclose(looks.contrast, np.sqrt(3) * np.array([100, 100, 140]), atol=8)
    covered = 100 * np.pi / 4 * (np.array(diameters) ** 2).sum() / 160**2
    assert looks.foreground[0] == pytest.approx(covered, abs=1)
    assert 0.5 < looks.noise[0] < 2.5


@pytest.mark.parametrize("turned", [False, True])
def test_noise_is_that_between_the_objects(turned: bool, rng: np.random.Generator) -> None:
    image = discs([], [], [], (120, 120)).astype(float)
    image += rng.normal(0, 3, (120, 120, 1))
    image[40:80, 40:80] = 120 + 30 * rng.random((40, 40, 1))  # a grained object
    image = np.clip(image, 0, 255).astype(np.uint8)
    image = np.ascontiguousarray(image.swapaxes(0, 1)) if turned else image
    looks = look_at(image, np.array([(60.0, 60.0)]), np.zeros(1, dtype=np.int64), np.array([40.0]), 1.0, rng)
    assert looks.noise[0] == pytest.approx(np.hypot(3, np.sqrt(2)), rel=0.1)


def test_an_image_full_of_objects_has_no_noise_to_tell(rng: np.random.Generator) -> None:
    rows = np.indices((12, 12))[0]
    image = np.repeat((rows * 20)[..., None], 3, axis=2).astype(np.uint8)
    looks = look_at(image, np.array([(6.0, 6.0)]), np.zeros(1, dtype=np.int64), np.array([5.0]), 1.0, rng)
    assert np.isnan(looks.noise[0])


def test_an_image_without_objects(rng: np.random.Generator) -> None:
    looks = look_at(
        discs([], [], [], (64, 64)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64), np.array([9.0]), 1.0, rng
    )
    assert looks.counts.tolist() == [[0]]
    assert len(looks.labels) == len(looks.colors) == 0


def test_what_the_border_cuts_has_no_diameter(rng: np.random.Generator) -> None:
    image = discs([(4.0, 40.0), (40.0, 40.0)], [20.0, 20.0], [90, 90], (80, 80))
    labels = np.zeros(2, dtype=np.int64)
    looks = look_at(image, np.array([(4.0, 40.0), (40.0, 40.0)]), labels, np.array([20.0]), 1.0, rng)
    assert np.isnan(looks.diameters_px).tolist() == [True, False]


def test_images_can_be_joined_and_chosen(rng: np.random.Generator) -> None:
    empty = look_at(
        discs([], [], [], (64, 64)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64), np.array([9.0]), 1.0, rng
    )
    one, two = (
        look_at(
            discs([(30.0, 30.0)], [16.0], [level], (64, 64)),
            np.array([(30.0, 30.0)]),
            np.zeros(1, dtype=np.int64),
            np.array([16.0]),
            1.0,
            rng,
        )
        for level in (80, 120)
    )
    both = join([one, empty, two])
    assert both.image_index.tolist() == [0, 2]
    again = both.of_images(np.array([2, 0]))
    assert again.counts.tolist() == [[1], [1]]
    assert again.image_index.tolist() == [1, 0]
    for field in fields(Looks):
        if field.name != "image_index":
            np.testing.assert_array_equal(
                getattr(both.of_images(np.array([2])), field.name), getattr(two, field.name)
            )
