from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.metrics import cam_boxes
from synthmed.metrics.boxes import pairwise_coverage, pairwise_iou
from synthmed.metrics.cam_boxes import BOX_IOUS, BOX_THRESHOLDS, box_hits, component_boxes
from synthmed.metrics.cam_pixels import normalized

NO_BOX = np.zeros((0, 4))


def blocks(*values: tuple[float, tuple[int, int, int, int]]) -> np.ndarray:
    cam = np.zeros((40, 40))
    for value, (row0, column0, row1, column1) in values:
        cam[row0:row1, column0:column1] = value
    return cam


def kept(*intervals: tuple[float, float]) -> np.ndarray:
    """The thresholds above the low and up to the high end of each interval."""
    return sum(((low < BOX_THRESHOLDS) & (BOX_THRESHOLDS <= high) for low, high in intervals), False)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("mask", "boxes", "areas"),
    [
        (np.zeros((3, 3), bool), [], []),
        (np.ones((3, 4), bool), [[0, 0, 3, 4]], [12]),
        (np.eye(3, dtype=bool), [[0, 0, 3, 3]], [3]),
        (np.array([[1, 0, 1]], bool), [[0, 0, 1, 1], [0, 2, 1, 3]], [1, 1]),
    ],
)
def test_component_boxes(mask: np.ndarray, boxes: object, areas: object) -> None:
    found, sizes = component_boxes(mask)
    assert (found.tolist(), sizes.tolist()) == (boxes, areas)


SMALL, LARGE = (2, 2, 6, 6), (20, 20, 36, 36)


@pytest.mark.parametrize(
    ("cam", "truth", "ignored", "largest", "any_box"),
    [
        pytest.param(blocks((1, SMALL)), [SMALL], NO_BOX, (0, 1), (0, 1), id="one"),
        pytest.param(blocks((1, SMALL), (0.5, LARGE)), [SMALL], NO_BOX, (0.5, 1), (0, 1), id="the smaller"),
        pytest.param(blocks((1, SMALL), (0.5, LARGE)), [LARGE], NO_BOX, (0, 0.5), (0, 0.5), id="the larger"),
        pytest.param(blocks((1, SMALL)), [LARGE], NO_BOX, (0, 0), (0, 0), id="elsewhere"),
        pytest.param(
            blocks((1, SMALL), (0.5, LARGE)), [SMALL], [LARGE], (0, 1), (0, 1), id="the larger is ignored"
        ),
        pytest.param(blocks((1, LARGE)), [SMALL], [LARGE], (0, 0), (0, 0), id="all that is left is ignored"),
        pytest.param(blocks((1, SMALL)), [LARGE, SMALL], NO_BOX, (0, 1), (0, 1), id="any of two truths"),
    ],
)
def test_box_hits(
    cam: np.ndarray,
    truth: object,
    ignored: object,
    largest: tuple[float, float],
    any_box: tuple[float, float],
) -> None:
    found, every = box_hits(cam, np.array(truth, dtype=float), np.array(ignored, dtype=float))
    np.testing.assert_array_equal(found, kept(largest))
    np.testing.assert_array_equal(every, np.tile(kept(any_box), (len(BOX_IOUS), 1)))


def test_each_iou_has_its_own_verdict() -> None:
    # The box found covers 24 of the 40 columns of the truth: IoU 0.6.
    found, every = box_hits(blocks((1, (0, 0, 10, 24))), np.array([[0.0, 0, 10, 40]]), NO_BOX)
    assert found[1:].all()
    assert every[:, 1:].tolist() == [[hit] * 99 for hit in (True, True, False)]


def test_a_uniform_map_draws_its_box_round_the_whole_image() -> None:
    found, every = box_hits(np.full((40, 40), 3.0), np.array([[0.0, 0, 40, 30]]), NO_BOX)
    assert found.all()
    assert every.all()


@pytest.mark.parametrize("shape", [(40, 40), (41, 43)])
def test_large_maps_are_judged_at_half_size(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]) -> None:
    cam = np.zeros(shape)
    cam[20:41, 20:43] = 1
    truth = np.array([[20.0, 20.0, *shape]])
    monkeypatch.setattr(cam_boxes, "MAX_SIDE_PX", 30)
    boxes = []
    iou = cam_boxes.pairwise_iou
    monkeypatch.setattr(cam_boxes, "pairwise_iou", lambda a, b: boxes.append(a) or iou(a, b))
    found, every = box_hits(cam, truth, NO_BOX)
    assert found[1:].all()
    assert every[:, 1:].all()
    np.testing.assert_array_equal(boxes[-1], truth)


@pytest.mark.parametrize("seed", range(4))
def test_hits_agree_with_cutting_the_whole_map_at_each_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cam = gaussian_filter(rng.normal(size=(50, 60)), 4)
    spots, _ = component_boxes(normalized(cam) >= 0.7)
    truth, ignored = spots[::2] + rng.normal(0, 1, spots[::2].shape), spots[1::2]
    largest, every = box_hits(cam, truth, ignored)
    assert every[0].any()
    assert not every[0].all()
    assert len(ignored)
    for k, threshold in enumerate(BOX_THRESHOLDS):
        boxes, areas = component_boxes(normalized(cam) >= np.float32(threshold))
        free = (pairwise_coverage(boxes, ignored) <= 0.5).all(axis=1)
        ious = pairwise_iou(boxes[free], truth).max(axis=1)
        assert largest[k] == (free.any() and ious[areas[free].argmax()] >= 0.5)
        assert every[:, k].tolist() == [bool(ious.max(initial=0) >= least) for least in BOX_IOUS]
