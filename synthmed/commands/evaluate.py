"""``synthmed evaluate``: judge the predictions of any model, in files, against a file of truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthmed._files import require_free
from synthmed.commands.evaluate_tables import how, print_baselines, print_difference, print_report
from synthmed.commands.points import class_sizes_px, read, read_classes, reading_options
from synthmed.errors import ProblemLog, SynthmedError
from synthmed.points import SPLITS
from synthmed.terminal import console, print_problems, progress_bar

if TYPE_CHECKING:
    from synthmed.metrics.comparison import Judged
    from synthmed.metrics.file_evaluation import Judging
    from synthmed.metrics.predictions import Predictions
    from synthmed.metrics.truth_file import TruthFile
    from synthmed.points import PointSet

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, path_type=Path)
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("truth_file", metavar="TRUTH", type=_INPUT)
@click.argument("predictions", metavar="PREDICTIONS...", nargs=-1, required=True, type=_INPUT)
@click.option("--images", "images_dir", type=_FOLDER, help="Folder of the images; a COCO file does without.")
@click.option("--tune-truth", type=_INPUT, help="Truth of other images (train), to choose thresholds on.")
@click.option(
    "--tune-predictions",
    multiple=True,
    type=_INPUT,
    help="Predictions on these, one for each of PREDICTIONS, in order.",
)
@click.option("--split", type=click.Choice(SPLITS), help="Judge only the images of this split of TRUTH.")
@click.option(
    "--tune-split",
    type=click.Choice(SPLITS),
    help="Choose thresholds on this split of --tune-truth, or else of TRUTH, with the same PREDICTIONS.",
)
@click.option("--threshold", default=0.3, show_default=True, help="Score of boxes, where nothing is tuned.")
@click.option("--peak-threshold", type=float, help="Value of peaks of maps, where nothing is tuned.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="CLASS=PIXELS",
    help="Half of it is how far a centre may be off. Default: the median side of the class's boxes.",
)
@click.option("--category", "categories", multiple=True, metavar="ID=CLASS", help="What a category_id means.")
@click.option("--out", type=_PATH, help="JSON file for all figures.")
@click.option("--plot", type=_PATH, help="Precision-recall curves: PNG, PDF or SVG.")
@click.option(
    "--resamples", default=1000, show_default=True, type=click.IntRange(0, 100_000), help="0: no intervals."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of the resamples."
)
@click.option("--strict", is_flag=True, help="Stop at the first object of TRUTH that cannot be used.")
@reading_options
def evaluate(
    truth_file: Path,
    predictions: tuple[Path, ...],
    images_dir: Path | None,
    tune_truth: Path | None,
    tune_predictions: tuple[Path, ...],
    split: str | None,
    tune_split: str | None,
    sizes: tuple[str, ...],
    categories: tuple[str, ...],
    out: Path | None,
    plot: Path | None,
    strict: bool,
    **options: Any,
) -> None:
    """Judge boxes (COCO results) or heat maps (a folder) of any model; of several, say how they differ.

    \b
    synthmed evaluate boxes_val.json predictions.json
    synthmed evaluate boxes_val.json a.json b.json --tune-truth boxes_train.json \\
        --tune-predictions a_train.json --tune-predictions b_train.json --out metrics.json --plot curves.png
    synthmed evaluate points.csv heatmaps/ --images images --split val --tune-split train --size RBC=103
    """  # noqa: D301 - click takes the character itself
    from synthmed.metrics.bootstrap import Resampling
    from synthmed.metrics.comparison import compare, write_json
    from synthmed.metrics.file_evaluation import Judging, check_apart, class_sizes

    if tune_split is not None and tune_truth is None:
        tune_truth, tune_predictions = truth_file, tune_predictions or predictions
    _check_options(predictions, tune_truth, tune_predictions, out, plot)
    log = ProblemLog(strict=strict)
    judging = Judging(
        options.pop("threshold"),
        options.pop("peak_threshold"),
        dict(_pair(word) for word in categories),
        Resampling(options.pop("resamples"), seed=options.pop("seed")),
        log,
    )
    try:
        truth = _truth(truth_file, images_dir, split, log, options)
        tuning = None
        if tune_truth is not None:
            tuning = _truth(tune_truth, images_dir, tune_split, log, options, truth.points.classes)
            check_apart(tuning, truth, log)
        given = class_sizes_px(sizes, truth.points.classes)
        parts = [truth.points] if tuning is None else [tuning.points, truth.points]
        sizes_px = class_sizes(given, parts, log)
        judged, found = _judge(predictions, truth, sizes_px, judging, tuning, tune_predictions)
    finally:
        print_problems(log)
    differences = [compare(judged[0], other, truth.points, judging.resampling) for other in judged[1:]]
    for one in judged:
        print_report(one.report)
    print_baselines(judged[0].report)
    for one_difference in differences:
        print_difference(one_difference, judged[0].report)
    console.print(how(judged[0].report, judging, tuning is not None))
    if out is not None:
        write_json(out, judged, differences)
        console.print(f"wrote {out}")
    if plot is not None:
        _plot(plot, judged, found, truth, sizes_px)
        console.print(f"wrote {plot}")


def _check_options(
    predictions: Sequence[Path],
    tune_truth: Path | None,
    tune_predictions: Sequence[Path],
    out: Path | None,
    plot: Path | None,
) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if len({path.is_dir() for path in predictions}) > 1:
        raise SynthmedError(
            "boxes and maps cannot be compared",
            value=", ".join(map(str, predictions)),
            remedy="judge them one by one",
        )
    expected = 0 if tune_truth is None else len(predictions)
    if len(tune_predictions) != expected:
        raise SynthmedError(
            f"thresholds need {expected} --tune-predictions, one for each of PREDICTIONS"
            if expected
            else "--tune-predictions needs --tune-truth",
            value=len(tune_predictions),
            remedy="name the truth of other images, such as train, and what each model predicts on them",
        )
    for path in (out, plot):
        if path is not None:
            require_free(path, SynthmedError, "something is there already")
    if plot is not None and predictions[0].is_dir():
        raise SynthmedError("curves are drawn of boxes", value=str(plot), remedy="leave --plot out for maps")


def _pair(word: str) -> tuple[str, str]:
    key, mark, name = word.partition("=")
    if not (key and mark and name):
        raise SynthmedError("not an id and a class", value=word, remedy="write ID=CLASS, such as 0=RBC")
    return key, name


def _truth(
    path: Path,
    images_dir: Path | None,
    split: str | None,
    log: ProblemLog,
    options: dict[str, Any],
    classes: tuple[str, ...] | None = None,
) -> TruthFile:
    from synthmed.metrics.truth_file import read_truth_file

    default: dict[str, Any] = {"keep_crowds": True}
    if not split:
        default["split"] = "val"  # nobody asks, so none is to be drawn

    def read_as(names: Sequence[str] | None) -> PointSet:
        own = dict(options)  # reading takes them out
        asked = own.pop("classes")
        if asked and classes is None:
            return read(path, images_dir, log, own | {"classes": asked}, **default)
        return read_classes(path, images_dir, log, own, names, **default)

    return read_truth_file(path, read_as, classes=classes or options["classes"] or None, split=split)


def _judge(
    predictions: Sequence[Path],
    truth: TruthFile,
    sizes_px: Any,
    judging: Judging,
    tuning: TruthFile | None,
    tune_predictions: Sequence[Path],
) -> tuple[list[Judged], list[Predictions]]:
    from synthmed.metrics.file_evaluation import judge_boxes, judge_map_folder

    judged, found = [], []
    for number, (name, path) in enumerate(zip(_names(predictions), predictions, strict=True)):
        beside = None if tuning is None else (tune_predictions[number], tuning)
        if path.is_dir():
            with progress_bar(f"Judging {name}") as progress:
                judged.append(judge_map_folder(name, path, truth, sizes_px, judging, beside, progress))
        else:
            one, boxes = judge_boxes(name, path, truth, sizes_px, judging, beside)
            judged.append(one)
            found.append(boxes)
    return judged, found


def _names(paths: Sequence[Path]) -> list[str]:
    """What each model is called: the stem of its file, with its folder where stems are the same."""
    stems = Counter(path.stem for path in paths)
    names = [path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}" for path in paths]
    counts = Counter(names)
    return [name if counts[name] == 1 else str(path) for name, path in zip(names, paths, strict=True)]


def _plot(
    path: Path, judged: Sequence[Judged], found: Sequence[Predictions], truth: TruthFile, sizes_px: Any
) -> None:
    from synthmed import plots
    from synthmed.metrics.detection import match_predictions

    panels: list[Any] = []
    filled = truth.points.with_sizes(sizes_px)
    rules = [("iou", "IoU 0.5"), ("center", "centres")][0 if truth.points.has_sizes else 1 :]
    for one, predictions in zip(judged, found, strict=True):
        for rule, words in rules:
            matched = match_predictions(predictions, filled, rule=rule, class_sizes_px=sizes_px)  # type: ignore[arg-type]
            limits = [getattr(entry.detector, f"threshold_{rule}") for entry in one.report.classes]
            panels.append((f"{one.report.run}, by {words}", matched, limits))
    plots.save_figure(plots.precision_recall(panels), path)
