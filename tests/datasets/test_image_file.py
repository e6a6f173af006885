from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from synthmed.datasets.image_file import PNG, encode_image, image_file
from synthmed.errors import DatasetError


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
        lambda shape: arrays(np.uint8, (*shape, 3), elements=st.integers(0, 255))
    )
)
def test_a_png_keeps_every_value(image: np.ndarray) -> None:
    with Image.open(io.BytesIO(encode_image(image, PNG))) as read:
        assert read.format == "PNG" and read.mode == "RGB"
        read.verify()
    with Image.open(io.BytesIO(encode_image(image, PNG))) as read:
        assert np.array_equal(np.asarray(read), image)


def test_a_jpeg_is_near_and_its_quality_counts() -> None:
    row, column = np.indices((64, 80))
    image = np.stack([row * 3, column * 2, 255 - row], axis=-1).astype(np.uint8)
    coarse, fine = (encode_image(image, image_file("jpeg", quality)) for quality in (20, 95))
    assert len(coarse) < len(fine)
    with Image.open(io.BytesIO(fine)) as read:
        assert read.format == "JPEG"
        assert np.abs(np.asarray(read).astype(int) - image).mean() < 2


def test_quality_means_nothing_to_a_png() -> None:
    assert image_file("png", 30) == image_file("png", 95)


@pytest.mark.parametrize(
    ("kind", "quality", "message"),
    [("gif", 95, "png or jpeg.*--image png"), ("jpeg", 0, "1 to 100"), ("jpeg", 101, "--quality 95")],
)
def test_what_there_is_not(kind: str, quality: int, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        image_file(kind, quality)
