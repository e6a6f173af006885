"""From decoded boxes and scores to detections, as MMDetection's post-processing does it, in numpy.

Only at the score threshold it differs: a box that scores exactly so much stays, as in every evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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
        candidates: then all but so many of the best; ``None``: no limit.
        max_iou: then each that overlaps a better one of its class by more than this.
        max_boxes: then all but so many of the best; ``None``: no limit.
        by_level: whether each level of the network has so many candidates, and not all of them together.
        single_label: whether a box may stay for its best class alone.
        min_objectness: boxes of less objectness are no candidates.
        min_side_px: candidates with a side no longer than this are dropped; ``None``: none are.
        clipped: whether boxes are cut off at the border of the image before anything else.
    """

    min_score: float = 0.001
    candidates: int | None = 1000
    max_iou: float = 0.45
    max_boxes: int | None = 500
    by_level: bool = False
    single_label: bool = False
    min_objectness: float = 0.0
    min_side_px: float | None = 0.0
    clipped: bool = True

    def for_area(self, canvases: float) -> Selection:
        """The limits for an image as large as so many canvases; those for one are the least."""
        times = max(1.0, canvases)
        return replace(
            self,
            candidates=None if self.candidates is None else math.ceil(self.candidates * times),
            max_boxes=None if self.max_boxes is None else math.ceil(self.max_boxes * times),
        )


def select_boxes(
    boxes: Floats,
    scores: Floats,
    selection: Selection,
    *,
    objectness: Floats | None = None,
    level_sizes: Sequence[int] | None = None,
) -> tuple[Floats, Floats, Ints]:
    """The boxes of one image that stay, the highest score first.

    Args:
        boxes: ``(N, 4)`` float, low corner then high corner; clipped already where the selection says so.
        scores: ``(N, C)`` float, one for each class; a box may stay for several.
        selection: what stays.
        objectness: ``(N,)`` float, of a network whose candidates are sought by the class probability alone,
            the score over the objectness, as MMDetection does it for YOLOv3.
        level_sizes: how many of the N boxes are each level's, in order; for a selection ``by_level``.

    Returns:
        ``(K, 4)`` boxes, ``(K,)`` scores and ``(K,)`` labels.

    Examples:
        >>> boxes = np.array([[0.0, 0, 10, 10], [0, 1, 10, 11], [20, 20, 30, 30]])
        >>> select_boxes(boxes, np.array([[0.9], [0.8], [0.7]]), Selection())[1].tolist()
        [0.9, 0.7]
    """
    ranks = _ranks(scores, selection, objectness)
    place, labels = np.nonzero(ranks >= selection.min_score)
    best = np.argsort(-ranks[place, labels], kind="stable")
    sizes = level_sizes if selection.by_level and level_sizes is not None else [len(boxes)]
    best = best[_first_of_each(np.repeat(np.arange(len(sizes)), sizes)[place[best]], selection.candidates)]
    best = best[scores[place[best], labels[best]] >= selection.min_score]
    if selection.min_side_px is not None:
        sides = boxes[place[best], 2:] - boxes[place[best], :2]
        best = best[(sides > selection.min_side_px).all(axis=1)]
    best = best[np.argsort(-scores[place[best], labels[best]], kind="stable")]
    place, labels = place[best], labels[best]
    kept = _joined(
        own[best_of_overlapping(boxes[place[own]], selection.max_iou)] for own in _by_label(labels)
    )[: selection.max_boxes]
    place, labels = place[kept], labels[kept]
    return boxes[place], scores[place, labels], labels


def _ranks(scores: Floats, selection: Selection, objectness: Floats | None) -> Floats:
    """``(N, C)`` float, what candidates are sought by; -1 for those that can be none."""
    ranks = scores
    if objectness is not None:
        possible = ((objectness > 0) & (objectness >= selection.min_objectness))[:, None]
        ranks = np.divide(scores, objectness[:, None], out=np.full_like(scores, -1), where=possible)
    if selection.single_label:
        others = np.arange(scores.shape[1]) != ranks.argmax(axis=1)[:, None]
        ranks = np.where(others, -1, ranks)
    return ranks


def _first_of_each(groups: Ints, count: int | None) -> Ints:
    """The places, ascending, of the first so many of each group.

    Examples:
        >>> _first_of_each(np.array([1, 0, 1, 1, 0]), 2).tolist()
        [0, 1, 2, 4]
    """
    return _joined(own[:count] for own in _by_label(groups))


def _by_label(labels: Ints) -> list[Ints]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _joined(places: Iterable[Ints]) -> Ints:
    return np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *places]))


def best_of_overlapping(boxes: Floats, max_iou: float) -> Ints:
    """The places of boxes that overlap no better one that stays.

    Args:
        boxes: ``(N, 4)`` float, the best first.
        max_iou: the greatest IoU of two that stay.
    """
    kept, left = [], np.arange(len(boxes))
    while len(left):
        kept.append(left[0])
        # Row by row: all pairs of the boxes of a large image would not fit into memory.
        far = ~(pairwise_iou(boxes[left[:1]], boxes[left[1:]])[0] > max_iou)
        left = left[1:][far]
    return np.array(kept, dtype=np.int64)
