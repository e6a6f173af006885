"""Draw pictures of docs/scenes.md: `python docs/pictures/scenes.py BANK [IMAGES] OUT.png`.

With IMAGES, the folder that the bank was built from, it shows train images above scenes with uniform and with
clustered places; without, scenes that have no distractors above the same with some.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from synthmed.bank import PatchBank, open_bank
from synthmed.points import read_image
from synthmed.scenes import Scene, draw_plan, make_recipe, render

COLUMNS, GAP_PX, WIDTH_PX = 4, 8, 1200
FRAME = (230, 0, 150)
PLAIN: dict[str, Any] = {"canvas": {"kind": "background"}}


def scene(bank: PatchBank, index: int, **parts: Any) -> Scene:
    """A scene on a plain canvas."""
    return render(draw_plan(make_recipe(PLAIN | parts), bank, 0, index), bank)


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Images of one size side by side, row by row."""
    width, height = rows[0][0].size
    shape = COLUMNS * (width + GAP_PX) - GAP_PX, len(rows) * (height + GAP_PX) - GAP_PX
    page = Image.new("RGB", shape, "white")
    for row, tiles in enumerate(rows):
        for column, tile in enumerate(tiles):
            page.paste(tile, (column * (width + GAP_PX), row * (height + GAP_PX)))
    return page


def places(bank: PatchBank, images: Path) -> Image.Image:
    """Scenes as crowded as the images above them, each in the shape of a real image."""
    order = np.argsort(-bank.image_counts.sum(axis=1), kind="stable")
    chosen = [int(order[column * len(order) // (2 * COLUMNS)]) for column in range(COLUMNS)]
    height, width = bank.image_shapes_px[chosen[0]].tolist()
    size_px = (round(416 * height / width), 416)
    rows = [[Image.fromarray(read_image(images / bank.images[k])).resize(size_px[::-1]) for k in chosen]]
    for kind in ("uniform", "clustered"):
        tiles = []
        for column, k in enumerate(chosen):
            counts = dict(zip(bank.classes, bank.image_counts[k].tolist(), strict=True))
            parts = {
                "canvas": {"kind": "background", "size_px": size_px},
                "counts": {"kind": "fixed", "fixed": counts},
                "placement": {"kind": kind, "max_overlap": 0.6},
            }
            tiles.append(Image.fromarray(scene(bank, column, **parts).image))
        rows.append(tiles)
    return sheet(rows)


def distractors(bank: PatchBank) -> Image.Image:
    """Scenes without distractors above the same with some, each in a frame."""
    rows: list[list[Image.Image]] = [[], []]
    for index in range(COLUMNS):
        for row, count in zip(rows, (0, 8), strict=True):
            shown = scene(bank, index, distractors={"per_scene": (count, count)})
            image = Image.fromarray(shown.image)
            under = shown.plan.distractors
            corners = np.hstack(
                [under.centers_px - under.sizes_px / 2, under.centers_px + under.sizes_px / 2]
            )
            for row0, column0, row1, column1 in corners.tolist():
                frame = (column0 - 3, row0 - 3, column1 + 2, row1 + 2)
                ImageDraw.Draw(image).rectangle(frame, outline=FRAME, width=2)
            row.append(image)
    return sheet(rows)


if __name__ == "__main__":
    bank_dir, *images_dir, out = map(Path, sys.argv[1:])
    opened = open_bank(bank_dir)
    picture = places(opened, *images_dir) if images_dir else distractors(opened)
    picture.thumbnail((WIDTH_PX, WIDTH_PX))
    picture.save(out, optimize=True)
