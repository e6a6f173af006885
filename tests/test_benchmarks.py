"""That the benchmarks start: what they print is looked at when they are run."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
import yaml

from synthmed.bank import make_spec
from synthmed.scenes import make_recipe

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ARMS = yaml.safe_load((BENCHMARKS / "transfer_arms.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_every_arm_is_a_bank_and_a_recipe(arm: str) -> None:
    settings = ARMS[arm] or {}
    assert set(settings) <= {"bank", "recipe"}
    make_spec(sizes_px={"cell": 9.0}, **settings.get("bank", {}))
    make_recipe(settings.get("recipe", {}))


def test_benchmarks_call_each_other_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe that compose.py makes is what render.py and peers.py measure with."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import compose

    assert compose.benchmark_recipe(compose.BACKDROP, 0.1).canvas.kind == "backdrop"
    for path in BENCHMARKS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "benchmark_recipe":
                assert len(node.args) == 2 and not node.keywords, f"{path.name}:{node.lineno}"
    sys.modules.pop("compose", None)


def test_the_table_of_the_zoo_keeps_the_minutes_of_a_training_that_is_judged_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from _zoo_table import zoo_table

    first = {"model": "m", "data": "d", "seed": 0, "iterations": 7, "cpu_minutes": 5.1}
    lines = [first | {"f1_iou": {"a": f1}, "f1_center": {"a": 0.5}} for f1 in (0.1, 0.2)]
    lines[1]["cpu_minutes"] = None
    for kept, minutes in ((lines, "5.1"), (lines[1:], "?")):
        (tmp_path / "zoo.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
        assert list(zoo_table(tmp_path / "zoo.jsonl"))[2:] == [
            f"| m |  |  |  | 7 iterations, {minutes} min: a 0.20, 0.50 |"
        ]
