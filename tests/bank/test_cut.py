from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.bank.background import Background
from synthmed.bank.cut import Windows, cut_patch, local_background, place_windows

SHAPE = np.array([20, 30])


def windows_of(centers: list[tuple[float, float]], sides: list[int], border: str) -> Windows:
    return place_windows(np.array(centers).reshape(-1, 2), np.array(sides, dtype=np.int64), SHAPE, border)


@pytest.mark.parametrize("border", ["drop", "shift", "pad"])
def test_no_points_give_no_windows(border: str) -> None:
    windows = windows_of([], [], border)
    assert windows.low_px.shape == windows.high_px.shape == (0, 2)
    assert windows.cut_off.shape == windows.usable.shape == (0,)


@pytest.mark.parametrize(
    ("center", "side", "border", "low", "cut_off", "usable"),
    [
        ((10.5, 10.5), 3, "drop", (9, 9), 0.0, True),
        ((10.0, 10.0), 4, "drop", (8, 8), 0.0, True),
        ((1.0, 10.0), 4, "drop", (-1, 8), 0.25, False),
        ((1.0, 10.0), 4, "shift", (-1, 8), 0.25, True),
        ((1.0, 10.0), 4, "pad", (-1, 8), 0.25, True),
        ((19.9, 29.9), 4, "shift", (18, 28), 1 - 4 / 16, True),
        ((10.0, 10.0), 21, "shift", (0, 0), 1 - 20 / 21, False),
        ((-9.0, 10.0), 4, "pad", (-11, 8), 1.0, False),
    ],
)
def test_border_policies(
    center: tuple[float, float], side: int, border: str, low: tuple[int, int], cut_off: float, usable: bool
) -> None:
    windows = windows_of([center], [side], border)
    assert windows.usable.tolist() == [usable]
    if usable:
        assert windows.low_px.tolist() == [list(low)]
    if side <= SHAPE.min():
        assert windows.cut_off[0] == pytest.approx(cut_off)


@given(
    st.floats(0, 19.99), st.floats(0, 29.99), st.integers(3, 40), st.sampled_from(["drop", "shift", "pad"])
)
def test_windows_keep_their_promises(row: float, column: float, side: int, border: str) -> None:
    windows = windows_of([(row, column)], [side], border)
    low, high = windows.low_px[0], windows.high_px[0]
    plain = windows_of([(row, column)], [side], "pad")
    inside = np.zeros((200, 200), dtype=bool)
    inside[100:120, 100:130] = True
    first, last = plain.low_px[0] + 100, plain.high_px[0] + 100
    seen = inside[first[0] : last[0], first[1] : last[1]]

    assert (high - low == side).all()
    assert seen.shape == (side, side)
    assert windows.cut_off[0] == pytest.approx(1 - seen.mean())
    assert (np.abs((plain.low_px[0] + plain.high_px[0]) / 2 - (row, column)) <= 0.5).all()
    if border == "drop":
        assert windows.usable[0] == seen.all()
    elif border == "shift":
        assert windows.usable[0] == (side <= 20)
    else:
        assert windows.usable[0] == seen.any()
    assert (low == plain.low_px[0]).all() and (high == plain.high_px[0]).all()


@given(st.integers(-15, 25), st.integers(-15, 35), st.integers(1, 12), st.integers(1, 12))
def test_patches_are_crops_of_the_padded_image(row: int, column: int, height: int, width: int) -> None:
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    margin = 20
    canvas = np.full((20 + 2 * margin, 30 + 2 * margin, 3), (7, 8, 9), dtype=np.uint8)
    canvas[margin:-margin, margin:-margin] = image
    known = np.zeros(canvas.shape[:2], dtype=bool)
    known[margin:-margin, margin:-margin] = True
    window = np.s_[row + margin : row + margin + height, column + margin : column + margin + width]

    low = np.array([row, column])
    patch, shown = cut_patch(image, low, low + np.array([height, width]), np.array([7.2, 7.8, 9.0]))
    assert np.array_equal(patch, canvas[window])
    assert np.array_equal(shown, known[window])


def test_local_background_is_that_beside_the_object() -> None:
    image = np.full((60, 60, 3), 200, dtype=np.uint8)
    image[:, 30:] = 190  # the light is uneven
    image[5:15, 5:15] = 90
    image[5:15, 45:55] = 90
    everywhere = Background(np.array([200.0, 200.0, 200.0]), 0.0)
    left = local_background(image, np.array([4, 4]), np.array([16, 16]), everywhere)
    right = local_background(image, np.array([4, 44]), np.array([16, 56]), everywhere)
    assert left.tolist() == [200, 200, 200]
    assert right.tolist() == [190, 190, 190]


def test_local_background_falls_back_where_neighbours_leave_none() -> None:
    image = np.full((60, 60, 3), 90, dtype=np.uint8)
    everywhere = Background(np.array([200.0, 201.0, 202.0]), 1.0)
    assert local_background(image, np.array([4, 4]), np.array([16, 16]), everywhere).tolist() == [
        200,
        201,
        202,
    ]


def test_local_background_at_the_corner_of_the_image() -> None:
    image = np.full((20, 20, 3), 150, dtype=np.uint8)
    everywhere = Background(np.array([155.0, 155.0, 155.0]), 1.0)
    found = local_background(image, np.array([-6, -6]), np.array([6, 6]), everywhere)
    assert found.tolist() == [150, 150, 150]
