from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthmed.bank import open_bank
from synthmed.datasets import read_manifest, read_report
from synthmed.datasets.manifest import rendering_spec, to_json
from synthmed.errors import DatasetError
from synthmed.scenes import Recipe, make_recipe

WHOLE = {
    "schema_version": 2,
    "count": 2,
    "seed": 0,
    "classes": ["a"],
    "class_sizes_px": [4.5],
    "objects": {"a": 3},
    "unplaced": {"a": 1},
}


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(to_json({**WHOLE, "note": "Ärzte"}, indent=2))
    assert read_manifest(tmp_path) == {**WHOLE, "note": "Ärzte"}
    assert read_report(tmp_path) == (tmp_path, 2, {"a": 3}, {"a": 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no rendered dataset here.*run `synthmed render`"),
        (b"", "cannot be read.*delete the folder"),
        (b"\xff", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "holds no JSON object"),
        (b"{}", r"schema version than 2.*render it again"),
        (to_json({**WHOLE, "schema_version": 3}), r"schema version than 2.*got 3"),
        (
            to_json({k: v for k, v in WHOLE.items() if k not in ("objects", "count")}),
            "missing.*count, objects",
        ),
    ],
)
def test_folders_that_are_no_finished_rendering(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_report(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "a"},
        {"classes": ["a", "b"]},
        {"objects": {"a": "3"}},
        {"objects": {"b": 3}},
        {"unplaced": None},
        {"class_sizes_px": []},
        {"count": [1]},
    ],
)
def test_a_manifest_of_other_types_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    (tmp_path / "manifest.json").write_bytes(to_json(WHOLE | change))
    with pytest.raises(DatasetError, match="render it again"):
        read_report(tmp_path)


def test_an_unfinished_rendering_says_so(tmp_path: Path) -> None:
    (tmp_path / "unfinished.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"not finished.*run the same `synthmed render` command again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("recipe", "count", "seed", "different"),
    [
        ({}, 5, 1, set()),
        ({}, 6, 1, {"count"}),
        ({}, 5, 2, {"seed"}),
        ({"objects": {"flips": False}}, 5, 1, {"recipe"}),
        ({"scale": 0.5}, 5, 1, {"recipe", "scale", "class_sizes_px"}),
    ],
)
def test_whatever_decides_the_bytes_is_in_the_spec(
    phantom_bank_dir: Path, recipe: dict[str, Any], count: int, seed: int, different: set[str]
) -> None:
    bank = open_bank(phantom_bank_dir)
    base = rendering_spec(bank, Recipe(), 5, 1)
    other = rendering_spec(bank, make_recipe(recipe), count, seed)
    assert json.loads(to_json(base)) == base
    assert {key for key in base if base[key] != other[key]} == different
    assert base["bank_hash"] == bank.hash
    # 360 x 480 px images fit the 416 px canvas at 416 / 480.
    assert base["scale"] == pytest.approx(416 / 480)
    assert base["class_sizes_px"] == pytest.approx([s * 416 / 480 for s in (10, 29, 43)], abs=1e-3)
