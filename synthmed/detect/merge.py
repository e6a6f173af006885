"""What was found in overlapping tiles, put together: nothing lost at a seam, and nothing counted twice.

A detection belongs to the tile whose core holds its centre. Two tiles may differ by a pixel about an object
on a seam: then both claim it, or neither does. So what a tile finds slightly outside its core is a candidate
too, and of two candidates from different tiles that mean the same object one is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from synthmed.detect.tiles import Tile
from synthmed.metrics.boxes import paired_iou
from synthmed.metrics.predictions import NOTHING_FOUND, Detections

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAME_IOU = 0.45
"""From this IoU on two boxes of one class in different tiles mean one object, as within a tile."""
SAME_DISTANCE = 0.25
"""So they do where their centres are closer than this share of the shorter side."""
BEYOND_CORE = 0.25
"""A tile may speak of an object whose centre is outside its core by this share of the object's side."""


def merge_tiles(found: Sequence[tuple[Tile, Detections]]) -> Detections:
    """The detections of an image from those of its tiles.

    Args:
        found: tiles, and what was found in each, in pixels of the tile.

    Returns:
        Detections in pixels of the image, the highest score first.

    Examples:
        Both tiles see the object on the seam at column 48, each takes it for the other's, and it is counted:

        >>> left = Tile((0, 64), (0, 64), (0, 64), (0, 48)), Tile((0, 64), (32, 96), (0, 64), (48, 96))
        >>> boxes = np.array([[10.0, 43, 20, 55]]), np.array([[10.0, 9, 20, 21]])
        >>> one = [Detections(box, np.array([0.9]), np.array([0])) for box in boxes]
        >>> merge_tiles(list(zip(left, one))).boxes_px.tolist()
        [[10.0, 41.0, 20.0, 53.0]]
    """
    whole = [_in_image(tile, detections) for tile, detections in found]
    tile = np.repeat(np.arange(len(whole)), [len(one.scores) for one in whole])
    boxes, scores, labels = (np.concatenate(column) for column in zip(NOTHING_FOUND, *whole, strict=True))
    inside = _inside_core([tile for tile, _ in found], tile, boxes)
    # Boxes that are not finite compare as false and stay: the metrics refuse them with a reason.
    kept = ~(inside < -BEYOND_CORE * _sides(boxes).min(axis=1))
    # Inside a core first, then by score: of a pair the later one goes.
    order = np.lexsort((*boxes.T[::-1], labels, -scores, inside < 0))
    order = order[kept[order]]
    boxes, scores, labels, tile, inside = (a[order] for a in (boxes, scores, labels, tile, inside))
    free = np.ones(len(scores), dtype=bool)
    near_seam = np.flatnonzero(inside <= _sides(boxes).max(axis=1))
    for earlier, later in _same_objects(boxes[near_seam], labels[near_seam], tile[near_seam]):
        free[near_seam[later]] &= not free[near_seam[earlier]]
    chosen = np.flatnonzero(free)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    return Detections(boxes[chosen], scores[chosen], labels[chosen])


def one_class_each(found: Detections) -> Detections:
    """Of boxes on one place, whatever their classes, the one with the highest score.

    Examples:
        >>> boxes = np.array([[0.0, 0, 10, 10], [0, 1, 10, 11], [30, 30, 40, 40]])
        >>> one_class_each(Detections(boxes, np.array([0.4, 0.9, 0.5]), np.array([0, 1, 0]))).labels.tolist()
        [1, 0]
    """
    order = np.argsort(-found.scores, kind="stable")
    boxes = found.boxes_px[order]
    reach = float(_sides(boxes).max(initial=0))
    pairs = np.sort(
        cKDTree((boxes[:, :2] + boxes[:, 2:]) / 2).query_pairs(reach, output_type="ndarray"), axis=1
    )
    pairs = pairs[paired_iou(boxes[pairs[:, 0]], boxes[pairs[:, 1]]) >= SAME_IOU]
    free = np.ones(len(boxes), dtype=bool)
    for better, other in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        free[other] &= not free[better]
    kept = order[free]
    return Detections(found.boxes_px[kept], found.scores[kept], found.labels[kept])


def _in_image(tile: Tile, found: Detections) -> Detections:
    return found._replace(boxes_px=found.boxes_px + np.tile(tile.corner_px, 2))


def _inside_core(tiles: Sequence[Tile], tile: Ints, boxes: Floats) -> Floats:
    """How far each centre lies inside the core of its tile, negative where outside."""
    cores = np.array([(one.core_rows, one.core_columns) for one in tiles], dtype=float).reshape(-1, 2, 2)
    low, high = cores[tile, :, 0], cores[tile, :, 1]
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(np.minimum(centers - low, high - centers).min(axis=1))


def _same_objects(boxes: Floats, labels: Ints, tile: Ints) -> list[tuple[int, int]]:
    """Pairs ``(earlier, later)`` that mean one object, in the order in which they are to be settled.

    A detection has at most one partner in each other tile, the one most like it: two objects that lie close
    together are seen twice by two tiles, and stay two.
    """
    if len(boxes) < 2:
        return []
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    pairs = np.sort(cKDTree(centers).query_pairs(_sides(boxes).max(), output_type="ndarray"), axis=1)
    one, other = pairs.T
    pairs = pairs[(labels[one] == labels[other]) & (tile[one] != tile[other])]
    one, other = pairs.T
    iou = paired_iou(boxes[one], boxes[other])
    gaps = np.sqrt(np.square(centers[one] - centers[other]).sum(axis=1))
    near = SAME_DISTANCE * np.minimum(_sides(boxes[one]), _sides(boxes[other])).min(axis=1)
    same = (iou >= SAME_IOU) | (gaps <= near)
    order = np.flatnonzero(same)[np.lexsort((other[same], one[same], gaps[same], -iou[same]))]
    chosen: list[tuple[int, int]] = []
    taken: set[tuple[int, int]] = set()
    for earlier, later in pairs[order].tolist():
        wanted = {(earlier, int(tile[later])), (later, int(tile[earlier]))}
        if not wanted & taken:
            taken |= wanted
            chosen.append((earlier, later))
    return sorted(chosen)


def _sides(boxes: Floats) -> Floats:
    sides: Floats = boxes[:, 2:] - boxes[:, :2]
    return sides
