"""The file of results of the zoo as a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FACTS = ("m_parameters", "gflops", "ms_per_image")


def zoo_table(out: Path) -> Iterator[str]:
    """One row per network; of lines that tell the same, such as those of one dataset, the last counts.

    A cell of a dataset holds iterations, CPU minutes, and for each class F1 by overlap and by centres.
    """
    facts: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for text in out.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if "data" not in line:
            facts[line["model"]] = line
            continue
        same = found.setdefault((line["model"], line["data"]), [])
        for one in same:
            # A network that was only judged again, or went on after a kill, has no minutes of its own.
            if (one["seed"], one["iterations"]) == (line["seed"], line["iterations"]):
                line["cpu_minutes"] = line["cpu_minutes"] or one["cpu_minutes"]
        same[:] = [one for one in same if one["seed"] != line["seed"]] + [line]
    names = list(dict.fromkeys(data for _, data in found))
    heads = [f"{name}: F1@0.5, centre F1" for name in names]
    yield _row(["network", "million parameters", "GFLOPs", "CPU ms per image", *heads])
    yield _row(["---"] * (4 + len(names)))
    for model in dict.fromkeys([*facts, *(name for name, _ in found)]):
        told = [str(facts.get(model, {}).get(name, "")) for name in FACTS]
        yield _row([model, *told, *(_cell(found.get((model, name), [])) for name in names)])


def _cell(lines: Sequence[dict[str, Any]]) -> str:
    return "; ".join(
        f"{line['iterations']} iterations, {line['cpu_minutes'] or '?'} min: "
        + ", ".join(
            f"{name} {line['f1_iou'][name]:.2f}, {line['f1_center'][name]:.2f}" for name in line["f1_iou"]
        )
        for line in lines
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
