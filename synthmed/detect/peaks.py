"""A classifier as a detector: the peaks of its class activation maps are the objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from synthmed.detect.detections import detections_in_image
from synthmed.detect.model import ModelFacts
from synthmed.errors import ModelError
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.predictions import Detections

Image = NDArray[np.uint8]
Maps = NDArray[np.float32]

PEAK_RULE = "peak"
"""The rule of thresholds that are values of a map; those of other rules are scores."""

UNDECIDED = 0.5
"""The score of a peak of height 0, above which a map says yes."""

_ROUNDING = 1e-9


class MapMaker(Protocol):
    """A classifier that is ready to look at images."""

    @property
    def facts(self) -> ModelFacts:
        """What it knows about itself."""

    def maps(self, images: Sequence[Image]) -> list[tuple[Maps, Maps]]:
        """Scores ``(C,)`` and maps ``(C, H, W)``, in units of the logit, of images at its scale."""


class PeakDetector:
    """Finds an object of a class at each peak of its map, in a box of the size of the class.

    The score of a peak is the sigmoid of its height, so that boxes of all images and classes stand on one
    scale in 0..1; where a map is 0 the classifier is undecided, and the score 0.5.

    Args:
        classifier: makes the maps.

    Attributes:
        facts: those of the classifier.
        score_threshold: peaks that score less are left out.

    Raises:
        ModelError: the classifier does not know how large its classes are.
    """

    def __init__(self, classifier: MapMaker) -> None:
        if classifier.facts.class_sizes_px is None:
            raise ModelError(
                "the model does not know how large its classes are, and a peak has no size of its own",
                remedy="use a checkpoint that was trained on composed scenes",
            )
        self.facts = classifier.facts
        self.score_threshold = UNDECIDED
        self._sizes_px = classifier.facts.class_sizes_px
        self._classifier = classifier

    def find(self, images: Sequence[Image]) -> list[Detections]:
        """Boxes in each image; see `synthmed.detect.model.Detector`."""
        # Lower by what rounding may add; a score of 1 stands for all heights from 37 on.
        score = np.nextafter(np.clip(self.score_threshold, 0, 1), 0)
        threshold = float(logit(score)) - _ROUNDING
        return [peak_boxes(maps, self._sizes_px, threshold) for _, maps in self._classifier.maps(images)]


def peak_boxes(maps: Maps, sizes_px: Sequence[float], threshold: float = 0.0) -> Detections:
    """A box of the size of its class round each peak of the maps of an image, the highest first.

    Two peaks of a class are at least half its size apart.

    Args:
        maps: ``(C, H, W)`` float, in units of the logit.
        sizes_px: ``(C,)`` float, the side of each class.
        threshold: the least height of a peak.

    Examples:
        >>> cam = np.zeros((1, 8, 8), dtype=np.float32)
        >>> cam[0, 2, 3] = 2
        >>> found = peak_boxes(cam, [4.0])
        >>> found.boxes_px.tolist(), found.scores.round(2).tolist()
        ([[0.5, 1.5, 4.5, 5.5]], [0.88])
    """
    columns: list[tuple[NDArray, NDArray, NDArray]] = [(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))]
    for label, (cam, size) in enumerate(zip(maps, sizes_px, strict=True)):
        centers_px, heights = find_peaks(cam, size / 2, threshold)
        middles = centers_px[:, ::-1]
        columns.append(
            (np.hstack([middles - size / 2, middles + size / 2]), heights, np.full(len(heights), label))
        )
    boxes, heights, labels = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(-heights, kind="stable")
    return detections_in_image(boxes[order], expit(heights[order]), labels[order], maps.shape[1:])


def as_scores(thresholds: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Thresholds with those of peaks, which are heights of a map, as the scores that peaks have.

    Examples:
        >>> as_scores({"peak": {"RBC": 0.0}})
        {'peak': {'RBC': 0.5}}
    """
    return {
        rule: {name: float(expit(value)) if rule == PEAK_RULE else value for name, value in of_rule.items()}
        for rule, of_rule in thresholds.items()
    }
