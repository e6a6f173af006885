from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthmed.scenes.paste import linear_taps, walk
from synthmed.scenes.resize import resize


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 3), st.booleans(), st.integers(0, 3))
def test_a_walk_mirrors_and_turns_as_numpy_does(
    height: int, width: int, more: int, flip: bool, turns: int
) -> None:
    array = np.arange(height * (width + more)).reshape(height, width + more)
    shown = array[:, :width]
    expected = np.rot90(np.fliplr(shown) if flip else shown, turns)
    start, down, right = walk(height, width, width + more, flip, turns)
    row, column = np.indices(expected.shape)
    assert np.array_equal(array.ravel()[start + down * row + right * column], expected)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns, channels = image.shape
    out = np.zeros(height * width * channels + 5, dtype=np.uint8)
    resize(image.ravel(), channels, columns, linear_taps(rows, height), linear_taps(columns, width), out)
    assert (out[height * width * channels :] == 0).all()
    return out[: height * width * channels].reshape(height, width, channels)


def interpolated(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear interpolation in floating point, pixel centres on pixel centres."""
    found = image.astype(float)
    for axis, target in ((0, height), (1, width)):
        size = found.shape[axis]
        at = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, size - 1)
        shape = [1, 1, 1]
        shape[axis] = target
        weight = (at - low).reshape(shape)
        found = found.take(low, axis) * (1 - weight) + found.take(high, axis) * weight
    return found


images = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])))


@given(images)
def test_the_same_size_is_the_same_image(image: np.ndarray) -> None:
    assert np.array_equal(resized(image, *image.shape[:2]), image)


@given(images, st.integers(1, 25), st.integers(1, 25))
def test_resizing_is_bilinear(image: np.ndarray, height: int, width: int) -> None:
    # Weights are whole 1/256, so that each axis may be off by 1/256 of the range, and rounding adds a half.
    assert np.abs(resized(image, height, width) - interpolated(image, height, width)).max() <= 2.5
    assert resized(image, height, width).min() >= image.min()
    assert resized(image, height, width).max() <= image.max()


@given(st.integers(1, 300), st.integers(1, 300))
def test_taps_lie_where_pixel_centres_do(size: int, target: int) -> None:
    before, weight = linear_taps(size, target)
    at = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    assert (before >= 0).all() and (before < size).all()
    assert (weight >= 0).all() and (weight < 256).all()
    # The last pixel has no next one, and asks for none.
    assert (weight[before == size - 1] == 0).all()
    assert before + weight / 256 == pytest.approx(at, abs=1.1 / 256 + target / 65536)


@pytest.mark.parametrize(("size", "target"), [(20_000, 20_000), (20_000, 3), (3, 20_000)])
def test_taps_of_large_patches(size: int, target: int) -> None:
    before, weight = linear_taps(size, target)
    at = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    assert before + weight / 256 == pytest.approx(at, abs=0.2)
