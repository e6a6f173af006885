from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.bank.backdrops import Backdrops
from synthmed.scenes.backdrop import BackdropWindow, draw_window, paint_window, reflected
from synthmed.scenes.paste import linear_taps
from synthmed.scenes.resize import resize
from synthmed.scenes.window_light import window_colors


def backdrops_of(*shapes: tuple[int, int], seed: int = 0) -> Backdrops:
    sides = np.array(shapes, dtype=np.int64)
    pixels = np.random.default_rng(seed).integers(0, 256, (int(sides.prod(axis=1).sum()), 3), dtype=np.uint8)
    return Backdrops(pixels, sides, np.zeros(len(sides), dtype=np.int64))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_reflection_is_that_of_numpy(length: int) -> None:
    line = np.arange(length)
    expected = np.pad(line, 3 * length, mode="symmetric")
    assert reflected(np.arange(-3 * length, 4 * length), length).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("window", "rows", "columns"),
    [
        (BackdropWindow(0, (4, 5), (0, 0), (False, False), False), [0, 1], [0, 1, 2]),
        (BackdropWindow(0, (4, 5), (2, 1), (False, False), False), [2, 3], [1, 2, 3]),
        (BackdropWindow(0, (4, 5), (-1, 3), (False, False), False), [0, 0], [3, 4, 4]),
        (BackdropWindow(0, (4, 5), (2, 1), (True, False), False), [3, 2], [1, 2, 3]),
        (BackdropWindow(0, (4, 5), (2, 1), (True, True), False), [3, 2], [3, 2, 1]),
    ],
)
def test_a_canvas_at_the_scale_of_the_backdrop(
    window: BackdropWindow, rows: list[int], columns: list[int]
) -> None:
    backdrops = backdrops_of((4, 5))
    expected = backdrops.backdrop(0)[np.ix_(rows, columns)]
    assert np.array_equal(paint_window(window, backdrops, (2, 3)), expected)


def test_turned() -> None:
    backdrops = backdrops_of((4, 5))
    window = BackdropWindow(0, (5, 4), (0, 0), (False, False), True)
    expected = backdrops.backdrop(0).swapaxes(0, 1)
    assert np.array_equal(paint_window(window, backdrops, (5, 4)), expected)


def shown_by_numpy(window: BackdropWindow, backdrops: Backdrops, shape: tuple[int, int]) -> np.ndarray:
    """A window by numpy alone but for the resizing."""
    source = backdrops.backdrop(window.number)
    wanted = window.shape_px[::-1] if window.turned else window.shape_px
    whole = np.zeros((*wanted, 3), dtype=np.uint8)
    taps = [linear_taps(old, new) for old, new in zip(source.shape, wanted, strict=False)]
    resize(source.ravel(), 3, source.shape[1], taps[0], taps[1], whole.reshape(-1))
    whole = whole.swapaxes(0, 1) if window.turned else whole
    lines = [
        reflected(np.arange(begin, begin + size), length)[:: -1 if backwards else 1]
        for begin, size, length, backwards in zip(
            window.origin_px, shape, window.shape_px, window.mirrored, strict=True
        )
    ]
    return whole[np.ix_(*lines)]


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    canvas=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    scale=st.floats(0.05, 3),
    seed=st.integers(0, 99),
)
def test_every_window_can_be_painted_and_has_a_colour(
    shape: tuple[int, int], canvas: tuple[int, int], scale: float, seed: int
) -> None:
    backdrops = backdrops_of(shape, (3, 3))
    window = draw_window(canvas, backdrops, scale, np.random.default_rng(seed))
    image = paint_window(window, backdrops, canvas)
    assert image.shape == (*canvas, 3) and image.flags.c_contiguous
    assert np.array_equal(image, shown_by_numpy(window, backdrops, canvas))
    assert np.array_equal(image, paint_window(window, backdrops, canvas))
    centers = np.random.default_rng(seed).uniform(-5, 45, (6, 2))
    assert window_colors(window, backdrops, canvas, centers).shape == (6, 3)


def test_where_the_backdrop_is_larger_no_border_is_seen() -> None:
    backdrops = backdrops_of((50, 60))
    rng = np.random.default_rng(0)
    windows = [draw_window((20, 20), backdrops, 1.0, rng) for _ in range(300)]
    for window in windows:
        for begin, length in zip(window.origin_px, window.shape_px, strict=True):
            assert 0 <= begin <= length - 20
    assert len({window.origin_px for window in windows}) > 200
    assert {window.turned for window in windows} == {False, True}
