"""``synthmed fidelity``: how near scenes are to real images, beside how near those are to each other."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from synthmed import __version__
from synthmed._files import folder_when_done, require_free
from synthmed.commands.points import read, reading_options
from synthmed.errors import ProblemLog, SynthmedError
from synthmed.points.pointset import PointSet
from synthmed.terminal import console, print_problems, print_table, progress_bar

if TYPE_CHECKING:
    from synthmed.bank import PatchBank
    from synthmed.metrics.fidelity_report import FidelityReport, Row
    from synthmed.metrics.fidelity_samples import Sample
    from synthmed.scenes import Recipe

_MOST_LINES = 12


class Compared(NamedTuple):
    """What was looked at, and the figures."""

    report: FidelityReport
    real: Sample
    scenes: Sample


@click.command()
@click.argument("bank_dir", metavar="BANK", type=click.Path(path_type=Path))
@click.option(
    "--images",
    "images_dir",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the images that the bank was cut from.",
)
@click.option(
    "--points",
    "points_file",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="The centres that the bank was cut at.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML; `synthmed recipe` prints the default.",
)
@click.option(
    "--scenes",
    "most",
    default=128,
    show_default=True,
    type=click.IntRange(min=8),
    help="Scenes to look at, and real images at most.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@reading_options
def fidelity(
    bank_dir: Path,
    images_dir: Path,
    points_file: Path,
    out: Path,
    recipe_file: Path | None,
    most: int,
    seed: int,
    **options: Any,
) -> None:
    """Compare scenes with the real images: counts, sizes, brightness, places; as a table and pictures."""
    from synthmed.bank import open_bank
    from synthmed.scenes import Recipe, read_recipe

    require_free(out, SynthmedError, "something is there already")
    recipe = read_recipe(recipe_file) if recipe_file else Recipe()
    bank = open_bank(bank_dir)
    options["classes"] = options["classes"] or bank.classes
    log = ProblemLog()
    found = read(points_file, images_dir, log, options)
    print_problems(log)
    compared = compare(bank, points_of_bank(found, bank, points_file), images_dir, recipe, most, seed)
    with folder_when_done(out) as folder:
        _write(folder, compared, bank, recipe)
    print_report(compared.report)
    console.print(f"figures and pictures: {out}")


def points_of_bank(points: PointSet, bank: PatchBank, file: Path) -> PointSet:
    """The images that a bank was cut from, in its order, with their points.

    Raises:
        SynthmedError: the points are not those that the bank was cut at.
    """
    own = points.of_split(*bank.spec.splits)
    own = own.of_images(np.isin(np.array(own.images, dtype=str), bank.images))
    counts = dict(zip(own.images, own.counts().tolist(), strict=True))
    of_bank = dict(zip(bank.images, bank.image_counts.tolist(), strict=True))
    if own.classes != bank.classes or counts != of_bank:
        strange = [name for name in bank.images if counts.get(name) != of_bank[name]]
        raise SynthmedError(
            f"these are not the points that the bank was cut at: {len(strange)} of its {len(bank.images)} "
            "images have others",
            file=file,
            value=strange[0] if strange else ", ".join(own.classes),
            remedy="name the points of the bank, or build a bank from these",
        )
    return own


def compare(
    bank: PatchBank, points: PointSet, images_dir: Path, recipe: Recipe, most: int, seed: int
) -> Compared:
    """Look at real images and at scenes, and measure how far apart they are.

    Args:
        bank: to draw scenes from.
        points: of its images.
        images_dir: the folder of the images.
        recipe: of the scenes.
        most: scenes, and real images at most.
        seed: of all choices.
    """
    from synthmed.metrics.fidelity_report import half_size, measure_fidelity
    from synthmed.metrics.fidelity_samples import look_at_real, look_at_scenes

    half_size(min(len(points.images), most), most)  # before the work, which may take minutes
    with progress_bar("Looking at real images") as progress:
        real = look_at_real(points, images_dir, recipe, bank, most=most, seed=seed, progress=progress)
    shapes_px = [real.shapes_px[k % len(real.shapes_px)] for k in range(most)]
    with progress_bar("Looking at scenes") as progress:
        scenes = look_at_scenes(recipe, bank, shapes_px, seed=seed, progress=progress)
    report = measure_fidelity(bank.classes, bank.sizes_px, real.looks, scenes.looks, seed=seed)
    return Compared(report, real, scenes)


def _write(folder: Path, compared: Compared, bank: PatchBank, recipe: Recipe) -> None:
    """The figures as JSON and CSV, and the pictures."""
    from synthmed import plots

    report, half = compared.report, compared.report.half
    report.to_json(
        folder / "fidelity.json", synthmed=__version__, bank=bank.hash, recipe=recipe.model_dump(mode="json")
    )
    report.to_csv(folder / "fidelity.csv")
    order = np.random.default_rng([report.seed, 4]).permutation(len(compared.real.looks))
    real = compared.real.looks
    halves = real.of_images(order[:half]), real.of_images(order[half : 2 * half])
    scenes = compared.scenes.looks.of_images(np.arange(half))
    by_class = plots.fidelity_classes(bank.classes, halves, scenes)
    for name, figure in (
        ("measures.png", plots.fidelity_summary(report)),
        ("classes.png", by_class),
        ("images.png", plots.fidelity_images(halves, scenes)),
        (
            "real_beside_synthetic.png",
            plots.real_beside_synthetic(compared.real.images, compared.scenes.images),
        ),
    ):
        plots.save_figure(figure, folder / name)


def print_report(report: FidelityReport) -> None:
    """Print what is compared over all classes, then the classes that miss."""
    title = (
        f"{report.half} real images beside {report.half} others, and beside {report.half} scenes; "
        f"mean and spread of {report.splits} random splits"
    )
    figures = ("unit", "real and real", "real and scenes", "times")
    rows = [(row.measure, *_cells(row), row.verdict) for row in report.summary()]
    print_table(title, ("measure", *figures, "within twice"), rows)
    missed = sorted((r for r in report.of_classes() if r.verdict == "no"), key=lambda row: -row.times)
    if missed:
        print_table(
            "Classes that are farther",
            ("measure", "class", *figures, "mean real", "mean scenes"),
            [(r.measure, r.name, *_cells(r), r.real, r.synthetic) for r in missed[:_MOST_LINES]],
        )
    if len(missed) > _MOST_LINES:
        console.print(f"... and {len(missed) - _MOST_LINES} more in fidelity.csv")


def _cells(row: Row) -> tuple[str, ...]:
    """Unit, floor, gap and their ratio."""

    def cell(mean: float, spread: float) -> str:
        return "-" if math.isnan(mean) else f"{mean:.2f} ± {spread:.2f}"

    times = "-" if math.isnan(row.times) else f"{row.times:.2f}"
    return (
        row.unit,
        cell(row.floor, row.floor_deviation),
        cell(row.gap, row.gap_deviation),
        times,
    )
