from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from synthmed.bank.duplicates import THUMBNAIL_PX, find_duplicates, thumbnail


def random_thumbnails(count: int, seed: int = 0) -> np.ndarray:
    """Blobs on a ground, alike in kind and different in detail."""
    rng = np.random.default_rng(seed)
    detail = ndimage.gaussian_filter(rng.normal(size=(count, THUMBNAIL_PX, THUMBNAIL_PX)), (0, 1.5, 1.5))
    rows, columns = np.indices((THUMBNAIL_PX, THUMBNAIL_PX)) - 7.5
    blob = np.where(np.hypot(rows, columns) < 5, 120, 200)
    return np.clip(blob + 100 * detail, 0, 255).astype(np.uint8)


def test_none_and_one() -> None:
    assert find_duplicates(np.zeros((0, 16, 16), np.uint8), np.zeros(0, int)).shape == (0,)
    assert find_duplicates(random_thumbnails(1), np.zeros(1, int)).tolist() == [False]


@pytest.mark.parametrize("count", [6, 200])
def test_the_later_of_two_alike_is_marked(count: int) -> None:
    thumbnails = random_thumbnails(count)
    noise = np.random.default_rng(1).normal(0, 1, thumbnails[0].shape)
    thumbnails[4] = thumbnails[2]
    thumbnails[5] = np.clip(np.rint(thumbnails[1] + noise), 0, 255)
    expected = np.isin(np.arange(count), (4, 5))
    assert np.array_equal(find_duplicates(thumbnails, np.zeros(count, int)), expected)


def test_of_another_class_or_flat_nothing_is_marked() -> None:
    thumbnails = random_thumbnails(3)
    thumbnails[1] = thumbnails[0]
    assert not find_duplicates(thumbnails, np.array([0, 1, 0])).any()
    flat = np.full((4, 16, 16), 100, np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None]
    assert not find_duplicates(flat, np.zeros(4, int)).any()


def test_many_that_are_the_very_same_are_not_compared_with_each_other() -> None:
    thumbnails = np.repeat(random_thumbnails(2), 10_000, axis=0)
    marked = find_duplicates(thumbnails, np.zeros(20_000, int))  # would be 10^8 pairs
    assert marked.sum() == 19_998


def test_thumbnails_repeat_the_border_of_the_image() -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    image[:, 10:] = 200
    inside = thumbnail(image, np.array([4, 2]), np.array([36, 34]))
    assert inside.shape == (16, 16)
    assert inside[:, :4].max() == 0 and inside[:, 4:].min() == 200
    outside = thumbnail(image, np.array([-60, -60]), np.array([-28, -28]))
    assert (outside == 0).all()
