"""Are objects labelled as large as experts draw their boxes? `python benchmarks/box_sizes.py DATA ...`.

For every patch of the train images that has a drawn box of its class near its click: the IoU of the two when
laid middle on middle, so that heights and widths alone are compared. In a scene the middle is right by
construction. Class sizes are estimated from pixels and clicks; the boxes only judge. DATA holds ``images/``,
``points.csv`` and ``boxes_train.json`` (COCO); by default the phantom.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank, build_bank, make_spec, resolve_sizes
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_points

MATTES = ("square", "round", "segmented", "halo")


@click.command()
@click.argument("data", nargs=-1)
@click.option("--images", "most", default=60, show_default=True, help="Train images of each, at most.")
def main(data: tuple[str, ...], most: int) -> None:
    """Build a bank with each matte, and print the mean IoU per class."""
    with tempfile.TemporaryDirectory() as made:
        if not data:
            write_phantom(Path(made) / "phantom")
            data = (str(Path(made) / "phantom"),)
        for folder in map(Path, data):
            _print(folder, most)


def _print(folder: Path, most: int) -> None:
    points = _first_train_images(read_points(folder / "points.csv", folder / "images"), most)
    drawn = read_points(folder / "boxes_train.json", folder / "images")
    sizes_px = resolve_sizes([], points, folder / "images")
    table = Table(title=f"{folder.resolve().name}: IoU of a patch's box with the drawn one, middles aligned")
    table.add_column("matte")
    for name in sizes_px:
        table.add_column(name, justify="right")
    for matte in MATTES:
        spec = make_spec(sizes_px=sizes_px, matte=matte, backdrops=0, distractors=0, variation=0.0)
        bank = build_bank(points, folder / "images", spec)
        overlaps = box_overlaps(bank, drawn)
        cells = [overlaps[bank.labels == label] for label in range(len(bank.classes))]
        table.add_row(matte, *(f"{np.nanmean(c):.3f} ({np.isfinite(c).sum()})" for c in cells))
    Console(width=120).print(table)


def _first_train_images(points: PointSet, most: int) -> PointSet:
    train = points.of_split("train")
    return train.of_images(np.arange(len(train.images)) < most)


def box_overlaps(bank: PatchBank, drawn: PointSet) -> NDArray[np.float64]:
    """``(P,)`` float, the IoU of each patch's box with the drawn one; NaN where none is near."""
    ours_px = bank.shapes_px - 2 * bank.rims_px[:, None]
    images = {name: objects for name, objects in zip(drawn.images, drawn.by_image(), strict=True)}
    overlaps = np.full(len(bank), np.nan)
    for patch, image in enumerate(bank.source_images):
        name = bank.classes[bank.labels[patch]]
        near = images.get(str(image), np.zeros(0, dtype=np.int64))
        near = near[np.array([drawn.classes[label] == name for label in drawn.labels[near]], dtype=bool)]
        if not len(near):
            continue
        distances_px = np.hypot(*(drawn.centers_px[near] - bank.centers_px[patch]).T)
        best = near[distances_px.argmin()]
        if distances_px.min() > bank.sizes_px[bank.labels[patch]] / 2:
            continue
        theirs_px = drawn.sizes_px[best]
        shared = np.minimum(ours_px[patch], theirs_px).prod()
        overlaps[patch] = shared / (ours_px[patch].prod() + theirs_px.prod() - shared)
    return overlaps


if __name__ == "__main__":
    main()
