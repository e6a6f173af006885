"""Predictions and maps that stand in a dataset, judged against its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone import ViewField as F
from numpy.typing import NDArray

from synthmed.app.dependencies import depend_on, depend_on_data
from synthmed.app.judge_maps import judge_maps
from synthmed.app.names import POINTS
from synthmed.app.patch_bank import known_sizes
from synthmed.app.read_points import DatasetPoints, point_fields, read_points
from synthmed.app.runs import Run, get_run, list_runs, recorded
from synthmed.app.steps import Progress
from synthmed.app.stored_results import read_predictions, read_scores
from synthmed.errors import DatasetError, ProblemLog
from synthmed.metrics import (
    ClassifierFigures,
    DetectorFigures,
    build_report,
    classifier_figures,
    detector_figures,
    match_predictions,
    random_detections,
)
from synthmed.metrics.detection import IGNORED
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]

TRAIN = "train"


def evaluate(
    dataset: fo.Dataset,
    of: str,
    *,
    truth_field: str | None = None,
    split: str = "val",
    class_sizes_px: Mapping[str, float] | None = None,
    key: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> Run:
    """Judge the results of a run against the truth of a split, and store the figures in a run of its own.

    Only images that have results are judged, and only objects of classes that the results know. Thresholds
    are tuned on the clicked points of the train split where it has results; otherwise boxes count from a
    score of `FIXED_THRESHOLD` on, and peaks of maps from `FIXED_PEAK_THRESHOLD`. Objects at the border are
    ignore regions. Where the truth is boxes and the results
    have boxes, FiftyOne evaluates those at or above the threshold of their class too, which fills its Model
    Evaluation panel and marks each box as right, wrong or missed. Maps are judged by their raw values, so
    their figures are those of `CamMetric` and of the demo.

    Args:
        dataset: the dataset.
        of: the key of the run with the results.
        truth_field: boxes or points of the expert; by default the boxes where there are any.
        split: the split to judge.
        class_sizes_px: the size of each class; by default that of the newest bank, else the median of the
            truth's boxes, those of train where there are any. Half of it is how far a centre may be off.
        key: the name of the run.
        log: takes up what is skipped.
        progress: called with maps judged and maps in all.

    Returns:
        The run; its summary has the report, and in ``left_out`` how many objects had other classes.

    Raises:
        DatasetError: there are no such results, or no truth in the split, or class sizes are not known.
        PointsError: the truth cannot be read.
    """
    results = get_run(dataset, of)
    if results.kind != "apply_models":
        raise DatasetError("this run has no results", value=of, remedy="name a run that applied models")
    classes = tuple(dict.fromkeys([*results.summary["box_classes"], *results.summary["map_fields"]]))
    judged = set(dataset.exists(results.own_fields[0]).values("id"))
    truth_field = truth_field or _default_truth(dataset)
    truth = read_points(dataset, truth_field, check_images=False, log=log)
    clicked = _clicked(dataset, truth, log)
    held_out, left_out = _with_classes(_of_split(truth, split, judged), classes)
    train, _ = _with_classes(_of_split(clicked, TRAIN, judged), classes)
    if not len(held_out.points):
        raise DatasetError(
            "no image of the split has both results and objects of their classes",
            value=split,
            remedy=f"choose another split or truth, or apply the models to it; known: {', '.join(classes)}",
        )
    known, _ = _with_classes(truth, classes)
    sizes, banks = _class_sizes(dataset, known.points, class_sizes_px)
    noted = {"of": of, "truth_field": truth.fields[0], "thresholds_field": clicked.fields[0], "split": split}
    with recorded(dataset, "evaluate", key=key, params=noted) as run:
        depend_on(run, of, *banks)
        depend_on_data(run, (*train.sample_ids, *held_out.sample_ids), {*truth.fields, *clicked.fields})
        figures: dict[str, Any] = {}
        if results.summary["box_classes"]:
            placed = _with_classes(clicked, classes)[0].points.of_split(TRAIN)
            figures |= _detector(run, results, train, held_out, sizes, placed)
        if results.summary["map_fields"]:
            figures |= _classifier(results, train, held_out)
            figures |= judge_maps(dataset, results.summary["map_fields"], train, held_out, sizes, progress)
        report = build_report(of, split, held_out.points, sizes, **figures)
        run.summary = {"report": report.to_dict(), "left_out": left_out}
    return run


def _default_truth(dataset: fo.Dataset) -> str | None:
    """The boxes that a run imported, where there are any."""
    imported = [run.params.get("truth_field") for run in list_runs(dataset, "import_points")]
    return next((name for name in imported if name and dataset.has_field(name)), None)


def _clicked(dataset: fo.Dataset, truth: DatasetPoints, log: ProblemLog | None) -> DatasetPoints:
    """The clicked points, where there are any of train beside the truth: the only thing that training saw."""
    imported = [run.params.get("field") for run in list_runs(dataset, "import_points")]
    present = point_fields(dataset)
    field = next((name for name in (*imported, POINTS) if name in present), None)
    if field is None or field == truth.fields[0]:
        return truth
    clicked = read_points(dataset, field, check_images=False, log=log)
    return clicked if TRAIN in clicked.points.splits else truth


def _with_classes(found: DatasetPoints, classes: Sequence[str]) -> tuple[DatasetPoints, dict[str, int]]:
    """The points of the classes of the results, and how many of each other class were left out."""
    points = found.points
    others = Counter(points.classes[label] for label in points.labels)
    left_out = {name: others[name] for name in sorted(others) if name not in classes}
    number = {name: label for label, name in enumerate(classes)}
    table = np.array([number.get(name, -1) for name in points.classes], dtype=np.int64)
    kept = points.select(table[points.labels] >= 0)
    return replace(found, points=replace(kept, classes=tuple(classes), labels=table[kept.labels])), left_out


def _of_split(found: DatasetPoints, split: str, judged: set[str]) -> DatasetPoints:
    """The images of a split that have results."""
    rows = zip(found.sample_ids, found.points.splits, strict=True)
    kept = np.array([own == split and sample in judged for sample, own in rows], dtype=bool)
    ids = tuple(found.sample_ids[i] for i in np.flatnonzero(kept))
    return replace(found, points=found.points.of_images(kept), sample_ids=ids)


def _class_sizes(
    dataset: fo.Dataset, points: PointSet, given: Mapping[str, float] | None
) -> tuple[Floats, list[str]]:
    """``(C,)`` the size of each class, and the runs of the banks that some are from.

    A class of which nothing is known gets the mean of the others.
    """
    known = dict(given or {})
    of_banks = {name: entry for name, entry in known_sizes(dataset).items() if name not in known}
    banks = [of_banks[name][1] for name in points.classes if name in of_banks]
    known |= {name: size for name, (size, _) in of_banks.items()}
    sides = points.sizes_px.mean(axis=1)
    in_train = np.array(points.splits, dtype=str)[points.image_index] == TRAIN
    for label, name in enumerate(points.classes):
        own = (points.labels == label) & ~points.edge & np.isfinite(sides)
        # What is judged should not set how far it may be off, where anything else can.
        own = own & in_train if (own & in_train).any() else own
        if name not in known and own.any():
            known[name] = float(np.median(sides[own]))
    sizes = np.array([known.get(name, np.nan) for name in points.classes])
    if np.isnan(sizes).all():
        raise DatasetError(
            "the sizes of the classes are not known",
            value=", ".join(points.classes),
            remedy="give them, build a patch bank, or evaluate against boxes",
        )
    return np.where(np.isnan(sizes), np.nanmean(sizes), sizes), banks


def _detector(
    run: Run,
    results: Run,
    train: DatasetPoints,
    held_out: DatasetPoints,
    sizes: Floats,
    clicked: PointSet,
) -> dict[str, tuple[DetectorFigures, ...]]:
    """The figures of the boxes, beside those of random ones, as many as the train split has points."""
    field = results.params["predictions_field"]
    (on_train, _), (found, ids) = (read_predictions(run.dataset, field, part) for part in (train, held_out))
    by_chance = random_detections(clicked, held_out.points, sizes)
    on_train_by_chance = random_detections(clicked, train.points, sizes)
    figures = detector_figures((on_train, train.points), (found, held_out.points), sizes)
    if held_out.points.has_sizes:
        verdicts = match_predictions(found, held_out.points)
        ignored = [
            label_id for label_id, status in zip(ids, verdicts.status, strict=True) if status == IGNORED
        ]
        thresholds = {
            name: entry.threshold_iou for name, entry in zip(held_out.points.classes, figures, strict=False)
        }
        _fill_panel(run, field, held_out, thresholds, ignored)
    return {
        "detector": figures,
        "random_detector": detector_figures(
            (on_train_by_chance, train.points), (by_chance, held_out.points), sizes
        ),
    }


def _fill_panel(
    run: Run, field: str, held_out: DatasetPoints, thresholds: Mapping[str, float], ignored: Sequence[str]
) -> None:
    """Let FiftyOne evaluate what counts: no object at the border, no box on one or below its threshold."""
    truth_field = run.params["truth_field"]
    enough = F("confidence") >= F("label").map_values(dict(thresholds))
    inside = ~F("edge").is_in([True])
    view = run.dataset.select(held_out.sample_ids)
    view = view.filter_labels(truth_field, inside, only_matches=False)
    view = view.filter_labels(field, enough, only_matches=False)
    if ignored:
        view = view.exclude_labels(ids=list(ignored), fields=field, omit_empty=False)
    run.evaluation = run.key
    run.save()
    view.evaluate_detections(
        field, gt_field=truth_field, eval_key=run.key, classes=list(held_out.points.classes), progress=False
    )


def _classifier(
    results: Run, train: DatasetPoints, held_out: DatasetPoints
) -> dict[str, tuple[ClassifierFigures, ...]]:
    """The figures of the image-level scores; none where an image or a class has no score."""
    field = f"{results.params['cam_prefix']}_scores"
    parts = []
    for part in (train, held_out):
        scores = read_scores(results.dataset, field, part, part.points.classes)
        scored: NDArray[np.bool_] = ~np.any(np.isnan(scores), axis=1)
        parts.append((scores[scored], part.points.of_images(scored)))
    return {"classifier": classifier_figures(parts[0], parts[1])} if len(parts[1][0]) else {}
