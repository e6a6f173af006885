"""What the trained models find on real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank import PatchBank
from synthmed.demo.inputs import DemoInput
from synthmed.metrics import Predictions
from synthmed.nets.inference import Predictor, predict_detections
from synthmed.nets.real_truth import read_truth
from synthmed.points import PointSet, resolve_inside
from synthmed.terminal import progress_bar


@dataclass(frozen=True, eq=False)
class Findings:
    """What the models said about images of one split.

    Attributes:
        split: the split.
        annotated: the images with the boxes that annotators drew, where there are any.
        truth: what is judged against: on train the clicked points with boxes of their class's size, on val
            the annotated boxes, or the same where there are none.
        boxes: the detector's.
        scores: ``(I, C)`` float, the classifier's.
        cams: per image ``(C, H, W)`` float32.
    """

    split: str
    annotated: PointSet
    truth: PointSet
    boxes: Predictions
    scores: NDArray[np.float64]
    cams: list[NDArray[np.float32]]


def find(
    split: str, most: int | None, data: DemoInput, bank: PatchBank, detector: Predictor, classifier: Predictor
) -> Findings:
    """Run both models on the images of a split.

    Args:
        split: ``train`` or ``val``.
        most: at most so many images, spread evenly; ``None`` for all.
        data: the demo's input.
        bank: its bank.
        detector: the trained detector.
        classifier: the trained classifier.
    """
    annotated = read_truth(
        data.images_dir,
        data.points,
        split=split,
        boxes=data.boxes_of(split),
        classes=bank.classes,
    ).evenly(most)
    truth = annotated if split == "val" else _clicked(data.points, annotated.images)
    with progress_bar(f"Detecting on {split}") as progress:
        boxes = predict_detections(detector, truth, data.images_dir, progress)
    paths = [resolve_inside(data.images_dir, name) for name in truth.images]
    scores = np.zeros((len(paths), len(bank.classes)))
    cams: list[NDArray[np.float32]] = []
    with progress_bar(f"Activation maps on {split}") as progress:
        for index, image_scores, image_cams in classifier.cams(paths, progress):
            scores[index] = image_scores
            cams.append(image_cams)
    return Findings(split, annotated, truth.with_sizes(bank.sizes_px), boxes, scores, cams)


def _clicked(points: PointSet, images: tuple[str, ...]) -> PointSet:
    """The clicked points of some images, in the order of the points' own images."""
    return points.of_images(np.isin(np.array(points.images, dtype=str), images))
