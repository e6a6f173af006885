"""What networks say about images, in plain arrays, one image at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.predictions import Predictions

Floats = NDArray[np.float64]


class ImageBoxes(NamedTuple):
    """The boxes that a detector found in one image.

    Attributes:
        boxes_px: ``(N, 4)`` float, ``(row0, column0, row1, column1)`` in pixels of the image.
        scores: ``(N,)`` float in 0..1.
        labels: ``(N,)`` int.
    """

    boxes_px: Floats
    scores: Floats
    labels: NDArray[np.int64]


NO_BOXES = ImageBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class DetectorOutput:
    """What a detector says.

    Attributes:
        classes: the class names.
        images: ``(index, boxes_px, scores, labels)`` per image, as a detector yields them.
    """

    classes: tuple[str, ...]
    images: Iterable[tuple[int, NDArray, NDArray, NDArray]]


@dataclass(frozen=True)
class ClassifierOutput:
    """What a multi-label classifier says, with the maps that it drew its scores from.

    Attributes:
        classes: the class names.
        images: ``(index, scores (C,), cams (C, H, W))`` per image; a map is evidence for its class in the
            classifier's own unit, the same in all images, and aligned with the image.
    """

    classes: tuple[str, ...]
    images: Iterable[tuple[int, NDArray, NDArray]]


def boxes_by_image(predictions: Predictions, count: int) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """Predictions of a whole set, one image after the other.

    Args:
        predictions: the predictions.
        count: the number of images.

    Examples:
        >>> scores = np.array([0.9, 0.8, 0.7])
        >>> both = Predictions(np.array([1, 0, 1]), np.eye(3, 4), scores, np.array([0, 0, 1]))
        >>> [(index, scores.tolist()) for index, _, scores, _ in boxes_by_image(both, 3)]
        [(0, [0.8]), (1, [0.9, 0.7]), (2, [])]
    """
    for index in range(count):
        own = predictions.image_index == index
        yield index, predictions.boxes_px[own], predictions.scores[own], predictions.labels[own]


def collect_boxes(
    output: DetectorOutput, shapes_px: tuple[tuple[int, int], ...], min_score: float
) -> list[ImageBoxes]:
    """The boxes of each image that score enough, clipped to it; boxes without area are left out."""
    images = [NO_BOXES] * len(shapes_px)
    for index, boxes_px, scores, labels in output.images:
        limit = np.tile(np.array(shapes_px[index], dtype=float), 2)
        boxes = np.clip(np.asarray(boxes_px, dtype=float).reshape(-1, 4), 0, limit)
        kept = (np.asarray(scores) >= min_score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        images[index] = ImageBoxes(
            boxes[kept], np.asarray(scores, dtype=float)[kept], np.asarray(labels, dtype=np.int64)[kept]
        )
    return images
