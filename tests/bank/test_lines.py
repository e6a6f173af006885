from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthmed.bank.lines import continue_lines

SIDE = 90


def drawn(*degrees: float) -> NDArray[np.float32]:
    """The relief of dark lines of 3 px through the middle; 0 degrees is level."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    relief = np.zeros((SIDE, SIDE), dtype=np.float32)
    for angle in np.radians(degrees):
        relief[np.abs(rows * np.cos(angle) - columns * np.sin(angle)) < 1.6] = -60
    return np.repeat(relief[..., None], 3, axis=2)


def continued(relief: NDArray[np.float32], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    return continue_lines(np.where(hole[..., None], 0, relief), ~hole, hole, 2.0)


def disc(row: float = 45, column: float = 45, radius_px: float = 12) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray(np.hypot(rows - row, columns - column) < radius_px)


@pytest.mark.parametrize("degrees", [(), (0,), (90,), (30,), (75,), (0, 90), (20, 110)])
def test_lines_go_on(degrees: tuple[float, ...]) -> None:
    relief, hole = drawn(*degrees), disc()
    found = continued(relief, hole)
    assert not found[~hole].any()
    wrong = np.abs(found - relief).max(axis=2)[hole] > 30
    assert wrong.mean() <= 0.06 * len(degrees)


def test_a_hole_that_meets_another() -> None:
    relief, hole = drawn(90), disc(34) | disc(56)
    for own in (disc(34), disc(56)):
        found = continue_lines(np.where(hole[..., None], 0, relief), ~hole, own, 2.0)
        assert (np.abs(found - relief).max(axis=2)[own] > 30).mean() < 0.06


def test_what_ends_at_the_hole_does_not_go_on() -> None:
    relief, hole = drawn(0), disc()
    relief[:, :45] = 0
    assert not continued(relief, hole).any()


def test_a_line_beside_the_hole_does_not_enter_it() -> None:
    relief, hole = drawn(0), disc(row=60, radius_px=8)
    assert not continued(relief, hole).any()


def test_halos_of_neighbours_are_no_lines() -> None:
    hole = disc()
    relief = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    for column in (27, 63):
        relief[disc(column=column, radius_px=7) & ~disc(column=column, radius_px=4)] = 40
    assert not continued(relief, hole).any()


def test_a_hole_over_the_whole_image() -> None:
    assert not continued(drawn(0), np.ones((SIDE, SIDE), dtype=bool)).any()
