"""From decoded boxes and scores to detections, as MMDetection's post-processing does it, in numpy.

Only at the score threshold it differs: a box that scores exactly so much stays, as in every evaluation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.boxes import pairwise_iou

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Selection:
    """Which boxes stay.

    Attributes:
        min_score: boxes that score less go first.
        candidates: then all but so many of the best.
        max_iou: then each that overlaps a better one of its class by more than this.
        max_boxes: then all but so many of the best.
    """

    min_score: float = 0.001
    candidates: int = 1000
    max_iou: float = 0.45
    max_boxes: int = 500

    def for_area(self, canvases: float) -> Selection:
        """The limits for an image as large as so many canvases; those for one are the least."""
        times = max(1.0, canvases)
        return replace(
            self,
            candidates=math.ceil(self.candidates * times),
            max_boxes=math.ceil(self.max_boxes * times),
        )


def select_boxes(boxes: Floats, scores: Floats, selection: Selection) -> tuple[Floats, Floats, Ints]:
    """The boxes of one image that stay, the highest score first.

    Args:
        boxes: ``(N, 4)`` float, low corner then high corner.
        scores: ``(N, C)`` float, one for each class; a box may stay for several.
        selection: what stays.

    Returns:
        ``(K, 4)`` boxes, ``(K,)`` scores and ``(K,)`` labels.

    Examples:
        >>> boxes = np.array([[0.0, 0, 10, 10], [0, 1, 10, 11], [20, 20, 30, 30]])
        >>> select_boxes(boxes, np.array([[0.9], [0.8], [0.7]]), Selection())[1].tolist()
        [0.9, 0.7]
    """
    place, labels = np.nonzero(scores >= selection.min_score)
    best = np.argsort(-scores[place, labels], kind="stable")[: selection.candidates]
    place, labels = place[best], labels[best]
    values = scores[place, labels]
    kept = np.concatenate(
        [own[best_of_overlapping(boxes[place[own]], selection.max_iou)] for own in _by_label(labels)]
        or [np.zeros(0, dtype=np.int64)]
    )
    kept = np.sort(kept)[: selection.max_boxes]
    return boxes[place[kept]], values[kept], labels[kept]


def _by_label(labels: Ints) -> list[Ints]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def best_of_overlapping(boxes: Floats, max_iou: float) -> Ints:
    """The places of boxes that overlap no better one that stays.

    Args:
        boxes: ``(N, 4)`` float, the best first.
        max_iou: the greatest IoU of two that stay.
    """
    too_close = pairwise_iou(boxes, boxes) > max_iou
    free = np.ones(len(boxes), dtype=bool)
    for k in range(len(boxes)):
        if free[k]:
            free[k + 1 :] &= ~too_close[k, k + 1 :]
    return np.flatnonzero(free)
