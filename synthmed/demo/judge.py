"""What the trained models find on held-out real images: figures, pictures and a FiftyOne dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmed.bank import PatchBank
from synthmed.demo.inputs import DemoInput
from synthmed.demo.options import DemoOptions
from synthmed.metrics import (
    CamEvaluator,
    Predictions,
    RunReport,
    build_report,
    cam_figures,
    center_gaussian,
    classifier_figures,
    detector_figures,
    random_detections,
    uniform_map,
)
from synthmed.nets.inference import iter_cams, predict_detections
from synthmed.nets.real_truth import read_truth
from synthmed.points import PointSet, resolve_inside
from synthmed.terminal import progress_bar
from synthmed.training import last_checkpoint

# Thresholds are one number per class: more train images than this do not move them, but take time.
_TRAIN_IMAGES = 64

Map = Callable[[tuple[int, ...]], NDArray[np.float64]]
_BASELINES: dict[str, Map] = {"center_gaussian": center_gaussian, "uniform": uniform_map}


@dataclass(frozen=True, eq=False)
class Findings:
    """What the models said about one split.

    Attributes:
        truth: the split, every object with a box.
        boxes: the detector's.
        scores: ``(I, C)`` float, the classifier's.
        cams: per image ``(C, H, W)`` float32.
    """

    truth: PointSet
    boxes: Predictions
    scores: NDArray[np.float64]
    cams: list[NDArray[np.float32]]


def judge(
    data: DemoInput, bank: PatchBank, work_dir: Path, options: DemoOptions
) -> tuple[RunReport, Findings]:
    """Predict on train, for the thresholds, and on val; measure; write ``report.json``."""
    train = _find(_some_images(data.points.of_split("train"), _TRAIN_IMAGES), data, bank, work_dir, options)
    # Real boxes of val are truth for judging; nothing before this line has seen them.
    val_truth = read_truth(
        data.images_dir, data.points_file, split="val", boxes=data.boxes_pattern or None, classes=bank.classes
    )
    val = _find(val_truth, data, bank, work_dir, options)
    sizes = bank.sizes_px
    random = [
        (random_detections(data.points.of_split("train"), f.truth, sizes), f.truth) for f in (train, val)
    ]
    report = build_report(
        data.name,
        "val",
        val_truth,
        sizes,
        detector=detector_figures((train.boxes, train.truth), (val.boxes, val.truth), sizes),
        random_detector=detector_figures(random[0], random[1], sizes),
        cam=_cam_figures(train, val, sizes, lambda f, i: f.cams[i]),
        baseline_cams={
            name: _cam_figures(train, val, sizes, _constant(baseline))
            for name, baseline in _BASELINES.items()
        },
        classifier=classifier_figures((train.scores, train.truth), (val.scores, val.truth)),
    )
    report.to_json(work_dir / "report.json")
    return report, val


def _find(
    truth: PointSet, data: DemoInput, bank: PatchBank, work_dir: Path, options: DemoOptions
) -> Findings:
    detector, classifier = work_dir / "detector", work_dir / "classifier"
    split = truth.splits[0]
    with progress_bar(f"Detecting on {split}") as progress:
        boxes = predict_detections(
            options.detector_config, last_checkpoint(detector), truth, data.images_dir, progress=progress
        )
    paths = [resolve_inside(data.images_dir, name) for name in truth.images]
    scores = np.zeros((len(paths), len(bank.classes)))
    cams: list[NDArray[np.float32]] = []
    with progress_bar(f"Activation maps on {split}") as progress:
        found = iter_cams(options.classifier_config, last_checkpoint(classifier), paths, progress=progress)
        for index, image_scores, image_cams in found:
            scores[index] = image_scores
            cams.append(image_cams)
    return Findings(truth.with_sizes(bank.sizes_px), boxes, scores, cams)


def _cam_figures(
    train: Findings,
    val: Findings,
    sizes_px: NDArray[np.float64],
    cams_of: Callable[[Findings, int], NDArray],
) -> tuple:
    tuned = CamEvaluator(train.truth.classes, sizes_px, peaks_only=True)
    judged = CamEvaluator(val.truth.classes, sizes_px)
    for evaluator, findings in ((tuned, train), (judged, val)):
        for index in range(len(findings.truth.images)):
            evaluator.add_image(cams_of(findings, index), findings.truth, index)
    return cam_figures(judged.report(tuned.best_peak_thresholds()))


def _constant(baseline: Map) -> Callable[[Findings, int], NDArray]:
    def cams_of(findings: Findings, index: int) -> NDArray:
        shape = tuple(int(n) for n in findings.truth.image_shapes_px[index])
        return np.repeat(baseline(shape)[None], len(findings.truth.classes), axis=0)

    return cams_of


def _some_images(points: PointSet, most: int) -> PointSet:
    """At most so many images, spread evenly."""
    keep = np.zeros(len(points.images), dtype=bool)
    keep[np.linspace(0, len(keep) - 1, min(most, len(keep))).astype(int)] = True
    return points.of_images(keep)


def telling_images(truth: PointSet, most: int) -> Iterable[int]:
    """Images with many classes first, then with many objects: those that show most."""
    counts = truth.counts()
    order = np.lexsort((np.arange(len(counts)), -counts.sum(axis=1), -(counts > 0).sum(axis=1)))
    return [int(i) for i in order[:most]]
