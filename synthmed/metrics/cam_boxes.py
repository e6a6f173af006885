"""Boxes drawn round what a map highlights: MaxBoxAcc and MaxBoxAccV2 (Choe et al. 2020, arXiv 2001.07437).

A normalised map is cut at thresholds in steps of one hundredth, and each connected component gets its
bounding box. V1 takes the box of the largest component, at IoU 0.5; V2 takes all boxes, at IoU 0.3, 0.5 and
0.7. A map is right at a threshold where one of those boxes reaches the IoU with one of the truth boxes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.metrics.boxes import pairwise_coverage, pairwise_iou
from synthmed.metrics.cam_pixels import normalized
from synthmed.metrics.matching import MIN_COVERAGE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BOX_IOUS = (0.3, 0.5, 0.7)
BOX_THRESHOLDS = np.arange(100) / 100
MAX_SIDE_PX = 320
"""Larger maps are averaged over blocks first: labelling 100 times is what costs time. Choe et al. use 224."""

_TOUCHING = np.ones((3, 3), dtype=bool)


def component_boxes(mask: Bools) -> tuple[Floats, Ints]:
    """The bounding boxes of connected components; pixels that touch at a corner belong together.

    Args:
        mask: ``(H, W)`` bool.

    Returns:
        ``(K, 4)`` float boxes and ``(K,)`` int, the number of pixels of each.

    Examples:
        >>> boxes_px, areas_px = component_boxes(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]], bool))
        >>> boxes_px.tolist(), areas_px.tolist()
        ([[0.0, 0.0, 2.0, 2.0], [3.0, 2.0, 4.0, 3.0]], [2, 1])
    """
    labels, count = ndimage.label(mask, structure=_TOUCHING)
    found = ndimage.find_objects(labels)
    boxes = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in found]
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return np.array(boxes, dtype=float).reshape(-1, 4), areas.astype(np.int64)


def box_hits(cam: NDArray, truth_boxes_px: Floats, ignored_boxes_px: Floats) -> tuple[Bools, Bools]:
    """At which thresholds the boxes of a map are right.

    Components whose box lies mostly in an ignored box are left out.

    Args:
        cam: ``(H, W)`` float, the map of one class.
        truth_boxes_px: ``(T, 4)`` float, the truths of that class, T > 0.
        ignored_boxes_px: ``(I, 4)`` float, its ignore regions.

    Returns:
        ``(thresholds,)`` bool for the largest component at IoU 0.5, and ``(IoUs, thresholds)`` bool for any
        component at each of `BOX_IOUS`.
    """
    window, side = _shrunk(cam)
    corner, kept = np.zeros(2, dtype=np.int64), -1
    largest = np.zeros(len(BOX_THRESHOLDS), dtype=bool)
    best = np.zeros(len(BOX_THRESHOLDS))
    for k, threshold in enumerate(BOX_THRESHOLDS.astype(np.float32)):
        mask = window >= threshold
        if kept == (kept := int(np.count_nonzero(mask))):
            largest[k], best[k] = largest[k - 1], best[k - 1]
            continue
        boxes, areas = component_boxes(mask)
        boxes += np.tile(corner, 2)
        # What a higher threshold keeps lies within what this one keeps.
        low, high = boxes[:, :2].min(axis=0).astype(int), boxes[:, 2:].max(axis=0).astype(int)
        window = window[low[0] - corner[0] : high[0] - corner[0], low[1] - corner[1] : high[1] - corner[1]]
        corner = low
        boxes = np.minimum(boxes * side, np.tile(cam.shape, 2))
        valid = ~(pairwise_coverage(boxes, ignored_boxes_px) > MIN_COVERAGE).any(axis=1)
        if valid.any():
            closest = pairwise_iou(boxes[valid], truth_boxes_px).max(axis=1)
            largest[k] = closest[np.argmax(areas[valid])] >= 0.5
            best[k] = closest.max()
    return largest, best >= np.array(BOX_IOUS)[:, None]


def _shrunk(cam: NDArray) -> tuple[NDArray[np.float32], int]:
    """The normalised map at a size that is quick to label, and the side of its pixels in map pixels."""
    side = -(-max(cam.shape) // MAX_SIDE_PX)
    if side == 1:
        return normalized(cam), 1
    padded = np.pad(cam, [(0, -length % side) for length in cam.shape], mode="edge")
    rows, columns = (length // side for length in padded.shape)
    return normalized(padded.reshape(rows, side, columns, side).mean(axis=(1, 3))), side
