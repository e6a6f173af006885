"""``synthmed bank``: build and look at patch banks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synthmed._files import require_free
from synthmed.commands.points import read, reading_options
from synthmed.errors import ProblemLog, SynthmedError
from synthmed.points import SPLITS
from synthmed.terminal import Commands, console, print_bank, print_problems, progress_bar

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, path_type=Path)
_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(min=1)
_SEED = click.IntRange(min=0)


@click.group(cls=Commands)
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
    from synthmed.bank.sizes import read_sizes

    banks.require_free(out)
    read_sizes(sizes, pixel_size_um)  # a missing unit is told before the points are read, which takes a while
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
