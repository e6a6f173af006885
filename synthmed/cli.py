"""The command line: ``synthmed ...``. Every command is a thin door to a function of the packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from synthmed import __version__
from synthmed._files import require_free
from synthmed.adapt_command import adapt
from synthmed.detect_commands import detect, export
from synthmed.errors import ProblemLog, SynthmedError
from synthmed.evaluate_commands import evaluate
from synthmed.fidelity_command import fidelity
from synthmed.points import SPLITS
from synthmed.points_commands import points, read, reading_options
from synthmed.terminal import (
    Commands,
    console,
    print_bank,
    print_problems,
    print_table,
    print_warnings,
    progress_bar,
)

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(min=1)
_SEED = click.IntRange(min=0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def main() -> None:
    """From clicked centres to trained detectors: synthetic training images for microscopy."""


main.add_command(points)
main.add_command(fidelity)
main.add_command(evaluate)
main.add_command(detect)
main.add_command(export)
main.add_command(adapt)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--register-plugin", is_flag=True, help="Link the plugin into FiftyOne's plugins folder.")
def doctor(as_json: bool, register_plugin: bool) -> None:
    """Tell what is installed, what is missing, and the command that mends it."""
    from synthmed import doctor

    if register_plugin:
        console.print(f"FiftyOne finds the plugin: {doctor.register_plugin(os.environ)}")
        return
    raise click.exceptions.Exit(doctor.run_doctor(as_json))


@main.group(cls=Commands)
def bank() -> None:
    """Build and look at patch banks."""


@bank.command("build")
@click.option("--images", "images_dir", required=True, type=_FOLDER, help="Folder of the images.")
@click.option(
    "--points", "points_file", required=True, type=_INPUT, help="File of centres, or folder of them."
)
@click.option("--out", required=True, type=_PATH, help="Folder of the new bank.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="CLASS=SIZE",
    help="RBC=103px, RBC=7.5um or RBC=auto; may repeat. Classes that are not named are estimated.",
)
@click.option("--pixel-size-um", type=float, help="Side of a pixel in micrometres, for sizes in um.")
@click.option("--variation", default=0.1, show_default=True, help="Spread of the patch size, as a share.")
@click.option(
    "--border",
    type=click.Choice(["drop", "shift", "pad"]),
    default="drop",
    show_default=True,
    help="Patches across the border of an image: leave out, keep what is inside, or fill with background.",
)
@click.option(
    "--matte",
    type=click.Choice(["halo", "segmented", "round", "square"]),
    default="halo",
    show_default=True,
    help="What is kept: the object with its halo, the object alone, a disc (it cuts long objects, and takes "
    "slices of neighbours along), or the whole square. Without an outline the first two become a disc.",
)
@click.option("--feather", default=0.15, show_default=True, help="Soft edge, as a share of the radius.")
@click.option("--recenter", is_flag=True, help="Cut round the segmented object instead of the click.")
@click.option("--min-contrast", default=1.0, show_default=True, help="In noises; below, nothing is there.")
@click.option("--min-focus", default=0.0, show_default=True, help="Share of the sharpness of its class.")
@click.option(
    "--min-solidity", default=0.9, show_default=True, help="Share of its class; halo and segmented."
)
@click.option("--keep-duplicates", is_flag=True, help="Keep patches that show the same pixels.")
@click.option(
    "--backdrops",
    default=64,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Images to keep without their objects.",
)
@click.option(
    "--distractors",
    default=64,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Pieces without any click to keep, at most.",
)
@click.option("--seed", default=0, show_default=True, type=_SEED, help="Seed of the size variation.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(SPLITS),
    default=("train",),
    show_default=True,
    help="May repeat.",
)
@click.option("--allow-group", "allow_groups", multiple=True, help="Cut this group although others hold it.")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be used.")
@reading_options
def bank_build(
    images_dir: Path,
    points_file: Path,
    out: Path,
    sizes: tuple[str, ...],
    pixel_size_um: float | None,
    strict: bool,
    splits: tuple[str, ...],
    **options: Any,
) -> None:
    """Cut a patch round every centre of the train split."""
    from synthmed import bank as banks
    from synthmed.bank import build_bank, make_spec, resolve_sizes, save_bank

    banks.require_free(out)
    log = ProblemLog(strict=strict)
    try:
        found = read(points_file, images_dir, log, options)
    finally:
        print_problems(log)
    chosen = ProblemLog()
    with progress_bar("Finding class sizes") as progress:
        sizes_px = resolve_sizes(
            sizes,
            found,
            images_dir,
            pixel_size_um=pixel_size_um,
            splits=splits,
            log=chosen,
            progress=progress,
        )
    print_problems(chosen)
    spec = make_spec(sizes_px=sizes_px, splits=splits, **options)
    with progress_bar("Cutting patches") as progress:
        built = build_bank(found, images_dir, spec, progress=progress)
    save_bank(built, out)
    print_bank(out)


@bank.command("info")
@click.argument("bank_dir", metavar="BANK", type=_PATH)
@click.option("--verify", is_flag=True, help="Read all pixels and compare them with the hash.")
def bank_info(bank_dir: Path, verify: bool) -> None:
    """Tell what a bank holds."""
    print_bank(bank_dir, verify=verify)


@bank.command("sheet")
@click.argument("bank_dir", metavar="BANK", type=_PATH)
@click.option("--out", required=True, type=_PATH, help="PNG, PDF or SVG file.")
@click.option("--per-class", default=24, show_default=True, type=_COUNT, help="Patches per class.")
@click.option("--seed", default=0, show_default=True, type=_SEED, help="Which patches.")
@click.option(
    "--sort",
    metavar="COLUMN",
    help="The lowest of a column of patches.csv, such as contrast; -COLUMN for the highest.",
)
def bank_sheet(bank_dir: Path, out: Path, per_class: int, seed: int, sort: str | None) -> None:
    """Draw a contact sheet of a bank."""
    from synthmed import plots
    from synthmed.bank import open_bank

    require_free(out, SynthmedError, "something is there already")
    plots.save_figure(plots.bank_sheet(open_bank(bank_dir), per_class=per_class, seed=seed, sort=sort), out)
    console.print(f"wrote {out}")


@main.command()
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


@main.command()
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


@main.command()
@click.argument("out", type=_PATH)
@click.option("--train", default=120, show_default=True, help="Train images.")
@click.option("--val", default=40, show_default=True, help="Validation images.")
@click.option("--seed", default=0, show_default=True, type=_SEED)
def phantom(out: Path, train: int, val: int, seed: int) -> None:
    """Simulate urine-sediment images with exact truth: something to try synthmed on."""
    from synthmed.phantom import write_phantom

    with progress_bar("Simulating images") as progress:
        write_phantom(out, train=train, val=val, seed=seed, progress=progress)
    console.print(f"wrote {out}")


@main.command()
@click.option("--data", type=_FOLDER, help="Folder with images/ and points.csv. Default: the phantom.")
@click.option("--out", default="work_dirs/demo", show_default=True, type=_PATH, help="Folder of the demos.")
@click.option("--size", "sizes", multiple=True, metavar="CLASS=SIZE", help="As for `bank build`.")
@click.option("--configs", type=_FOLDER, help="Folder like mmdet_configs. Default: what synthmed came with.")
@click.option("--detector-iters", type=_COUNT, help="Default: what the config says.")
@click.option("--classifier-iters", type=_COUNT, help="Default: what the config says.")
@click.option("--fiftyone/--no-fiftyone", default=True, show_default=True, help="Make a FiftyOne dataset.")
@click.option("--app", "open_app", is_flag=True, help="Open the FiftyOne App at the end.")
def demo(
    data: Path | None,
    out: Path,
    sizes: tuple[str, ...],
    configs: Path | None,
    detector_iters: int | None,
    classifier_iters: int | None,
    fiftyone: bool,
    open_app: bool,
) -> None:
    """The whole path once: points, bank, scenes, training, predictions beside CAMs, a table, pictures."""
    from synthmed.demo import DemoOptions, run_demo

    run_demo(DemoOptions(data, out, sizes, configs, detector_iters, classifier_iters, fiftyone))
    if open_app and fiftyone:
        from synthmed.app.launch import launch

        launch()


@main.command()
@click.argument("dataset", required=False)
@click.option("--port", default=5151, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True)
def app(dataset: str | None, port: int, address: str) -> None:
    """Open the FiftyOne App, on the newest dataset of a demo unless another is named."""
    from synthmed.app.launch import launch

    launch(dataset, port=port, address=address)
