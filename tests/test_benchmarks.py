"""That the benchmarks start: what they print is looked at when they are run."""

from __future__ import annotations

import ast
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
