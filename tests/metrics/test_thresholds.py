from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthmed.errors import ModelError
from synthmed.metrics.thresholds import read_thresholds, thresholds_of, write_thresholds


@pytest.mark.parametrize("source", [None, "", {}])
def test_no_thresholds(source: Any) -> None:
    assert read_thresholds(source) == {}


def test_a_file_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    write_thresholds({"iou": {"RBC": 0.25}, "center": {"RBC": 0.5}}, path)
    write_thresholds({"iou": {"RBC": 0.75}}, path)
    expected = {"iou": {"RBC": 0.75}, "center": {"RBC": 0.5}}
    assert read_thresholds(path) == read_thresholds(str(path)) == read_thresholds(expected) == expected


@pytest.mark.parametrize("text", ["", "[1]", '{"iou": 1}', '{"iou": {"RBC": "much"}}'])
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ModelError, match="thresholds"):
        read_thresholds(tmp_path / "t.json")


def test_thresholds_of() -> None:
    assert thresholds_of({"a": 1, "b": 2, "c": 3}, ("b", "a")).tolist() == [2, 1]
    with pytest.raises(ModelError, match=r"the thresholds lack a class \(got 'd, e'\)"):
        thresholds_of({"a": 1}, ("d", "a", "e"))
