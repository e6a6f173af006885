"""How many scenes one core composes in a second, beside memcpy of the canvas: `python benchmarks/compose.py`.

A second table counts the bytes that a scene of the default recipe moves, as a multiple of what memcpy moves.

A scene is 416 x 416 px with 40 objects of 24 px, pasted with their round matte, by the default recipe at
scale 1. Copying the canvas is what no compositor can undercut, so it stands in the table as the floor. The
seconds are those that the process had of its core, so that others on the machine disturb as little as can be.
"""

# ruff: noqa: E402 -- the number of threads is read when numpy and numba load

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from _machine import processor
from PIL import Image
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank, build_bank, make_spec, open_bank, save_bank
from synthmed.points import PointSet
from synthmed.scenes import Recipe, draw_plan, make_recipe, render
from synthmed.scenes.paste import filled_up

SIDE_PX = 416
OBJECT_PX = 24
OBJECTS = {"red": 20, "white": 15, "rod": 5}
IMAGES = 4
PER_AXIS = 10

PLAIN: dict[str, Any] = {"kind": "background", "noise": False}
NOISE: dict[str, Any] = {"kind": "background"}
BACKDROP: dict[str, Any] = {"kind": "backdrop"}


@click.command()
@click.option("--scenes", default=50, show_default=True, help="Scenes per repeat.")
@click.option("--repeats", default=30, show_default=True, help="Repeats; the best counts.")
def main(scenes: int, repeats: int) -> None:
    """Print one table of scenes per second on one core."""
    with tempfile.TemporaryDirectory() as folder:
        bank = synthetic_bank(Path(folder))
        rows = measure(bank, scenes, repeats)
        moved = traffic(bank)
    floor_s = rows[0][1]
    table = Table(
        title=f"{SIDE_PX} px, {sum(OBJECTS.values())} objects of {OBJECT_PX} px, round matte, one core"
    )
    for name in ("what", "scenes/s", "us/scene", "x memcpy"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for what, seconds in rows:
        table.add_row(what, f"{1 / seconds:,.0f}", f"{seconds * 1e6:,.0f}", f"{seconds / floor_s:,.1f}")
    console = Console()
    console.print(table)
    console.print(f"best of {repeats} repeats of {scenes} scenes; {processor()}; numpy {np.__version__}")
    console.print(traffic_table(moved))


def traffic(bank: PatchBank, scenes: int = 50) -> dict[str, tuple[float, float, bool]]:
    """Bytes that each pass of `render` reads and writes for a scene of the default recipe, on average.

    Every array that a pass goes through counts, in each pass anew, as if there were no caches; a pixel that
    is mixed from two counts both. What is looked up per object (40 rows of a dozen columns) is left out.

    Returns:
        For each pass bytes read, bytes written, and whether its buffers are those of one object, some kB that
        stay in the first cache.
    """
    canvas = SIDE_PX * SIDE_PX
    recipe = benchmark_recipe(BACKDROP, 0.1)
    plans = [draw_plan(recipe, bank, 0, index) for index in range(scenes)]
    patch = between = sprite = filled = shown = 0.0
    for plan in plans:
        rows, columns = bank.shapes_px[plan.patch_index].T
        odd = plan.quarter_turns % 2
        tall = plan.sizes_px[np.arange(len(plan)), odd]
        filled_px = [plan.sizes_px[k, 0] * filled_up(int(plan.sizes_px[k, 1])) for k in range(len(plan))]
        patch += (rows * columns).sum() / scenes
        between += (tall * columns).sum() / scenes
        sprite += plan.sizes_px.prod(axis=1).sum() / scenes
        filled += sum(filled_px) / scenes
        low, high = plan.centers_px - plan.sizes_px / 2, plan.centers_px + plan.sizes_px / 2
        shown += (high.clip(max=SIDE_PX) - low.clip(min=0)).prod(axis=1).sum() / scenes
    # What fills up the rows of a sprite is blended like the rest.
    shown *= filled / sprite
    quad = 8
    return {
        "backdrop to canvas": (3 * canvas, 3 * canvas, False),
        "map of owners cleared": (0, 2 * canvas, False),
        "patch and matte to quads": (4 * patch, quad * patch, True),
        "rows resized": (2 * quad * between, quad * between, True),
        "columns resized, turned": (2 * quad * sprite, quad * filled, True),
        "solid pixels counted": (quad * filled, 0, True),
        "blended into the canvas": ((quad + 3) * shown, 3 * shown, False),
        "written into the map": ((quad + 2) * shown, 2 * shown, False),
        "visible pixels counted": (2 * shown, 0, False),
    }


def traffic_table(moved: dict[str, tuple[float, float, bool]]) -> Table:
    """The passes, their sum, and what of it does not stay in the first cache."""
    memcpy = 2 * 3 * SIDE_PX * SIDE_PX
    table = Table(title="Bytes moved for a scene of the default recipe, size jitter")
    for name in ("pass", "kB read", "kB written", "x memcpy"):
        table.add_column(name, justify="left" if name == "pass" else "right")
    far = [(read, written) for read, written, near in moved.values() if not near]
    rows = {name: (read, written) for name, (read, written, _) in moved.items()}
    rows["all"] = (sum(read for read, _ in rows.values()), sum(written for _, written in rows.values()))
    rows["all but what one object's buffers hold"] = (sum(read for read, _ in far), sum(w for _, w in far))
    for name, (read, written) in rows.items():
        share = (read + written) / memcpy
        table.add_row(name, f"{read / 1000:,.0f}", f"{written / 1000:,.0f}", f"{share:.2f}")
    return table


def measure(bank: PatchBank, scenes: int, repeats: int) -> list[tuple[str, float]]:
    """Seconds per scene of each row of the table; the first is the floor."""
    canvas = np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    target = np.empty_like(canvas)
    jobs: dict[str, Callable[[int], object]] = {"memcpy of the canvas": lambda _: np.copyto(target, canvas)}
    for canvas_name, options in {"plain": PLAIN, "noise": NOISE, "backdrop": BACKDROP}.items():
        for jitter in (0.0, 0.1):
            recipe = benchmark_recipe(options, jitter)
            plans = [draw_plan(recipe, bank, 0, index) for index in range(scenes)]
            name = f"{canvas_name} canvas, {'size jitter' if jitter else 'sizes as cut'}"
            jobs[f"{name}: render"] = lambda index, plans=plans: render(plans[index], bank)
            jobs[f"{name}: draw + render"] = lambda index, recipe=recipe: render(
                draw_plan(recipe, bank, 0, index), bank
            )
    best = dict.fromkeys(jobs, float("inf"))
    # Repeats go round all rows, so that a busy moment of the machine does not hit one row alone.
    for repeat in range(repeats + 1):
        for name, job in jobs.items():
            start = time.process_time()
            for index in range(scenes):
                job(index)
            # The first round compiles and warms the caches.
            if repeat:
                best[name] = min(best[name], (time.process_time() - start) / scenes)
    return list(best.items())


def benchmark_recipe(canvas: dict[str, Any], jitter: float) -> Recipe:
    """The default recipe with fixed counts at scale 1."""
    return make_recipe(
        {
            "canvas": {"size_px": (SIDE_PX, SIDE_PX), **canvas},
            "counts": {"kind": "fixed", "fixed": OBJECTS},
            "objects": {"size_jitter": jitter},
            "scale": 1.0,
        }
    )


def synthetic_bank(folder: Path) -> PatchBank:
    """A bank of discs on a noisy ground, saved and opened memory-mapped like any other."""
    rng = np.random.default_rng(0)
    at = (np.arange(PER_AXIS) + 0.5) * SIDE_PX / PER_AXIS
    centers_px = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2)
    row, column = np.indices((SIDE_PX, SIDE_PX)) + 0.5
    names = tuple(f"{i}.png" for i in range(IMAGES))
    for name in names:
        grey = np.full((SIDE_PX, SIDE_PX), 215.0)
        for center in centers_px:
            grey -= 60 * (np.hypot(row - center[0], column - center[1]) < OBJECT_PX * 0.45)
        noisy = grey[:, :, None] + rng.normal(0, 4, size=(SIDE_PX, SIDE_PX, 1)) + rng.normal(0, 1, size=3)
        Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)).save(folder / name)
    count = IMAGES * len(centers_px)
    points = PointSet(
        classes=tuple(OBJECTS),
        images=names,
        image_shapes_px=np.full((IMAGES, 2), SIDE_PX, dtype=np.int64),
        splits=("train",) * IMAGES,
        groups=("",) * IMAGES,
        centers_px=np.tile(centers_px, (IMAGES, 1)),
        image_index=np.repeat(np.arange(IMAGES), len(centers_px)),
        labels=np.arange(count) % len(OBJECTS),
        annotation_ids=np.arange(count).astype(str),
        edge=np.zeros(count, dtype=bool),
        sizes_px=np.full((count, 2), np.nan),
    )
    spec = make_spec(sizes_px=dict.fromkeys(OBJECTS, float(OBJECT_PX)), variation=0.0, matte="round")
    save_bank(build_bank(points, folder, spec), folder / "bank")
    return open_bank(folder / "bank")


if __name__ == "__main__":
    main()
