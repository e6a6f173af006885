"""``synthmed recipe`` and ``synthmed render``: scenes from a bank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synthmed.terminal import print_table, print_warnings, progress_bar

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(min=1)
_SEED = click.IntRange(min=0)


@click.command()
@click.argument("bank_dir", metavar="BANK", type=_PATH)
@click.option("--out", required=True, help="New folder or URL, or that of the same unfinished run.")
@click.option("--count", required=True, type=_COUNT, help="Scenes to render.")
@click.option(
    "--size",
    "size_px",
    type=click.IntRange(8, 16384),
    help="Side of the square canvas in pixels. Default: 416.",
)
@click.option("--recipe", "recipe_file", type=_FILE, help="YAML; `synthmed recipe` prints the default.")
@click.option("--seed", default=0, show_default=True, type=_SEED)
@click.option("--workers", default=1, show_default=True, type=_COUNT, help="Processes.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["coco", "yolo", "voc", "fiftyone", "webdataset"]),
    default=("coco",),
    show_default=True,
    help="May repeat.",
)
@click.option("--image", type=click.Choice(["png", "jpeg"]), default="png", show_default=True)
@click.option("--quality", default=95, show_default=True, type=click.IntRange(1, 100), help="Of JPEG.")
@click.option("--shard", default=256, show_default=True, type=_COUNT, help="Scenes per WebDataset shard.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
def render(
    bank_dir: Path,
    out: str,
    count: int,
    size_px: int | None,
    recipe_file: Path | None,
    **options: Any,
) -> None:
    """Render scenes with labels, tags and a manifest; a killed run, started again, goes on."""
    from synthmed.bank import open_bank
    from synthmed.datasets import render_dataset
    from synthmed.scenes import Recipe, read_recipe, spread_warnings, unplaced_warnings, with_size

    recipe = read_recipe(recipe_file) if recipe_file else Recipe()
    if size_px is not None:
        recipe = with_size(recipe, size_px)
    with progress_bar("Rendering scenes") as progress:
        report = render_dataset(bank_dir, out, count=count, recipe=recipe, progress=progress, **options)
    rows = [(name, report.objects[name], report.unplaced[name]) for name in report.objects]
    print_table(f"{report.scenes} scenes in {out}", ("class", "objects", "found no place"), rows)
    print_warnings(spread_warnings(recipe.objects, open_bank(bank_dir)))
    print_warnings(unplaced_warnings(*zip(*rows, strict=True)))


@click.command()
@click.option(
    "--counts",
    type=click.Choice(["joint", "decorrelated", "balanced"]),
    default="joint",
    show_default=True,
    help="How many objects of each class.",
)
def recipe(counts: str) -> None:
    """Print the default recipe, with every field, as YAML."""
    from synthmed.scenes import make_recipe, recipe_to_yaml

    click.echo(recipe_to_yaml(make_recipe({"counts": {"kind": counts}})), nl=False)
