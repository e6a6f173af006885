from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthmed.detect.scaled import ScaledImage, pad_with_median
from synthmed.points import ImageSource, open_image

SIDES = st.integers(1, 90)


class Pixels(ImageSource):
    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image, self.shape_px = image, (image.shape[0], image.shape[1])

    def read_region(self, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.uint8]:
        assert (low_px >= 0).all()
        assert (high_px <= self.shape_px).all()
        return self.image[low_px[0] : high_px[0], low_px[1] : high_px[1]]


@given(height=SIDES, width=SIDES, scale=st.floats(0.1, 3), data=st.data())
def test_a_window_is_a_part_of_the_whole(height: int, width: int, scale: float, data: st.DataObject) -> None:
    image = np.random.default_rng(height * 91 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    scaled = ScaledImage.at_scale(Pixels(image), scale)
    whole = scaled.read((0, 0), scaled.shape_px)
    assert whole.shape == (*scaled.shape_px, 3)
    low = tuple(data.draw(st.integers(0, side - 1)) for side in scaled.shape_px)
    high = tuple(data.draw(st.integers(a + 1, side)) for a, side in zip(low, scaled.shape_px, strict=True))
    part = scaled.read(low, high)  # type: ignore[arg-type]
    np.testing.assert_array_equal(part, whole[low[0] : high[0], low[1] : high[1]])


def test_nothing_changes_at_scale_one(phantom_dir: Path) -> None:
    path = sorted((phantom_dir / "images").iterdir())[0]
    with open_image(path) as source:
        scaled = ScaledImage.at_scale(source, 1.0)
        np.testing.assert_array_equal(scaled.read((0, 0), scaled.shape_px), source.sample())
        assert scaled.factors.tolist() == [1, 1]


@pytest.mark.parametrize(("shape", "scale", "expected"), [((3, 5), 0.5, (2, 3)), ((9, 9), 0.01, (1, 1))])
def test_shapes_are_rounded(shape: tuple[int, int], scale: float, expected: tuple[int, int]) -> None:
    assert ScaledImage.at_scale(Pixels(np.zeros((*shape, 3), np.uint8)), scale).shape_px == expected


def test_padding_has_the_colour_of_the_background() -> None:
    image = np.full((2, 3, 3), 9, np.uint8)
    image[0, 0] = 200
    padded = pad_with_median(image, 4, 4)
    assert padded.shape == (4, 4, 3)
    assert (padded[2:] == 9).all()
    np.testing.assert_array_equal(padded[:2, :3], image)
