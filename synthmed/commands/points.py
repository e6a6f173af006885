"""``synthmed points ...``: check points before anything is built on them, and convert between tools."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import click

from synthmed.errors import PointsError, ProblemLog
from synthmed.points import FORMATS, SPLITS, PointSet
from synthmed.points.problems import Reason
from synthmed.terminal import Commands, console, print_problems, print_table, print_warnings, progress_bar

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, path_type=Path)
_PATH = click.Path(path_type=Path)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that reads points."""
    options = (
        click.option(
            "--format", "format_name", type=click.Choice(FORMATS), help="Default: as the content tells."
        ),
        click.option("--image", help="The image of a file that names none, such as a table of ImageJ."),
        click.option("--label", help="The class of points whose file names none."),
        click.option(
            "--unit", "unit_um", type=float, help="Side of a pixel, for calibrated tables of ImageJ, as 0.25."
        ),
        click.option("--column", "columns", multiple=True, metavar="FIELD=HEADER", help="Such as x=pos_x."),
        click.option("--class", "classes", multiple=True, help="Only these classes, in this order."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read(
    points: Path, images_dir: Path | None, log: ProblemLog, options: dict[str, Any], **more: Any
) -> PointSet:
    """Read points as `reading_options` say; takes their values out of ``options``."""
    classes = options.pop("classes") or None
    try:
        found = read_classes(points, images_dir, log, options, classes, **more)
    except PointsError as error:
        _require_known(classes or (), frozenset(), points, log, error)
        raise
    used = {found.classes[label] for label in set(found.labels.tolist())}
    _require_known(classes or (), used, points, log)
    return found


def read_classes(
    points: Path,
    images_dir: Path | None,
    log: ProblemLog,
    options: dict[str, Any],
    classes: Sequence[str] | None,
    **more: Any,
) -> PointSet:
    """The same for classes named otherwise than by ``--class``, which need not have any point."""
    from synthmed.points import CsvColumns, read_points

    with progress_bar("Reading points") as progress:
        return read_points(
            points,
            images_dir,
            format=options.pop("format_name"),
            image=options.pop("image"),
            label=options.pop("label"),
            pixel_size=options.pop("unit_um"),
            columns=CsvColumns.from_pairs(options.pop("columns")),
            classes=classes,
            log=log,
            progress=progress,
            **more,
        )


def _require_known(
    classes: Sequence[str],
    used: AbstractSet[str],
    file: Path,
    log: ProblemLog,
    cause: PointsError | None = None,
) -> None:
    """Make sure that a class asked for has a point, before anything is skipped for a slip of the pen."""
    others = {problem.value for problem in log.problems if problem.reason == Reason.LABEL_UNKNOWN.text}
    missing = [name for name in classes if name not in used]
    if not missing or not (others or used):
        return
    folded = {name.casefold(): name for name in sorted(others)}
    close = [folded[name] for name in difflib.get_close_matches(missing[0].casefold(), folded)]
    close = close or sorted(others | used)
    log.problems[:] = [p for p in log.problems if p.reason != Reason.LABEL_UNKNOWN.text]
    raise PointsError(
        "no usable point has this class",
        file=file,
        value=missing[0],
        remedy=f"the file has {', '.join(close[:8])}; name the class as it stands there",
    ) from cause


@click.group(cls=Commands)
def points() -> None:
    """Check points, and convert them between the formats of tools."""


@points.command("convert")
@click.argument("source", metavar="IN", type=_INPUT)
@click.argument("out", metavar="OUT", type=_PATH)
@click.option("--images", "images_dir", required=True, type=_FOLDER, help="Folder of the images.")
@click.option("--to", "kind", type=click.Choice(FORMATS), help="Default: by the suffix of OUT.")
@click.option("--size", "sizes", multiple=True, metavar="CLASS=PIXELS", help="For formats that need boxes.")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be used.")
@reading_options
def convert(
    source: Path,
    out: Path,
    images_dir: Path,
    kind: str | None,
    sizes: tuple[str, ...],
    strict: bool,
    **options: Any,
) -> None:
    """Write the points of IN as OUT: a file, or a folder for tools with one file per image."""
    from synthmed.points import write_points

    kind = kind or _kind_of(out)
    log = ProblemLog(strict=strict)
    try:
        found = read(source, images_dir, log, options)
    finally:
        print_problems(log)
    if sizes:
        found = found.with_sizes(class_sizes_px(sizes, found.classes))
    lost = write_points(found, out, kind)
    console.print(f"wrote {len(found)} points on {len(found.images)} images to {out} ({kind})")
    for sentence in lost:
        console.print(f"  {sentence}")


def _print_points(found: PointSet) -> None:
    """How many points each class has, in all and in each split."""
    splits = {split: found.of_split(split) for split in SPLITS if split in found.splits}
    images = ", ".join(f"{len(part.images)} {split}" for split, part in splits.items())
    counts = found.counts()
    columns = [counts.sum(axis=0), *(part.counts().sum(axis=0) for part in splits.values())]
    print_table(
        f"{len(found)} points on {len(found.images)} images ({images})",
        ("class", "points", *(f"in {split}" for split in splits), "images with it"),
        list(
            zip(found.classes, *(c.tolist() for c in columns), (counts > 0).sum(axis=0).tolist(), strict=True)
        ),
    )


@points.command("check")
@click.argument("source", metavar="POINTS", type=_INPUT)
@click.option("--images", "images_dir", required=True, type=_FOLDER, help="Folder of the images.")
@click.option("--max-images", default=24, show_default=True, type=click.IntRange(min=1), help="To look at.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Which images.")
@reading_options
def check(source: Path, images_dir: Path, max_images: int, seed: int, **options: Any) -> None:
    """Say what is wrong with points; exit code 1 where something is."""
    from synthmed.points.check import check_points, skipped_findings

    log = ProblemLog()
    found = read(source, images_dir, log, options, keep_outside=True)
    with progress_bar("Looking at images") as progress:
        report = check_points(found, images_dir, seed=seed, max_images=max_images, progress=progress)
    findings = skipped_findings(log.counts()) + report.findings
    _print_points(found)
    for number, finding in enumerate(findings, 1):
        console.print(f"{number}. {finding.what}", style="yellow")
        console.print(f"   seen:   {finding.evidence}")
        console.print(f"   remedy: {finding.remedy}")
    print_warnings(report.warnings)
    for note in log.notes + report.notes:
        console.print(f"note: {note}")
    if not findings:
        console.print("nothing wrong was found", style="green")
    raise click.exceptions.Exit(1 if findings else 0)


def _kind_of(out: Path) -> str:
    """The format that a suffix can only mean."""
    kinds = {".csv": "csv", ".json": "coco", ".geojson": "qupath"}
    if out.suffix.lower() not in kinds:
        raise PointsError(
            "the name of OUT does not tell its format", value=out.name, remedy="name it by --to FORMAT"
        )
    return kinds[out.suffix.lower()]


def class_sizes_px(words: tuple[str, ...], classes: tuple[str, ...]) -> Any:
    """``(C,)`` sizes from words such as ``RBC=103``; NaN for a class that none names.

    Raises:
        PointsError: a word is no class and size.
    """
    import numpy as np

    sizes = np.full(len(classes), np.nan)
    for word in words:
        name, _, size = word.rpartition("=")
        try:
            sizes[classes.index(name)] = float(size.removesuffix("px"))
        except ValueError as error:
            raise PointsError(
                "not a class and its size in pixels", value=word, remedy="write CLASS=PIXELS, such as RBC=103"
            ) from error
    return sizes
