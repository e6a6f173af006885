"""Boxes as they leave a detector: within the image, in array order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.predictions import Detections


def detections_in_image(
    boxes_xyxy: NDArray[np.float64],
    scores: NDArray[np.float64],
    labels: NDArray[np.int64],
    shape_px: tuple[int, int],
) -> Detections:
    """Clip boxes to the image and drop those without any area in it, which lie in the padding.

    Boxes that are not finite are kept as they are: the metrics refuse them with a reason.

    Args:
        boxes_xyxy: ``(N, 4)`` float, ``x0, y0, x1, y1``.
        scores: ``(N,)`` float.
        labels: ``(N,)`` int.
        shape_px: height and width of the image.

    Examples:
        >>> boxes = np.array([[5.0, -2, 8, 3], [12, 0, 14, 3]])
        >>> detections_in_image(boxes, np.ones(2), np.zeros(2, int), (6, 10)).boxes_px.tolist()
        [[0.0, 5.0, 3.0, 8.0]]
    """
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)[:, [1, 0, 3, 2]]
    boxes = np.clip(boxes, 0, np.tile(shape_px, 2))
    empty = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    return Detections(
        boxes[~empty], np.asarray(scores, np.float64)[~empty], np.asarray(labels, np.int64)[~empty]
    )
