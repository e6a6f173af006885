from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.points.values import flag, number, numbers, shown, text_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        (" 1.5 ", 1.5),
        ("-2", -2.0),
        (7, 7.0),
        ("1e2", 100.0),
        ("nan", None),
        ("-inf", None),
        ("1e999", None),
        ("1_0", None),
        ("1,5", None),
        ("x", None),
        (10**400, None),
        (True, None),
        ([1], None),
    ],
)
def test_number(value: object, expected: float | None) -> None:
    result = number(value)
    assert math.isnan(result) if expected is None else result == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", False),
        (None, False),
        (1, True),
        (1.0, True),
        (0.0, False),
        (True, True),
        ("YES", True),
        ("0", False),
        ("2", None),
        (0.5, None),
        (math.nan, None),
        ([], None),
    ],
)
def test_flag(value: object, expected: bool | None) -> None:
    assert flag(value) is expected


@given(st.lists(st.text(max_size=5) | st.floats().map(repr) | st.sampled_from(["1_0", "1e999", " 3 "])))
def test_a_column_is_its_cells(cells: list[str]) -> None:
    np.testing.assert_array_equal(numbers(cells), np.array([number(cell) for cell in cells], dtype=float))


@given(ANYTHING)
def test_anything_can_be_shown_on_one_short_line(value: object) -> None:
    line = shown(value)
    assert len(line) <= 80
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")


@given(ANYTHING)
def test_text_can_be_written(value: object) -> None:
    assert b"\0" not in text_of(value).encode("utf-8")
