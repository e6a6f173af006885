from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthmed.detect.merge import merge_tiles, one_class_each
from synthmed.detect.tiles import Tile, plan_tiles
from synthmed.metrics import NOTHING_FOUND, Detections, boxes_at, pairwise_iou

SHAPE = (300, 420)
LARGEST = 32.0


def seen(
    tile: Tile, boxes: NDArray, scores: NDArray, labels: NDArray, rng: np.random.Generator
) -> Detections:
    """What a detector says of a tile: each object that lies in it, cut off at its edge, half a pixel off."""
    offset = np.tile(tile.corner_px, 2)
    moved = (
        boxes - offset + np.repeat(rng.uniform(-0.5, 0.5, (len(boxes), 2)), 2, axis=0).reshape(len(boxes), 4)
    )
    cut = np.clip(moved, 0, np.tile(tile.shape_px, 2))
    share = (cut[:, 2:] - cut[:, :2]).clip(0).prod(axis=1) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    inside = share > 0.3
    noise = rng.uniform(-0.05, 0.05, len(boxes))
    return Detections(cut[inside], (scores + noise)[inside], labels[inside])


def objects(count: int, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Objects of two classes; those of one class overlap as little as a detector's boxes do."""
    boxes, labels = np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    for _ in range(count):
        label, side = int(rng.integers(2)), rng.uniform(6, LARGEST)
        box = boxes_at(rng.uniform((0, 0), SHAPE)[None], side)
        box = np.clip(box, 0, np.tile(SHAPE, 2))
        small = (box[0, 2:] - box[0, :2]).min() < 4
        if not small and not (pairwise_iou(box, boxes[labels == label]) > 0.3).any():
            boxes, labels = np.concatenate([boxes, box]), np.append(labels, label)
    return boxes, rng.uniform(0.2, 0.9, len(boxes)), labels


@given(seed=st.integers(0, 10_000), count=st.integers(0, 120), tile=st.sampled_from([160, 192, 256]))
def test_every_object_is_counted_once(seed: int, count: int, tile: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores, labels = objects(count, rng)
    tiles = plan_tiles(SHAPE, tile, 64)
    assert len(tiles) >= 4
    merged = merge_tiles([(one, seen(one, boxes, scores, labels, rng)) for one in tiles])
    assert len(merged.scores) == len(boxes)
    for label in (0, 1):
        own, found = boxes[labels == label], merged.boxes_px[merged.labels == label]
        assert len(own) == len(found)
        if len(own):
            centers = [(b[:, None, :2] + b[:, None, 2:]) / 2 for b in (own, found)]
            gaps = np.abs(centers[0] - centers[1][:, 0]).max(axis=2)
            assert gaps.min(axis=1).max() < 1, "each object has a detection on it"
    assert (np.diff(merged.scores) <= 0).all()


LEFT = Tile((0, 64), (0, 64), (0, 64), (0, 48))
RIGHT = Tile((0, 64), (32, 96), (0, 64), (48, 96))


def detections(*rows: tuple[float, float, float, float], labels: tuple[int, ...] = ()) -> Detections:
    """Boxes ``row0, column0, row1, column1`` with falling scores."""
    count = len(rows)
    known = np.array(labels or [0] * count, dtype=np.int64)
    return Detections(np.array(rows, dtype=float).reshape(-1, 4), 0.9 - 0.1 * np.arange(count), known)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (detections(), detections(), 0),
        (detections((10, 43, 20, 53)), detections((10, 11, 20, 21)), 1),  # both say column 48
        (detections((10, 42, 20, 53)), detections((10, 12, 20, 21.5)), 1),  # each says it is its own
        (detections((10, 44, 20, 55)), detections((10, 9, 20, 21)), 1),  # each says it is the other's
        (detections((10, 44, 20, 54)), detections((10, 12, 20, 22), labels=(1,)), 2),  # of two classes
        (detections((10, 40, 20, 50), (10, 47, 20, 57)), detections((10, 8, 20, 18), (10, 15, 20, 25)), 2),
        (detections((10, 50, 20, 60)), detections(), 0),  # far outside the core: the other tile's to tell
    ],
)
def test_at_a_seam(left: Detections, right: Detections, expected: int) -> None:
    assert len(merge_tiles([(LEFT, left), (RIGHT, right)]).scores) == expected


def test_boxes_that_are_not_finite_stay_for_the_metrics_to_refuse() -> None:
    broken = Detections(np.full((1, 4), np.nan), np.array([0.5]), np.array([0]))
    assert len(merge_tiles([(LEFT, broken), (RIGHT, detections((1, 30, 9, 40)))]).scores) == 2


def test_one_class_each() -> None:
    assert len(one_class_each(NOTHING_FOUND).scores) == 0
    found = detections((0, 0, 10, 10), (1, 0, 11, 10), (0, 30, 10, 40), labels=(0, 1, 1))
    assert one_class_each(found).labels.tolist() == [0, 1]
