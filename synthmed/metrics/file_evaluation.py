"""Predictions of any model, in files, judged against a file of truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import ProblemLog, SynthmedError
from synthmed.metrics.baselines import center_gaussian, random_detections, uniform_map
from synthmed.metrics.bootstrap import (
    DEFAULT,
    Resampling,
    resampling_units,
)
from synthmed.metrics.cam import CamEvaluator
from synthmed.metrics.coco_results import read_coco_results
from synthmed.metrics.comparison import Judged
from synthmed.metrics.detection import FIXED_THRESHOLD
from synthmed.metrics.evaluation import build_report, cam_figures, detector_figures, entries, measure_detector
from synthmed.metrics.map_folder import MapFolder
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.report import DetectorFigures
from synthmed.metrics.truth_file import TruthFile, overlap
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

MAP_BASELINES = {"center_gaussian": center_gaussian, "uniform": uniform_map}


@dataclass(frozen=True)
class Judging:
    """How files are judged.

    Attributes:
        threshold: score from which boxes count, where nothing is tuned.
        peak_threshold: value from which peaks of maps count, where nothing is tuned; without it and without
            tuning, peaks are not judged.
        categories: class name by category id of the predictions, where the ids are not those of the truth.
        resampling: how intervals are found.
        log: takes notes.
    """

    threshold: float = FIXED_THRESHOLD
    peak_threshold: float | None = None
    categories: Mapping[str, str] = field(default_factory=dict)
    resampling: Resampling = DEFAULT
    log: ProblemLog = field(default_factory=ProblemLog)


def check_apart(tuning: TruthFile, truth: TruthFile, log: ProblemLog) -> None:
    """Make sure that thresholds are not tuned on what is reported.

    Raises:
        SynthmedError: an image is in both.
    """
    shared = overlap(tuning.points, truth.points)
    if shared:
        raise SynthmedError(
            f"{len(shared)} of the images that thresholds would be tuned on are those that are judged",
            file=tuning.path,
            value=", ".join(shared[:3]),
            remedy="tune on other images (train), or leave tuning out for a fixed --threshold",
        )
    groups = sorted({group for group in tuning.points.groups if group} & set(truth.points.groups))
    if groups:
        log.note(
            f"Warning: {len(groups)} groups ({', '.join(groups[:3])}) are both tuned on and judged: "
            "the figures are too kind"
        )


def class_sizes(given: Floats, parts: Sequence[PointSet], log: ProblemLog) -> Floats:
    """``(C,)`` the size of each class, half of which is how far a centre may be off.

    Args:
        given: ``(C,)`` float, NaN for a class whose size is the median side of its boxes, those of the first
            part that has any.
        parts: what thresholds are tuned on, then what is judged.
        log: takes a note of the sizes found.

    Raises:
        SynthmedError: the size of a class that has objects is neither given nor to be found.
    """
    sizes: Floats = given.copy()
    found: list[str] = []
    for label, name in enumerate(parts[-1].classes):
        for part in parts:
            sides = part.sizes_px.mean(axis=1)
            own = (part.labels == label) & ~part.edge & np.isfinite(sides)
            if np.isnan(sizes[label]) and own.any():
                sizes[label] = float(np.median(sides[own]))
                found.append(f"{name} {sizes[label]:.0f} px")
    counts = parts[-1].select(~parts[-1].edge).counts().sum(axis=0)
    unknown = [parts[-1].classes[label] for label in np.flatnonzero(np.isnan(sizes) & (counts > 0))]
    if unknown or np.isnan(sizes).all():
        raise SynthmedError(
            "the truth has points alone, so the sizes of classes have to be given",
            value=", ".join(unknown),
            remedy=f"pass --size {', '.join(unknown) or 'CLASS'}=PIXELS; a centre may be off by half of it",
        )
    if found:
        log.note(
            f"class sizes, the median of the boxes: {', '.join(found)}; a centre may be off by half of that"
        )
    sizes[np.isnan(sizes)] = np.nanmean(sizes)
    return sizes


def judge_boxes(
    name: str,
    path: Path,
    truth: TruthFile,
    sizes_px: Floats,
    judging: Judging,
    tuning: tuple[Path, TruthFile] | None = None,
) -> tuple[Judged, Predictions]:
    """Judge a file of scored boxes.

    Args:
        name: what the model is called.
        path: its file.
        truth: what it is judged against.
        sizes_px: ``(C,)`` float.
        judging: how.
        tuning: its boxes on other images and their truth, which thresholds are from.
    """

    def read(file: Path, of: TruthFile) -> tuple[Predictions, PointSet]:
        return read_coco_results(file, of, categories=judging.categories, log=judging.log), of.points

    held_out = read(path, truth)
    train = None if tuning is None else read(*tuning)
    statistic, thresholds = measure_detector(train, held_out, sizes_px, fixed_threshold=judging.threshold)
    units = resampling_units(truth.points.groups)
    chance = None
    if train is not None:
        guesses = [(random_detections(train[1], part, sizes_px), part) for part in (train[1], truth.points)]
        chance = detector_figures(guesses[0], guesses[1], sizes_px, resampling=judging.resampling)
    report = build_report(
        name,
        "",
        truth.points,
        sizes_px,
        detector=entries(DetectorFigures, statistic, thresholds, units, judging.resampling),
        random_detector=chance,
        thresholds_from="" if tuning is None else str(tuning[1].path),
        resampling=judging.resampling,
    )
    return Judged(report, statistic), held_out[0]


def judge_map_folder(
    name: str,
    path: Path,
    truth: TruthFile,
    sizes_px: Floats,
    judging: Judging,
    tuning: tuple[Path, TruthFile] | None = None,
    progress: Progress | None = None,
) -> Judged:
    """Judge a folder of heat maps, beside maps that know no image.

    The arguments are those of `judge_boxes`; ``progress`` is called with images judged and images in all.
    """
    found = MapFolder(path, truth.points)
    others = None if tuning is None else MapFolder(tuning[0], tuning[1].points)
    total = len(truth.points.images) + (0 if others is None else len(others.truth.images))
    tuned = _gathered(others, sizes_px, True, progress, 0, total) if others else {}
    judged = _gathered(found, sizes_px, False, progress, total - len(truth.points.images), total)
    absent = found.absent + (others.absent if others else 0)
    if absent:
        judging.log.note(
            f"{path}: {absent} maps of classes that their image lacks are not there; false peaks on them "
            "cannot be counted, so peaks are not judged"
        )
    limits = {key: None if absent else _peak_limits(tuned.get(key), judging, len(sizes_px)) for key in judged}
    figures = {
        key: cam_figures(evaluator, limits[key], resampling=judging.resampling)
        for key, evaluator in judged.items()
    }
    own = figures.pop("")
    report = build_report(
        name,
        "",
        truth.points,
        sizes_px,
        cam=own,
        baseline_cams=figures,
        thresholds_from="" if tuning is None else str(tuning[1].path),
        resampling=judging.resampling,
    )
    return Judged(report, judged[""].statistic(limits[""]))


def _gathered(
    folder: MapFolder, sizes_px: Floats, peaks_only: bool, progress: Progress | None, done: int, total: int
) -> dict[str, CamEvaluator]:
    """An evaluator for the maps, by the name ``""``, and one for each baseline."""
    truth = folder.truth.with_sizes(sizes_px)
    names = ("", *MAP_BASELINES)
    evaluators = {name: CamEvaluator(truth.classes, sizes_px, peaks_only=peaks_only) for name in names}
    for index, maps in folder:
        for name, evaluator in evaluators.items():
            shown = np.broadcast_to(MAP_BASELINES[name](maps.shape[1:]), maps.shape) if name else maps
            evaluator.add_image(shown, truth, index)
        if progress is not None:
            progress(done + index + 1, total)
    return evaluators


def _peak_limits(tuned: CamEvaluator | None, judging: Judging, count: int) -> Floats | None:
    if tuned is not None:
        return tuned.best_peak_thresholds()
    return None if judging.peak_threshold is None else np.full(count, judging.peak_threshold)
