"""Do objects of scenes lie as far from each other as real ones? `python benchmarks/layout.py DATA`.

The Wasserstein distance of nearest-neighbour distances, in source pixels: between two halves of
the train images (the floor; the mean of 20 partitions), and between the train images and scenes whose places
are uniform and clustered, at two limits of overlap. Scenes have the default counts; nothing is rendered.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank, Quality, make_spec, resolve_sizes
from synthmed.bank.clicks import Clicks
from synthmed.bank.quality import nearest_others
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_points
from synthmed.scenes import Recipe, draw_plan, make_recipe, scene_scale

LIMITS = (0.25, 0.6)
KINDS = ("uniform", "clustered")
PARTITIONS = 20
PHANTOM_SIZES = ("Bacteria=10px", "RBC=29px", "WBC=43px")


def wasserstein_px(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The mean distance of their quantiles."""
    shares = (np.arange(2000) + 0.5) / 2000
    return float(np.abs(np.quantile(first, shares) - np.quantile(second, shares)).mean())


def real_distances(bank: PatchBank) -> list[NDArray[np.float64]]:
    known = np.isfinite(bank.clicks.nearest_px)
    return [
        bank.clicks.nearest_px[known & (bank.clicks.image_index == image)]
        for image in range(len(bank.images))
    ]


def floor_px(real: list[NDArray[np.float64]]) -> float:
    rng, distances = np.random.default_rng(0), []
    for _ in range(PARTITIONS):
        order = rng.permutation(len(real))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        distances.append(wasserstein_px(*(np.concatenate([real[i] for i in half]) for half in halves)))
    return float(np.mean(distances))


def scene_distances(recipe: Recipe, bank: PatchBank, scenes: int) -> NDArray[np.float64]:
    """In source pixels, of the objects whose centre the canvas shows, as clicks lie inside their images."""
    found = []
    for index in range(scenes):
        centers_px = draw_plan(recipe, bank, 0, index).centers_px
        inside = ((centers_px >= 0) & (centers_px < recipe.canvas.size_px)).all(axis=1)
        found.append(nearest_others(centers_px[inside]))
    distances = np.concatenate(found) / scene_scale(recipe, bank)
    return distances[np.isfinite(distances)]


def recipe_of(kind: str, limit: float) -> Recipe:
    values: dict[str, Any] = {"placement": {"kind": kind, "max_overlap": limit}}
    return make_recipe({**values, "canvas": {"kind": "background"}})


def blank_bank(points: PointSet, sizes_px: dict[str, float]) -> PatchBank:
    """One blank patch for each class: places depend on sizes, counts and clicks alone."""
    sides = np.rint([sizes_px[name] for name in points.classes]).astype(np.int64)
    classes, images, pixels = len(sides), len(points.images), int((sides**2).sum())
    return PatchBank(
        spec=make_spec(sizes_px=sizes_px),
        classes=points.classes,
        sizes_px=sides.astype(np.float64),
        labels=np.arange(classes),
        shapes_px=np.stack([sides, sides], axis=1),
        offsets=np.cumsum(sides**2) - sides**2,
        centers_px=np.zeros((classes, 2)),
        cut_off=np.zeros(classes),
        other_centers=np.zeros(classes, dtype=np.int64),
        backgrounds=np.zeros((classes, 3)),
        rims_px=np.zeros(classes),
        quality=Quality.unknown(classes),
        source_images=np.array([""] * classes),
        annotation_ids=np.array([""] * classes),
        splits=np.array(["train"] * classes),
        groups=np.array([""] * classes),
        pixels=np.zeros((pixels, 3), dtype=np.uint8),
        mattes=np.full(pixels, 255, dtype=np.uint8),
        images=points.images,
        image_shapes_px=points.image_shapes_px.astype(np.int64),
        image_counts=points.counts(),
        image_backgrounds=np.zeros((images, 3)),
        image_noises=np.zeros(images),
        image_windows=np.full((images, 2), np.nan),
        image_digests=np.array([""] * images),
        report=(),
        clicks=Clicks(points.image_index, points.labels, points.centers_px, points.annotation_ids),
    )


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--size", "sizes", multiple=True, help="RBC=103px; classes not named are estimated.")
def main(data: Path | None, sizes: tuple[str, ...]) -> None:
    """Compare distances in scenes with those in DATA, images/ and points.csv; without it in the phantom."""
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data, sizes = Path(folder) / "phantom", PHANTOM_SIZES
            write_phantom(data, train=24, val=1, seed=0)
        points = read_points(data / "points.csv", data / "images").of_split("train")
        bank = blank_bank(points, resolve_sizes(sizes, points, data / "images"))
    real = real_distances(bank)
    everything, scenes = np.concatenate(real), max(200, len(real))
    row = [
        wasserstein_px(everything, scene_distances(recipe_of(kind, limit), bank, scenes))
        for limit in LIMITS
        for kind in KINDS
    ]
    table = Table("data", "images", "floor", *(f"{kind} {limit}" for limit in LIMITS for kind in KINDS))
    table.add_row(data.name, str(len(real)), *(f"{value:.2f}" for value in (floor_px(real), *row)))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
