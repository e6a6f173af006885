"""Pictures for these documents: `python docs/pictures.py canvases BANK docs/pictures/canvases.png`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from synthmed._colors import class_color
from synthmed.bank import PatchBank, build_bank, make_spec, open_bank, resolve_sizes
from synthmed.metrics.raw_maps import map_levels, map_range
from synthmed.plots import save_figure
from synthmed.plots.drawing import (
    GAP,
    INK,
    MARGIN,
    QUIET,
    TITLE,
    color_bar,
    draw_points,
    heated,
    new_figure,
    panel,
    show_image,
    write,
)
from synthmed.points import PointSet, read_image, read_points
from synthmed.scenes import Scene, draw_plan, make_recipe, render

PANEL_IN = 2.1
MAP_IN = 2.26
SHRINK = 1.5
MATTES = ("halo", "segmented", "round", "square")
FRAME = (230, 0, 150)
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


@main.command()
@click.argument("bank_dir", type=click.Path(path_type=Path))
@click.argument("images_dir", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--columns", default=4, show_default=True)
def places(bank_dir: Path, images_dir: Path, out: Path, columns: int) -> None:
    """Train images above scenes as crowded as they are, with uniform and with clustered places."""
    bank = open_bank(bank_dir)
    order = np.argsort(-bank.image_counts.sum(axis=1), kind="stable")
    chosen = [int(order[column * len(order) // (2 * columns)]) for column in range(columns)]
    height, width = bank.image_shapes_px[chosen[0]].tolist()
    size_px = (round(416 * height / width), 416)
    shown = [Image.fromarray(read_image(images_dir / bank.images[k])).resize(size_px[::-1]) for k in chosen]
    rows = [[("train images" if not k else "", np.asarray(image)) for k, image in enumerate(shown)]]
    for kind in ("uniform", "clustered"):
        row = []
        for column, k in enumerate(chosen):
            counts = dict(zip(bank.classes, bank.image_counts[k].tolist(), strict=True))
            recipe = {
                "canvas": {"kind": "background", "size_px": size_px},
                "counts": {"kind": "fixed", "fixed": counts},
                "placement": {"kind": kind, "max_overlap": 0.6},
            }
            row.append(("" if column else kind, _scene(bank, recipe, column)))
        rows.append(row)
    _save(_grid(rows), out)


@main.command()
@click.argument("bank_dir", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--columns", default=4, show_default=True)
def distractors(bank_dir: Path, out: Path, columns: int) -> None:
    """Scenes without distractors above the same with some, each in a frame."""
    bank = open_bank(bank_dir)
    rows = []
    for title, count in (("without distractors", 0), ("with distractors", 8)):
        recipe = {"canvas": {"kind": "background"}, "distractors": {"per_scene": (count, count)}}
        scenes = [render(draw_plan(make_recipe(recipe), bank, 0, index), bank) for index in range(columns)]
        rows.append([("" if k else title, _framed(scene)) for k, scene in enumerate(scenes)])
    _save(_grid(rows), out)


def _framed(scene: Scene) -> NDArray[np.uint8]:
    """A scene with a frame round each distractor."""
    image = Image.fromarray(scene.image)
    under = scene.plan.distractors
    low, high = under.centers_px - under.sizes_px / 2, under.centers_px + under.sizes_px / 2
    for row0, column0, row1, column1 in np.hstack([low, high]).tolist():
        frame = (column0 - 3, row0 - 3, column1 + 2, row1 + 2)
        ImageDraw.Draw(image).rectangle(frame, outline=FRAME, width=2)
    return np.asarray(image)


@main.command()
@click.argument("images_dir", type=click.Path(path_type=Path))
@click.argument("points_file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--images", "count", default=24, show_default=True, help="Train images that are looked at.")
@click.option("--per-class", default=5, show_default=True, help="Clicks of each class that are shown.")
@click.option("--side", default=64, show_default=True, help="Pixels round each click.")
def mattes(images_dir: Path, points_file: Path, out: Path, count: int, per_class: int, side: int) -> None:
    """The same clicks in their images, and with each matte on the colour of their background."""
    points = read_points(points_file, images_dir).of_split("train")
    points = points.of_images(np.arange(len(points.images)) < count)
    sizes_px = resolve_sizes([], points, images_dir)
    banks = {
        matte: build_bank(points, images_dir, make_spec(sizes_px=sizes_px, matte=matte, backdrops=0))
        for matte in MATTES
    }
    keys = [set(_clicks(bank)) for bank in banks.values()]
    first = banks["halo"]
    shared = [key for key in _clicks(first) if all(key in known for known in keys)]
    labels = dict(zip(_clicks(first), first.labels.tolist(), strict=True))
    chosen = [
        key
        for label in range(len(first.classes))
        for key in [k for k in shared if labels[k] == label][:per_class]
    ]
    rows = [[_around(first, images_dir, key, side) for key in chosen]]
    rows += [[_cut_out(bank, key, side) for key in chosen] for bank in banks.values()]
    names = ["as clicked", *banks]
    tiles = [
        ("" if k else name, np.kron(tile, np.ones((2, 2, 1), np.uint8)))
        for name, row in zip(names, rows, strict=True)
        for k, tile in enumerate([np.hstack(row)])
    ]
    _save(_stack(tiles), out)


def _clicks(bank: PatchBank) -> list[tuple[str, str]]:
    return list(zip(bank.source_images.tolist(), bank.annotation_ids.tolist(), strict=True))


def _around(bank: PatchBank, images_dir: Path, key: tuple[str, str], side: int) -> NDArray[np.uint8]:
    """What lies round a click in its image."""
    k = _clicks(bank).index(key)
    image = np.pad(read_image(images_dir / key[0]), ((side, side), (side, side), (0, 0)), mode="edge")
    row, column = (int(at) + side - side // 2 for at in bank.centers_px[k])
    return image[row : row + side, column : column + side]


def _cut_out(bank: PatchBank, key: tuple[str, str], side: int) -> NDArray[np.uint8]:
    """A patch by its matte on its own background colour."""
    k = _clicks(bank).index(key)
    patch, alpha = bank.patch(k), bank.matte(k)[..., None] / 255
    ground = np.broadcast_to(bank.backgrounds[k], patch.shape)
    blended = np.rint(patch * alpha + ground * (1 - alpha)).astype(np.uint8)
    tile = np.empty((side, side, 3), np.uint8)
    tile[:] = np.rint(bank.backgrounds[k])
    height, width = (min(side, n) for n in patch.shape[:2])
    top, left = (side - height) // 2, (side - width) // 2
    from_row, from_column = (patch.shape[0] - height) // 2, (patch.shape[1] - width) // 2
    tile[top : top + height, left : left + width] = blended[
        from_row : from_row + height, from_column : from_column + width
    ]
    return tile


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--image", "names", multiple=True, help="Of DATA/images. Default: three with most classes.")
@click.option("--method", default="cam", show_default=True, help="gradcam, gradcam++ or layercam.")
def maps(config: Path, checkpoint: Path, data: Path, out: Path, names: tuple[str, ...], method: str) -> None:
    """Val images with the expert's points, and the map of each class with its highest place; a row each.

    All share one scale.
    """
    from synthmed.nets.inference import Predictor

    predictor = Predictor(config, checkpoint)
    points = read_points(data / "points.csv", data / "images", classes=predictor.classes)
    val = [name for name, split in zip(points.images, points.splits, strict=True) if split == "val"]
    seen = list(dict.fromkeys([*val, *names]))
    paths = [data / "images" / name for name in seen]
    found = {seen[index]: cams for index, _, cams in predictor.cams(paths, method=method)}
    cam_range = map_range([map_levels(cams) for cams in found.values()])
    titles = ["clicked by the expert", *(f"map: {name}" for name in predictor.classes)]
    height, width = read_image(paths[0]).shape[:2]
    step = MAP_IN * height / width + GAP
    rows = names or _with_most_classes(points, val, 3)
    whole_in = len(titles) * (MAP_IN + GAP) - GAP + 2 * MARGIN
    figure = new_figure(whole_in, len(rows) * step + TITLE + 0.75 + MARGIN)
    for row, name in enumerate(rows):
        image = read_image(data / "images" / name)
        own = points.image_index == points.images.index(name)
        for column, title in enumerate(titles):
            left, top = MARGIN + column * (MAP_IN + GAP), MARGIN + TITLE + row * step
            if not row:
                write(figure, left, MARGIN, title)
            axes = panel(figure, left, top, MAP_IN, step - GAP)
            if column:
                cam = found[name][column - 1]
                show_image(axes, heated(image, cam, cam_range))
                place = np.argwhere(cam == cam.max()).mean(axis=0, keepdims=True) + 0.5
                draw_points(axes, place, INK if cam.max() > 0 else QUIET, "D", 6)
                continue
            show_image(axes, image)
            for label in range(len(predictor.classes)):
                clicked = points.centers_px[own & (points.labels == label)]
                draw_points(axes, clicked, class_color(label), "o", 4)
    _legend(figure, predictor.classes)
    color_bar(figure, cam_range)
    _save(figure, out, colors=256)


def _with_most_classes(points: PointSet, names: list[str], count: int) -> list[str]:
    """Of the images with the most classes some that lie evenly between the first and the last."""
    labels = [points.labels[points.image_index == points.images.index(name)] for name in names]
    classes = np.array([len(set(own.tolist())) for own in labels])
    best = np.flatnonzero(classes == classes.max())
    chosen = best[np.linspace(0, len(best) - 1, count + 2).round().astype(int)[1:-1]]
    return [names[k] for k in chosen]


def _legend(figure: Figure, classes: tuple[str, ...]) -> None:
    """What the marks of `maps` mean, in the lower left corner."""
    width, height = figure.get_size_inches()
    axes = panel(figure, MARGIN, height - 0.6, width - 2.8, 0.5)
    axes.set_axis_off()
    axes.set_xlim(0, width - 2.8)
    axes.set_ylim(0.5, 0)
    left = 0.08
    for label, name in enumerate(classes):
        draw_points(axes, np.array([[0.12, left]]), class_color(label), "o", 4)
        axes.text(left + 0.1, 0.12, name, va="center", fontsize=8, color=INK)
        left += 0.35 + 0.075 * len(name)
    draw_points(axes, np.array([[0.37, 0.08]]), INK, "D", 6)
    text = "highest place of the map (grey: it is nowhere above 0)"
    axes.text(0.18, 0.37, text, va="center", fontsize=8, color=INK)


def _save(figure: Figure, out: Path, colors: int | None = None) -> None:
    """Save a figure with about as many pixels as its scenes have, and few colours, for a small file."""
    save_figure(figure, out)
    with Image.open(out) as picture:
        size = tuple(round(side / SHRINK) for side in picture.size)
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    if colors:  # thin marks keep their colours
        small = small.quantize(colors, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    small.save(out, optimize=True)


def _scene(bank: PatchBank, recipe: dict[str, Any], index: int) -> NDArray[np.uint8]:
    return render(draw_plan(make_recipe(recipe), bank, 0, index), bank).image


def _stack(strips: list[tuple[str, NDArray[np.uint8]]]) -> Figure:
    """A figure of strips one below the other, each with a title above it."""
    width = 10.0
    heights = [width * image.shape[0] / image.shape[1] for _, image in strips]
    figure = new_figure(width + 2 * MARGIN, sum(heights) + len(strips) * TITLE + 2 * MARGIN)
    top = MARGIN
    for (title, image), height in zip(strips, heights, strict=True):
        write(figure, MARGIN, top + 0.05, title)
        show_image(panel(figure, MARGIN, top + TITLE, width, height), image)
        top += TITLE + height
    return figure


def _grid(rows: list[list[tuple[str, NDArray[np.uint8]]]]) -> Figure:
    """A figure of rows of images, each with a title above it."""
    columns = max(len(row) for row in rows)
    width = columns * PANEL_IN + (columns - 1) * GAP + 2 * MARGIN
    height = PANEL_IN * rows[0][0][1].shape[0] / rows[0][0][1].shape[1]
    figure = new_figure(width, len(rows) * (height + TITLE) + 2 * MARGIN)
    for i, row in enumerate(rows):
        for j, (title, image) in enumerate(row):
            left, top = MARGIN + j * (PANEL_IN + GAP), MARGIN + i * (height + TITLE)
            write(figure, left, top + 0.05, title)
            show_image(panel(figure, left, top + TITLE, PANEL_IN, height), image)
    return figure


if __name__ == "__main__":
    main()
