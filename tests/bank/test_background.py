from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthmed.bank.background import estimate_background
from synthmed.points import read_image, read_points


def discs(
    background: tuple[int, int, int], disc: tuple[int, int, int], *, spacing_px: int, noise: float
) -> np.ndarray:
    """Domed discs of 40 px on a grid: their rim has nearly the colour of the background."""
    rows, columns = np.indices((240, 320))
    row, column = (rows % spacing_px) - spacing_px / 2, (columns % spacing_px) - spacing_px / 2
    dome = np.sqrt(np.clip(1 - (row**2 + column**2) / 20**2, 0, 1))[:, :, None]
    image = np.array(background) * (1 - dome) + np.array(disc) * dome
    image = image + np.random.default_rng(0).normal(0, noise, rows.shape)[:, :, None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("spacing_px", [42, 60, 200])
@pytest.mark.parametrize(
    ("background", "disc"),
    [((200, 205, 198), (150, 120, 140)), ((12, 12, 12), (120, 120, 120)), ((120, 120, 120), (60, 60, 60))],
    ids=["stained", "fluorescent", "grey"],
)
def test_colour_and_noise_between_discs(
    background: tuple[int, int, int], disc: tuple[int, int, int], spacing_px: int, noise: float
) -> None:
    found = estimate_background(discs(background, disc, spacing_px=spacing_px, noise=noise))
    np.testing.assert_allclose(found.color, background, atol=3)
    assert found.color.shape == (3,)
    assert abs(found.noise - noise) < 0.3 + 0.15 * noise


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (5, 2), (700, 3)])
@pytest.mark.parametrize("value", [0, 255])
def test_flat_images_of_any_shape(shape: tuple[int, int], value: int) -> None:
    found = estimate_background(np.full((*shape, 3), value, dtype=np.uint8))
    assert found.color.tolist() == [value] * 3
    assert found.noise == 0


@pytest.mark.parametrize("folder", ["bccd_txl", "ldc_small", "dsb_fixture"])
def test_the_background_of_real_images_is_what_lies_outside_all_boxes(shared_data: Path, folder: str) -> None:
    images = shared_data / folder / "images"
    points = read_points(shared_data / folder / "boxes_train.json", images)
    errors = []
    for index, name in list(enumerate(points.images))[:20]:
        image = read_image(images / name)
        outside = np.ones(image.shape[:2], dtype=bool)
        for top, left, bottom, right in points.boxes_px()[points.image_index == index].astype(int):
            outside[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = False
        errors.append(np.abs(estimate_background(image).color - np.median(image[outside], axis=0)).max())
    assert np.median(errors) <= 3
    assert np.max(errors) <= 12
