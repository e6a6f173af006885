"""The figures of the demo: both models on held-out real images, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synthmed.bank import PatchBank
from synthmed.demo.findings import Findings
from synthmed.metrics import (
    CamEvaluator,
    CamFigures,
    RunReport,
    build_report,
    cam_figures,
    center_gaussian,
    classifier_figures,
    detector_figures,
    random_detections,
    uniform_map,
)
from synthmed.points import PointSet

_BASELINES = {"center_gaussian": center_gaussian, "uniform": uniform_map}

CamsOf = Callable[[Findings, int], NDArray]


def judge(name: str, points: PointSet, bank: PatchBank, train: Findings, val: Findings) -> RunReport:
    """Measure on val with thresholds from train.

    Args:
        name: what is evaluated.
        points: the clicked points, which the random baseline counts on train.
        bank: the bank, for its class sizes.
        train: what the models said about train.
        val: what they said about val.
    """
    sizes_px = bank.sizes_px
    clicked = points.of_split("train")
    return build_report(
        name,
        val.split,
        val.annotated,
        sizes_px,
        detector=detector_figures((train.boxes, train.truth), (val.boxes, val.truth), sizes_px),
        random_detector=detector_figures(
            (random_detections(clicked, train.truth, sizes_px), train.truth),
            (random_detections(clicked, val.truth, sizes_px), val.truth),
            sizes_px,
        ),
        cam=_cam_figures(train, val, sizes_px, lambda findings, index: findings.cams[index]),
        baseline_cams={
            name: _cam_figures(train, val, sizes_px, _without_looking(baseline))
            for name, baseline in _BASELINES.items()
        },
        classifier=classifier_figures((train.scores, train.truth), (val.scores, val.truth)),
    )


def _cam_figures(
    train: Findings, val: Findings, sizes_px: NDArray[np.float64], cams_of: CamsOf
) -> tuple[CamFigures, ...]:
    tuned = CamEvaluator(train.truth.classes, sizes_px, peaks_only=True)
    judged = CamEvaluator(val.truth.classes, sizes_px)
    for evaluator, findings in ((tuned, train), (judged, val)):
        for index in range(len(findings.truth.images)):
            evaluator.add_image(cams_of(findings, index), findings.truth, index)
    return cam_figures(judged, tuned.best_peak_thresholds())


def _without_looking(baseline: Callable[[tuple[int, ...]], NDArray[np.float64]]) -> CamsOf:
    """The same map for every class of every image of one shape."""

    def cams_of(findings: Findings, index: int) -> NDArray:
        shape = tuple(int(n) for n in findings.truth.image_shapes_px[index])
        return np.repeat(baseline(shape)[None], len(findings.truth.classes), axis=0)

    return cams_of
