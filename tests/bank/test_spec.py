from __future__ import annotations

from typing import Any

import pytest

from synthmed.bank import BankSpec, make_spec
from synthmed.errors import BankError


def test_defaults() -> None:
    spec = make_spec(sizes_px={})
    assert spec == BankSpec(sizes_px={})
    assert (spec.splits, spec.border, spec.allow_groups) == (("train",), "drop", ())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "sizes_px"),
        ({"sizes_px": {"a": 2.9}}, "sizes_px: size of 'a'"),
        ({"sizes_px": {"a": 10_001}}, "sizes_px: size of 'a'"),
        ({"sizes_px": {"a": float("nan")}}, "sizes_px: size of 'a'"),
        ({"sizes_px": {"a": "wide"}}, "sizes_px.a"),
        ({"sizes_px": {}, "variation": 1.0}, "variation"),
        ({"sizes_px": {}, "variation": float("nan")}, "variation"),
        ({"sizes_px": {}, "feather": 0.0}, "feather"),
        ({"sizes_px": {}, "border": "wrap"}, "border"),
        ({"sizes_px": {}, "matte": "oval"}, "matte"),
        ({"sizes_px": {}, "seed": -1}, "seed"),
        ({"sizes_px": {}, "bordr": "pad"}, "bordr"),
    ],
)
def test_mistakes_name_the_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(BankError, match=f"^{field}"):
        make_spec(**values)
