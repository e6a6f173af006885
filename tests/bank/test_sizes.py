from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.bank import parse_sizes
from synthmed.errors import BankError

CLASSES = ["RBC", "white cell", "a=b"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], [None, None, None]),
        (["auto"], [None, None, None]),
        (["RBC=103px", "auto"], [103.0, None, None]),
        (["auto", "RBC = 103 px"], [103.0, None, None]),
        (["RBC=103px", "white cell=.5PX", "a=b=7.px"], [103.0, 0.5, 7.0]),
        (["RBC=103px"], [103.0, None, None]),
        (["RBC=7.5um", "white cell=7.5µm", "a=b=7.5μm"], [75.0, 75.0, 75.0]),
        (["RBC=auto", "white cell=12UM", "a=b=3px"], [None, 120.0, 3.0]),
    ],
)
def test_sizes(texts: list[str], expected: list[float | None]) -> None:
    sizes = parse_sizes(texts, CLASSES, pixel_size_um=0.1)
    assert list(sizes) == CLASSES
    assert list(sizes.values()) == expected


def test_no_classes() -> None:
    assert parse_sizes([], []) == {}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["RBC"], "needs a name and a value"),
        (["103px"], "needs a name and a value"),
        (["RBC=39"], r"'RBC' has no unit \(got '39'\)\. Remedy: write RBC=39px or RBC=39um"),
        (["Platelet=3px", "auto"], "no points.*Platelet"),
        (["RBC=3px", "RBC=4px", "auto"], "two sizes"),
        (["RBC=0px", "auto"], "cannot be read"),
        (["RBC=-3px", "auto"], "cannot be read"),
        (["RBC=1e2px", "auto"], "cannot be read"),
        (["RBC=nan", "auto"], "cannot be read"),
        (["RBC=3mm", "auto"], "cannot be read"),
        (["RBC=", "auto"], "cannot be read"),
        (["RBC=3um", "auto"], "micrometres.*--pixel-size-um"),
    ],
)
def test_mistakes(texts: list[str], message: str) -> None:
    with pytest.raises(BankError, match=message):
        parse_sizes(texts, CLASSES)


@pytest.mark.parametrize("size", ["3um", "3px"])
@pytest.mark.parametrize("pixel_size_um", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pixel_has_a_size(pixel_size_um: float, size: str) -> None:
    with pytest.raises(BankError, match=r"not a positive number.*--pixel-size-um"):
        parse_sizes([f"RBC={size}"], ["RBC"], pixel_size_um)


@given(st.floats(0.01, 9999).map(lambda size: round(size, 3)), st.floats(0.01, 10).map(lambda p: round(p, 3)))
def test_what_is_written_is_read(size: float, pixel_size_um: float) -> None:
    sizes = parse_sizes([f"RBC={size:.3f}px", f"WBC={size:.3f}um"], ["RBC", "WBC"], pixel_size_um)
    assert sizes["RBC"] == size
    assert sizes["WBC"] == pytest.approx(size / pixel_size_um, abs=1e-6)


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_a_message(text: str) -> None:
    try:
        parse_sizes([text], ["RBC"], 0.1)
    except BankError as error:
        assert str(error)
