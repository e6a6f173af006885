from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmdet.structures.bbox import HorizontalBoxes
from PIL import Image

from synthmed.nets.image_transforms import (
    PadWithBackground,
    PhotometricJitter,
    ReadMicrograph,
    TakePart,
    jitter_table,
    pad_with_median,
)

pytestmark = pytest.mark.mmdet


def test_reading_hands_on_bgr(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 3, 3), (10, 20, 30), np.uint8)).save(tmp_path / "a.png")
    results = ReadMicrograph()({"img_path": str(tmp_path / "a.png")})
    assert results["img"][0, 0].tolist() == [30, 20, 10]
    assert results["img_shape"] == results["ori_shape"] == (2, 3)


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((32, 64), None, (32, 64)),
        ((33, 64), None, (64, 64)),
        ((10, 10), (40, 70), (96, 64)),
        ((100, 10), (32, 32), (128, 32)),
    ],
)
def test_padding_shapes(
    shape: tuple[int, int], size: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    image = np.arange(np.prod(shape) * 3, dtype=np.uint32).astype(np.uint8).reshape(*shape, 3)
    results = PadWithBackground(32, size)({"img": image, "img_shape": shape})
    assert results["img"].shape[:2] == results["pad_shape"] == expected
    assert results["img_shape"] == shape
    np.testing.assert_array_equal(results["img"][: shape[0], : shape[1]], image)


def test_padding_takes_the_background() -> None:
    image = np.full((10, 10, 3), (200, 190, 180), np.uint8)
    image[2:6, 2:6] = 0
    assert pad_with_median(image, 12, 12)[11, 0].tolist() == [200, 190, 180]


@pytest.mark.parametrize(
    ("gain", "gamma", "offset", "expected"),
    [
        ((1, 1, 1), 1.0, 0.0, [[0, 0, 0], [128, 128, 128], [255, 255, 255]]),
        ((0.5, 1, 2), 1.0, 0.0, [[0, 0, 0], [64, 128, 255], [128, 255, 255]]),
        ((1, 1, 1), 2.0, -5.0, [[0, 0, 0], [59, 59, 59], [250, 250, 250]]),
    ],
)
def test_the_jitter_table(
    gain: tuple[float, ...], gamma: float, offset: float, expected: list[list[int]]
) -> None:
    table = jitter_table(np.array(gain), gamma, offset)
    assert table[0, [0, 128, 255]].tolist() == expected


def test_jitter_without_range_changes_nothing_and_with_it_stays_within() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    still = PhotometricJitter(gain=0, balance=0, gamma=0, offset=0)({"img": image.copy()})["img"]
    np.testing.assert_array_equal(still, image)
    grey = np.full((4, 4, 3), 128, np.uint8)
    levels = [int(PhotometricJitter(0.1, 0, 0, 0)({"img": grey})["img"][0, 0, 0]) for _ in range(200)]
    assert 115 <= min(levels) < 120
    assert 136 < max(levels) <= 141


def test_jitter_applies_the_table_of_each_channel_and_packing_copies_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    table = rng.integers(0, 256, (1, 256, 3), dtype=np.uint8)
    monkeypatch.setattr("synthmed.nets.image_transforms.jitter_table", lambda *_: table)
    found = PhotometricJitter()({"img": image})["img"]
    np.testing.assert_array_equal(found, table[0, image, np.arange(3)])
    packed = PackDetInputs(meta_keys=())({"img": found})["inputs"].numpy()
    np.testing.assert_array_equal(packed, found.transpose(2, 0, 1))
    assert np.shares_memory(packed, found)


def test_a_part_keeps_what_lies_in_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    boxes = np.array([[10.0, 10, 20, 20], [0, 0, 60, 40], [50, 30, 54, 34]], dtype=np.float32)
    seen = set()
    for seed in range(30):
        np.random.seed(seed)
        results = {
            "img": image,
            "img_shape": (40, 60),
            "gt_bboxes": HorizontalBoxes(torch.from_numpy(boxes.copy())),
            "gt_bboxes_labels": np.array([0, 1, 2]),
            "gt_ignore_flags": np.array([False, False, False]),
        }
        part = TakePart((30, 30))(results)
        assert part["img"].shape == (30, 30, 3)
        assert part["img_shape"] == (30, 30)
        found = np.argwhere(
            (np.lib.stride_tricks.sliding_window_view(image[..., 0], (30, 30)) == part["img"][..., 0]).all(
                axis=(2, 3)
            )
        )
        top, left = found[0]
        for box, label, flag in zip(
            part["gt_bboxes"].tensor.numpy(),
            part["gt_bboxes_labels"],
            part["gt_ignore_flags"],
            strict=True,
        ):
            own = boxes[label]
            clipped = np.clip(own - [left, top, left, top], 0, 30)
            assert box.tolist() == clipped.tolist()
            area = np.prod(clipped[2:] - clipped[:2]) / np.prod(own[2:] - own[:2])
            assert flag == (area < 0.5)
            seen.add((int(label), bool(flag)))
        gone = {0, 1, 2} - set(part["gt_bboxes_labels"].tolist())
        for label in gone:
            clipped = np.clip(boxes[label] - [left, top, left, top], 0, 30)
            assert np.prod(clipped[2:] - clipped[:2]) == 0
            seen.add((label, None))
    assert {(0, False), (0, True), (1, True), (2, False), (2, None)} <= seen


@pytest.mark.parametrize(("size", "expected"), [((100, 100), (40, 60)), ((20, 100), (40, 20))])
def test_a_part_is_no_larger_than_the_image(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    assert TakePart(size)({"img": image})["img"].shape[:2] == expected


def test_parts_round_objects_show_rare_classes_as_often_as_others() -> None:
    image = np.zeros((60, 90, 3), np.uint8)
    corners = np.array([[80.0, 50]] + [[x, y] for x in range(0, 40, 10) for y in range(0, 40, 10)])
    boxes = np.hstack([corners, corners + 6]).astype(np.float32)
    rare = 0
    for seed in range(200):
        np.random.seed(seed)
        results = {
            "img": image,
            "gt_bboxes": HorizontalBoxes(torch.from_numpy(boxes.copy())),
            "gt_bboxes_labels": np.array([1] + [0] * 16),
            "gt_ignore_flags": np.zeros(17, dtype=bool),
        }
        part = TakePart((12, 12), round_object=1.0)(results)
        centers = part["gt_bboxes"].centers.numpy()
        assert len(centers)
        assert ((centers >= 0) & (centers <= 12)).all()
        rare += int(1 in part["gt_bboxes_labels"])
    assert 80 <= rare <= 120
