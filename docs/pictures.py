"""Pictures for these documents: `python docs/pictures.py canvases BANK docs/pictures/canvases.png`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from synthmed.bank import PatchBank, open_bank
from synthmed.plots import save_figure
from synthmed.plots.drawing import GAP, MARGIN, TITLE, new_figure, panel, show_image, write
from synthmed.scenes import draw_plan, make_recipe, render

PANEL_IN = 2.1
SHRINK = 1.5
KINDS = ("fixed", "background", "illumination", "backdrop")
VARIATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("default", {}),
    ("blend: hard", {"objects": {"blend": "hard"}}),
    ("blend: poisson", {"objects": {"blend": "poisson"}}),
    ("rotation: any", {"objects": {"rotation": "any"}}),
    ("size_jitter: natural", {"objects": {"size_jitter": "natural"}}),
    ("objects.blur_px: 4", {"objects": {"blur_px": 4}}),
    ("objects.brightness: 0.25", {"objects": {"brightness": 0.25}}),
    ("objects.contrast: 0.7", {"objects": {"contrast": 0.7}}),
    ("objects.stain: 0.7", {"objects": {"stain": 0.7}}),
    ("finish.stain: 0.7", {"finish": {"stain": 0.7}}),
    ("finish.brightness: 0.25", {"finish": {"brightness": 0.25}}),
    ("finish.contrast: 0.7", {"finish": {"contrast": 0.7}}),
    ("finish.illumination: 0.6", {"finish": {"illumination": 0.6}}),
    ("finish.blur_px: 3", {"finish": {"blur_px": 3}}),
    ("finish.noise: 30", {"finish": {"noise": 30}}),
    ("finish.jpeg_quality: [5, 15]", {"finish": {"jpeg_quality": (5, 15)}}),
    (
        "all of objects, sensible values",
        {"objects": {"rotation": "any", "brightness": 0.03, "contrast": 0.2, "stain": 0.2, "blur_px": 1}},
    ),
    (
        "all of finish, sensible values",
        {
            "finish": {
                "brightness": 0.05,
                "contrast": 0.15,
                "stain": 0.15,
                "illumination": 0.15,
                "blur_px": 1,
                "noise": 5,
                "jpeg_quality": (60, 95),
            }
        },
    ),
)


@click.group()
def main() -> None:
    """Draw the pictures of scenes that these documents show."""


@main.command()
@click.argument("bank_dir", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--size", default=320, show_default=True, help="Side of a scene in pixels.")
@click.option("--scale", default=0.8, show_default=True, help="Of the recipe.")
@click.option("--scene", "scenes", multiple=True, type=int, default=(3, 5, 8, 11), help="Numbers of scenes.")
def canvases(bank_dir: Path, out: Path, size: int, scale: float, scenes: tuple[int, ...]) -> None:
    """The same plans on each kind of canvas, a row for each."""
    bank = open_bank(bank_dir)
    color = np.median(bank.image_backgrounds, axis=0).astype(int).tolist()
    rows = []
    for kind in KINDS:
        recipe = {"canvas": {"kind": kind, "color": color, "size_px": (size, size)}, "scale": scale}
        rows.append([(kind if not k else "", _scene(bank, recipe, n)) for k, n in enumerate(scenes)])
    _save(_grid(rows), out)


@main.command()
@click.argument("bank_dir", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--size", default=200, show_default=True, help="Side of a scene in pixels.")
@click.option("--scale", default=0.8, show_default=True, help="Of the recipe.")
@click.option("--scene", default=3, show_default=True, help="Number of the scene.")
@click.option("--columns", default=6, show_default=True)
def variation(bank_dir: Path, out: Path, size: int, scale: float, scene: int, columns: int) -> None:
    """One plan with each kind of variation, strong, and with sensible values."""
    bank = open_bank(bank_dir)
    panels = []
    for name, parts in VARIATIONS:
        recipe = {"canvas": {"size_px": (size, size)}, "scale": scale, **parts}
        panels.append((name, _scene(bank, recipe, scene)))
    _save(_grid([panels[i : i + columns] for i in range(0, len(panels), columns)]), out)


def _save(figure: Figure, out: Path) -> None:
    """Save a figure with about as many pixels as its scenes have, which keeps the file small."""
    save_figure(figure, out)
    with Image.open(out) as picture:
        size = tuple(round(side / SHRINK) for side in picture.size)
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.save(out, optimize=True)


def _scene(bank: PatchBank, recipe: dict[str, Any], index: int) -> NDArray[np.uint8]:
    return render(draw_plan(make_recipe(recipe), bank, 0, index), bank).image


def _grid(rows: list[list[tuple[str, NDArray[np.uint8]]]]) -> Figure:
    """A figure of rows of images, each with a title above it."""
    columns = max(len(row) for row in rows)
    width = columns * PANEL_IN + (columns - 1) * GAP + 2 * MARGIN
    figure = new_figure(width, len(rows) * (PANEL_IN + TITLE) + 2 * MARGIN)
    for i, row in enumerate(rows):
        for j, (title, image) in enumerate(row):
            left, top = MARGIN + j * (PANEL_IN + GAP), MARGIN + i * (PANEL_IN + TITLE)
            write(figure, left, top + 0.05, title)
            show_image(panel(figure, left, top + TITLE, PANEL_IN, PANEL_IN), image)
    return figure


if __name__ == "__main__":
    main()
