"""Writing boxes into slots, reading them back, and which slot answers for which object."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthmed.nets.box_grid import BoxGrid

ANCHORS = torch.tensor([[10.0, 10.0], [40.0, 20.0], [20.0, 40.0]])


def grid(rows: int = 4, columns: int = 6, stride: int = 16) -> BoxGrid:
    return BoxGrid(rows, columns, stride, ANCHORS)


def box(x: float, y: float, width: float, height: float) -> list[float]:
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def test_flatten_numbers_the_slots() -> None:
    maps = torch.zeros(2, 3 * 7, 4, 6)
    maps[1, 2 * 7 + 5, 3, 4] = 8.0  # anchor 2, value 5, row 3, column 4
    flat = grid().flatten(maps)
    assert flat.shape == (2, 72, 7) and len(grid()) == 72
    assert flat[1, (3 * 6 + 4) * 3 + 2, 5] == 8 and flat.abs().sum() == 8
    np.testing.assert_array_equal(grid().cells(torch.tensor([(3 * 6 + 4) * 3 + 2])), [[4, 3]])


def test_decode_by_hand() -> None:
    raw = torch.zeros(72, 5)
    raw[(1 * 6 + 2) * 3 + 1] = torch.tensor([np.log(3), -np.log(3), np.log(2), 0.0, 9.0])
    boxes = grid().decode(raw, grid().all_slots())
    np.testing.assert_allclose(boxes[(1 * 6 + 2) * 3 + 1], box(2.75 * 16, 1.25 * 16, 80, 20), rtol=1e-6)
    np.testing.assert_allclose(boxes[0], box(8, 8, 10, 10))


def test_decoding_wild_values_stays_finite() -> None:
    assert torch.isfinite(grid().decode(torch.full((72, 4), 1e4), grid().all_slots())).all()


@given(x=st.floats(0, 95.9), y=st.floats(0, 63.9), width=st.floats(1, 200), height=st.floats(1, 200))
def test_encode_is_the_inverse_of_decode(x: float, y: float, width: float, height: float) -> None:
    boxes = torch.tensor([box(x, y, width, height)], dtype=torch.float64)
    slots = grid().assign(boxes)
    code = grid().encode(boxes, slots)
    raw = torch.cat((torch.special.logit(code[:, :2], eps=1e-9), code[:, 2:]), dim=1)
    np.testing.assert_allclose(grid().decode(raw, slots), boxes, atol=1e-3)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], []),
        ([box(5, 5, 12, 12)], [0]),
        ([box(17, 5, 44, 18)], [1 * 3 + 1]),
        ([box(95.9, 63.9, 20, 44)], [(3 * 6 + 5) * 3 + 2]),
        ([box(96, 64, 20, 44)], [(3 * 6 + 5) * 3 + 2]),  # a centre on the last edge belongs to the last cell
        ([box(5, 5, 12, 12), box(5, 5, 40, 20), box(21, 5, 10, 10)], [0, 1, 3]),
        ([box(5, 5, 12, 12), box(6, 6, 10, 10)], [-1, 0]),  # the one more like the anchor gets it
        ([box(5, 5, 10, 10), box(6, 6, 10, 10)], [0, -1]),  # and the first of equals
    ],
)
def test_assign(boxes: list[list[float]], expected: list[int]) -> None:
    assert grid().assign(torch.tensor(boxes).reshape(-1, 4)).tolist() == expected


@pytest.mark.parametrize(
    ("count", "assigned"),
    [(1, 1), (2, 2), (3, 3), (4, 3)],
)
def test_spilled_objects_take_free_anchors_of_their_cell(count: int, assigned: int) -> None:
    boxes = torch.tensor([box(5, 5, 10 + index, 10) for index in range(count)])
    slots = grid().assign(boxes, spill=True)
    used = slots[slots >= 0]
    assert len(used) == assigned == len(used.unique())
    assert slots[0] == 0 and (used // 3 == 0).all()


def test_a_spilled_object_takes_no_slot_of_another() -> None:
    # The second prefers anchor 0, which is taken; its next best, anchor 1, belongs to the third.
    boxes = torch.tensor([box(5, 5, 10, 10), box(5, 5, 12, 9), box(5, 5, 40, 20)])
    assert grid().assign(boxes, spill=True).tolist() == [0, 2, 1]


def test_touching() -> None:
    regions = torch.tensor([[10.0, 0.0, 17.0, 16.0], [90.0, 60.0, 96.0, 64.0]])
    cells = grid().touching(regions).reshape(4, 6, 3)
    assert cells[..., 0].nonzero().tolist() == [[0, 0], [0, 1], [3, 5]]
    assert (cells == cells[..., :1]).all()
    assert not grid().touching(torch.zeros(0, 4)).any()
