"""``synthmed adapt``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthmed.commands.points import read, reading_options
from synthmed.errors import ProblemLog, SynthmedError
from synthmed.terminal import console, print_problems, print_table, print_warnings, progress_bar

if TYPE_CHECKING:
    from synthmed.detect.files import ImageFile

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("config", type=_FILE)
@click.argument("checkpoint", type=_FILE)
@click.argument("inputs", metavar="IMAGES...", nargs=-1, required=True, type=_INPUT)
@click.option("--out", required=True, type=_PATH, help="New .pth file; OUT.json and OUT.png go beside it.")
@click.option(
    "--points", "points_file", type=_INPUT, help="Says which images are held out; these are then refused."
)
@click.option(
    "--images",
    "images_dir",
    type=_FOLDER,
    help="Folder that POINTS names images in. Default: IMAGES, where that is one folder.",
)
@click.option("--train-only", is_flag=True, help="Of IMAGES, take those that POINTS says are of train.")
@click.option("--max-images", type=click.IntRange(min=1), help="Of more, take so many, evenly spread.")
@click.option("--batch", default=8, show_default=True, type=click.IntRange(min=1), help="Images at a time.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda:0.")
@reading_options
def adapt(
    config: Path,
    checkpoint: Path,
    inputs: tuple[Path, ...],
    out: Path,
    points_file: Path | None,
    images_dir: Path | None,
    train_only: bool,
    max_images: int | None,
    batch: int,
    device: str,
    **options: Any,
) -> None:
    """Adapt the batch norm of a network to unlabelled images (AdaBN); its weights stay as they are.

    Never name images that anything is measured on. With --points, images of val and test are refused.
    """
    from synthmed._files import require_free
    from synthmed.detect import find_images

    picture = out.with_suffix(".png")
    require_free(picture, SynthmedError, "something is there already")

    images: Sequence[ImageFile] = find_images(inputs)
    if points_file is None:
        if train_only or images_dir is not None:
            raise SynthmedError("--train-only and --images need --points", remedy="name the file of points")
        print_warnings(["without --points nobody can know whether an image is one of val or test"])
    else:
        images = _allowed(images, inputs, points_file, images_dir, train_only, options)
    from synthmed.nets.adapt_checkpoint import adapt_checkpoint
    from synthmed.points import evenly

    images = evenly(images, max_images)

    with progress_bar("Adapting") as progress:
        done = adapt_checkpoint(
            config,
            checkpoint,
            [image.path for image in images],
            out,
            batch_size=batch,
            device=device,
            progress=progress,
        )
    from synthmed import plots

    plots.save_figure(plots.layer_changes(done.layers), picture)
    rows = [
        (numbers["name"], *(float(numbers[key]) for key in _COLUMNS))
        for numbers in (layer.to_json() for layer in done.layers)
    ]
    title = f"{out}: {len(images)} images, {done.passes} passes until nothing moved"
    print_table(title, ("layer", *_COLUMNS.values()), rows)
    beside = out.with_name("thresholds.json")
    if beside.exists():
        print_warnings([f"{beside} was chosen for another network, and `synthmed detect` would use it"])


_COLUMNS = {
    "mean_divergence": "divergence",
    "median_absolute_mean_shift": "mean moved by, in deviations",
    "median_spread_ratio": "spread now / before",
}


def _allowed(
    images: Sequence[ImageFile],
    inputs: Sequence[Path],
    points_file: Path,
    images_dir: Path | None,
    train_only: bool,
    options: dict[str, Any],
) -> Sequence[ImageFile]:
    """The images, after making sure that none is held out."""
    from synthmed.points import refuse_held_out, resolve_inside

    if images_dir is None:
        if len(inputs) > 1 or not inputs[0].is_dir():
            raise SynthmedError(
                "it is not known which folder the points name images in", remedy="name it by --images"
            )
        images_dir = inputs[0]
    log = ProblemLog()
    try:
        points = read(points_file, images_dir, log, options)
    finally:
        print_problems(log)
    if train_only:
        of_split = zip(points.images, points.splits, strict=True)
        train = {resolve_inside(images_dir, name) for name, split in of_split if split == "train"}
        kept = [image for image in images if image.path.resolve() in train]
        console.print(f"{len(images) - len(kept)} of {len(images)} images are not of train and were left out")
        if not kept:
            raise SynthmedError("no image is of train", file=points_file, remedy="leave --train-only out")
        images = kept
    refuse_held_out(images, points, images_dir)
    return images
