"""What networks say about images, in plain arrays, one image at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.predictions import NOTHING_FOUND, Detections


@dataclass(frozen=True)
class DetectorOutput:
    """What a detector says.

    Attributes:
        classes: the class names.
        images: the index and the boxes of each image, as a detector yields them.
    """

    classes: tuple[str, ...]
    images: Iterable[tuple[int, Detections]]


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


def collect_boxes(
    output: DetectorOutput, shapes_px: tuple[tuple[int, int], ...], min_score: float
) -> list[Detections]:
    """The boxes of each image that score enough, clipped to it; boxes without area are left out."""
    images = [NOTHING_FOUND] * len(shapes_px)
    for index, (boxes_px, scores, labels) in output.images:
        limit = np.tile(np.array(shapes_px[index], dtype=float), 2)
        boxes = np.clip(np.asarray(boxes_px, dtype=float).reshape(-1, 4), 0, limit)
        kept = (np.asarray(scores) >= min_score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        images[index] = Detections(
            boxes[kept], np.asarray(scores, dtype=float)[kept], np.asarray(labels, dtype=np.int64)[kept]
        )
    return images
