"""What each kind of variation costs per scene on one core: `python benchmarks/variation.py`.

Scenes and bank are those of `compose.py`; one row per kind, each alone, beside the default recipe.
"""

# ruff: noqa: E402 -- the number of threads is read when numpy and numba load

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import tempfile
import time
from pathlib import Path
from typing import Any

import click
from compose import BACKDROP, SIDE_PX, benchmark_recipe, processor, synthetic_bank
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank
from synthmed.scenes import draw_plan, make_recipe, render

KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "canvas: illumination": {"canvas": {"kind": "illumination", "size_px": (SIDE_PX, SIDE_PX)}},
    "objects: any rotation": {"objects": {"rotation": "any"}},
    "objects: brightness, contrast, stain": {"objects": {"brightness": 0.03, "contrast": 0.2, "stain": 0.2}},
    "objects: blur": {"objects": {"blur_px": 1}},
    "objects: poisson": {"objects": {"blend": "poisson"}},
    "finish: brightness, contrast, stain, light": {"finish": {"stain": 0.1, "illumination": 0.1}},
    "finish: blur": {"finish": {"blur_px": 1}},
    "finish: noise": {"finish": {"noise": 5}},
    "finish: JPEG": {"finish": {"jpeg_quality": (60, 95)}},
}


@click.command()
@click.option("--scenes", default=20, show_default=True, help="Scenes per repeat.")
@click.option("--repeats", default=5, show_default=True, help="Repeats; the best counts.")
def main(scenes: int, repeats: int) -> None:
    """Print one table of milliseconds per scene."""
    with tempfile.TemporaryDirectory() as folder:
        best = measure(synthetic_bank(Path(folder)), scenes, repeats)
    table = Table("what", "ms/scene", title=f"rendering {SIDE_PX} px, 40 objects, one core")
    for name, seconds in best.items():
        table.add_row(name, f"{seconds * 1e3:.2f}")
    console = Console()
    console.print(table)
    console.print(f"best of {repeats} repeats of {scenes} scenes; {processor()}")


def measure(bank: PatchBank, scenes: int, repeats: int) -> dict[str, float]:
    """Seconds per scene of each kind."""
    base = benchmark_recipe(BACKDROP, 0.1).model_dump()
    plans = {
        name: [draw_plan(make_recipe({**base, **parts}), bank, 0, index) for index in range(scenes)]
        for name, parts in KINDS.items()
    }
    best = dict.fromkeys(KINDS, float("inf"))
    for repeat in range(repeats + 1):
        for name, own in plans.items():
            start = time.process_time()
            for plan in own:
                render(plan, bank)
            # The first round compiles and warms the caches.
            if repeat:
                best[name] = min(best[name], (time.process_time() - start) / scenes)
    return best


if __name__ == "__main__":
    main()
