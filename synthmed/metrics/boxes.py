"""Boxes as arrays: areas, intersections, intersection over union.

Boxes are ``(N, 2 * D)`` float in array order, low corner then high corner (``row0, column0, row1, column1``
for D = 2), with half-open edges, so a box from 0 to 10 is 10 pixels long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def areas(boxes_px: ArrayLike) -> Floats:
    """The area (volume for D = 3) of each box; 0 where a box is turned inside out.

    Args:
        boxes_px: ``(N, 2 * D)`` float.

    Returns:
        ``(N,)`` float, in pixels.

    Examples:
        >>> areas([[0, 0, 2, 5], [3, 3, 1, 9]]).tolist()
        [10.0, 0.0]
    """
    low, high = _corners(boxes_px)
    area: Floats = np.clip(high - low, 0, None).prod(axis=-1)
    return area


def intersections(boxes_px: ArrayLike, others_px: ArrayLike) -> Floats:
    """The area that each box of the first set shares with each of the second.

    Args:
        boxes_px: ``(N, 2 * D)`` float.
        others_px: ``(M, 2 * D)`` float.

    Returns:
        ``(N, M)`` float, in pixels.
    """
    (low, high), (other_low, other_high) = _corners(boxes_px), _corners(others_px)
    sides = np.minimum(high[:, None], other_high) - np.maximum(low[:, None], other_low)
    shared: Floats = np.clip(sides, 0, None).prod(axis=-1)
    return shared


def pairwise_iou(boxes_px: ArrayLike, others_px: ArrayLike) -> Floats:
    """Intersection over union of each box of the first set with each of the second.

    Args:
        boxes_px: ``(N, 2 * D)`` float.
        others_px: ``(M, 2 * D)`` float.

    Returns:
        ``(N, M)`` float in 0..1; 0 where neither box has an area.

    Examples:
        A shift of an 8-px box by 2 px along both axes costs more than half of the IoU:

        >>> pairwise_iou([[0, 0, 8, 8]], [[2, 2, 10, 10], [0, 0, 8, 8]]).round(2).tolist()
        [[0.39, 1.0]]
    """
    shared = intersections(boxes_px, others_px)
    union = areas(boxes_px)[:, None] + areas(others_px) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def paired_iou(boxes_px: ArrayLike, others_px: ArrayLike) -> Floats:
    """Intersection over union of each box with the one in the same place of the other set.

    Args:
        boxes_px: ``(N, 2 * D)`` float.
        others_px: ``(N, 2 * D)`` float.

    Returns:
        ``(N,)`` float in 0..1; 0 where neither box has an area.

    Examples:
        >>> paired_iou([[0, 0, 8, 8], [0, 0, 8, 8]], [[2, 2, 10, 10], [0, 0, 8, 8]]).round(2).tolist()
        [0.39, 1.0]
    """
    (low, high), (other_low, other_high) = _corners(boxes_px), _corners(others_px)
    shared: Floats = np.clip(np.minimum(high, other_high) - np.maximum(low, other_low), 0, None).prod(axis=-1)
    union = areas(boxes_px) + areas(others_px) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def pairwise_coverage(boxes_px: ArrayLike, others_px: ArrayLike) -> Floats:
    """The share of each box of the first set that lies within each of the second.

    Args:
        boxes_px: ``(N, 2 * D)`` float.
        others_px: ``(M, 2 * D)`` float.

    Returns:
        ``(N, M)`` float in 0..1; 0 where the first box has no area.

    Examples:
        >>> pairwise_coverage([[0, 0, 10, 10]], [[0, 0, 10, 4]]).tolist()
        [[0.4]]
    """
    shared = intersections(boxes_px, others_px)
    own = np.broadcast_to(areas(boxes_px)[:, None], shared.shape)
    return np.divide(shared, own, out=np.zeros_like(shared), where=own > 0)


def boxes_at(centers_px: ArrayLike, sizes_px: ArrayLike) -> Floats:
    """Square boxes round centres.

    Args:
        centers_px: ``(N, D)`` float.
        sizes_px: ``(N,)`` float, or one number, the side of each box.

    Returns:
        ``(N, 2 * D)`` float.

    Examples:
        >>> boxes_at([[5.0, 7.0]], 4).tolist()
        [[3.0, 5.0, 7.0, 9.0]]
    """
    centers = np.asarray(centers_px, dtype=float)
    half = np.broadcast_to(np.asarray(sizes_px, dtype=float) / 2, len(centers))[:, None]
    return np.concatenate([centers - half, centers + half], axis=1)


def _corners(boxes_px: ArrayLike) -> tuple[Floats, Floats]:
    boxes = np.asarray(boxes_px, dtype=float)
    ndim = boxes.shape[-1] // 2
    return boxes[..., :ndim], boxes[..., ndim:]
