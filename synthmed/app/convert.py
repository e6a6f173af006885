"""Between pixels in array order and FiftyOne's labels, whose x and y run from 0 to 1 over the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Shares of an image come back with noise in the last bits, which can move a box over the middle of a pixel.
_DIGITS = 9


def boxes_to_relative(boxes_px: ArrayLike, shape_px: tuple[int, int]) -> Floats:
    """Boxes as FiftyOne has them.

    Args:
        boxes_px: ``(N, 4)`` float, ``(row0, column0, row1, column1)``.
        shape_px: ``(height, width)`` of the image.

    Returns:
        ``(N, 4)`` float, ``(x, y, width, height)`` as shares of the image.

    Examples:
        >>> boxes_to_relative([[10, 40, 30, 60]], (100, 200)).tolist()
        [[0.2, 0.1, 0.1, 0.2]]
        >>> boxes_to_relative([], (100, 200)).shape
        (0, 4)
    """
    row0, column0, row1, column1 = np.asarray(boxes_px, dtype=float).reshape(-1, 4).T
    height, width = shape_px
    return np.stack(
        [column0 / width, row0 / height, (column1 - column0) / width, (row1 - row0) / height], axis=1
    )


def boxes_to_px(boxes: ArrayLike, shapes_px: ArrayLike) -> Floats:
    """The inverse of `boxes_to_relative`.

    Args:
        boxes: ``(N, 4)`` float, ``(x, y, width, height)`` as shares of the image.
        shapes_px: ``(2,)`` or ``(N, 2)``, ``(height, width)`` of the image of each box.

    Returns:
        ``(N, 4)`` float, ``(row0, column0, row1, column1)``.

    Examples:
        >>> boxes_to_px([[0.2, 0.1, 0.1, 0.2]], (100, 200)).tolist()
        [[10.0, 40.0, 30.0, 60.0]]
    """
    x, y, w, h = np.asarray(boxes, dtype=float).reshape(-1, 4).T
    height, width = np.asarray(shapes_px, dtype=float).T
    boxes_px: Floats = np.stack([y * height, x * width, (y + h) * height, (x + w) * width], axis=1)
    return np.round(boxes_px, _DIGITS)


def centers_to_relative(centers_px: ArrayLike, shape_px: tuple[int, int]) -> Floats:
    """Centres as FiftyOne has them.

    Args:
        centers_px: ``(N, 2)`` float, ``(row, column)``.
        shape_px: ``(height, width)`` of the image.

    Returns:
        ``(N, 2)`` float, ``(x, y)`` as shares of the image.

    Examples:
        >>> centers_to_relative([[25, 50]], (100, 200)).tolist()
        [[0.25, 0.25]]
    """
    height, width = shape_px
    row, column = np.asarray(centers_px, dtype=float).reshape(-1, 2).T
    return np.stack([column / width, row / height], axis=1)


def centers_to_px(centers: ArrayLike, shapes_px: ArrayLike) -> Floats:
    """The inverse of `centers_to_relative`; NaN stays NaN.

    Args:
        centers: ``(N, 2)`` float, ``(x, y)`` as shares of the image.
        shapes_px: ``(2,)`` or ``(N, 2)``, ``(height, width)`` of the image of each centre.

    Examples:
        >>> centers_to_px([[0.25, 0.25]], (100, 200)).tolist()
        [[25.0, 50.0]]
    """
    x, y = np.asarray(centers, dtype=float).reshape(-1, 2).T
    height, width = np.asarray(shapes_px, dtype=float).T
    centers_px: Floats = np.stack([y * height, x * width], axis=1)
    return np.round(centers_px, _DIGITS)


def to_detections(
    boxes_px: ArrayLike,
    names: Sequence[str],
    shape_px: tuple[int, int],
    *,
    confidences: Sequence[float] | None = None,
    attributes: Mapping[str, Sequence[Any]] | None = None,
) -> fo.Detections:
    """Boxes of one image as labels.

    Args:
        boxes_px: ``(N, 4)`` float, ``(row0, column0, row1, column1)``.
        names: ``(N,)`` the class of each.
        shape_px: ``(height, width)`` of the image.
        confidences: ``(N,)`` in 0..1, for predictions.
        attributes: further columns, name -> ``(N,)`` values.
    """
    boxes = boxes_to_relative(boxes_px, shape_px).tolist()
    columns = dict(attributes or {})
    if confidences is not None:
        columns["confidence"] = confidences
    return fo.Detections(
        detections=[
            fo.Detection(label=name, bounding_box=box, **row)
            for name, box, row in zip(names, boxes, _rows(columns, len(names)), strict=True)
        ]
    )


def to_keypoints(
    centers_px: ArrayLike,
    names: Sequence[str],
    shape_px: tuple[int, int],
    *,
    confidences: Sequence[float] | None = None,
    attributes: Mapping[str, Sequence[Any]] | None = None,
) -> fo.Keypoints:
    """Centres of one image as labels, one keypoint label for each.

    Args:
        centers_px: ``(N, 2)`` float, ``(row, column)``.
        names: ``(N,)`` the class of each.
        shape_px: ``(height, width)`` of the image.
        confidences: ``(N,)`` in 0..1, for predictions.
        attributes: further columns, name -> ``(N,)`` values.
    """
    centers = centers_to_relative(centers_px, shape_px).tolist()
    columns = dict(attributes or {})
    if confidences is not None:
        columns["confidence"] = [[confidence] for confidence in confidences]
    return fo.Keypoints(
        keypoints=[
            fo.Keypoint(label=name, points=[center], **row)
            for name, center, row in zip(names, centers, _rows(columns, len(names)), strict=True)
        ]
    )


def _rows(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    if not columns:
        return [{}] * count
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
