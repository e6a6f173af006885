"""The head: shapes, decoding to the original image, settings from a bank, and that it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import InstanceData

from synthmed.bank import open_bank
from synthmed.errors import BankError, ModelError
from synthmed.nets.anchors import anchors_from_bank
from synthmed.nets.yolov2_head import YOLOv2Head
from synthmed.scenes import Recipe, scene_scale

pytestmark = pytest.mark.usefixtures("mmdet_scope")
SMALL = dict(in_channels=(16, 32), feat_channels=16, stacked_convs=1, passthrough_channels=4)
KNOWN = dict(num_classes=3, anchors_wh_px=[(10, 10), (40, 20)])


def head(**settings: Any) -> YOLOv2Head:
    return YOLOv2Head(**{**SMALL, **KNOWN, **settings})


def sample(
    boxes: Any = (), labels: Any = (), shape: tuple[int, int] = (64, 96), **meta: Any
) -> DetDataSample:
    result = DetDataSample(
        metainfo={"img_shape": shape, "ori_shape": shape, "scale_factor": (1.0, 1.0), **meta}
    )
    result.gt_instances = InstanceData(
        bboxes=torch.tensor(np.reshape(boxes, (-1, 4)), dtype=torch.float32),
        labels=torch.tensor(np.asarray(labels, dtype=np.int64)),
    )
    return result


def detector(num_classes: int, anchors: list[tuple[float, float]], **head_settings: Any) -> Any:
    return MODELS.build(
        ConfigDict(
            type="SingleStageDetector",
            backbone=dict(type="Darknet19", width=0.125, out_indices=(4, 5)),
            bbox_head=dict(
                type="YOLOv2Head",
                in_channels=(64, 128),
                feat_channels=64,
                stacked_convs=1,
                passthrough_channels=16,
                num_classes=num_classes,
                anchors_wh_px=anchors,
                **head_settings,
            ),
        )
    )


@pytest.mark.parametrize(
    ("in_strides", "stride", "cells"),
    [((16, 32), 32, (2, 3)), ((16, 32), 16, (4, 6)), ((16, 32), 8, (8, 12)), ((16, 16), 16, (4, 6))],
)
def test_shapes(in_strides: tuple[int, int], stride: int, cells: tuple[int, int]) -> None:
    maps = [
        torch.zeros(2, channels, 64 // other, 96 // other)
        for channels, other in zip((16, 32), in_strides, strict=True)
    ]
    (raw,) = head(in_strides=in_strides, stride=stride)(maps)
    assert raw.shape == (2, 2 * (5 + 3), *cells)


@pytest.mark.parametrize(
    ("loss", "prior"), [({}, 0.01), (dict(published=True), 0.5), (dict(objectness="squared"), 0.5)]
)
def test_every_slot_begins_at_the_prior(loss: dict[str, Any], prior: float) -> None:
    model = head(loss=loss)
    model.init_weights()
    (raw,) = model.eval()([torch.randn(1, 16, 4, 6), torch.randn(1, 32, 2, 3)])
    objectness = raw.reshape(1, 2, 8, 2, 3)[:, :, 4].sigmoid()
    np.testing.assert_allclose(objectness.detach(), prior, rtol=0.3)


def raw_map_of(model: YOLOv2Head, boxes: Any, labels: list[int], cells: tuple[int, int]) -> torch.Tensor:
    """A map of predictions that says exactly these boxes, each with a score near 1."""
    grid = model.grid(torch.zeros(1, 16, *cells))
    flat = torch.full((len(grid), 8), -20.0)
    flat[:, :4] = 0
    targets = torch.tensor(boxes, dtype=torch.float32)
    slots = grid.assign(targets, spill=True)
    code = grid.encode(targets, slots)
    flat[slots, :2], flat[slots, 2:4], flat[slots, 4] = torch.logit(code[:, :2], eps=1e-6), code[:, 2:], 20.0
    flat[slots, 5 + torch.tensor(labels)] = 20.0
    return flat.reshape(1, *cells, 16).permute(0, 3, 1, 2)


def test_predictions_stand_in_the_original_image() -> None:
    model = head(stride=16, in_strides=(16, 32))
    boxes = [[4, 6, 24, 16], [60, 40, 70, 50], [70, 50, 92, 60]]
    raw = raw_map_of(model, boxes, [0, 2, 1], (4, 6))
    meta = dict(img_shape=(56, 80), scale_factor=(0.5, 0.25))  # 80 x 56 of the 96 x 64 input are image
    (found,) = model.predict_by_feat(raw, [meta], cfg=dict(score_thr=0.5), rescale=True)
    order = found.labels.argsort()
    assert found.labels[order].tolist() == [0, 1, 2]
    expected = np.array([[4, 6, 24, 16], [70, 50, 80, 56], [60, 40, 70, 50]]) / [0.5, 0.25, 0.5, 0.25]
    np.testing.assert_allclose(found.bboxes[order], expected, atol=1e-3)
    np.testing.assert_allclose(found.scores, 1, atol=1e-3)
    (small,) = model.predict_by_feat(raw, [meta], cfg=dict(score_thr=0.5), rescale=False)
    np.testing.assert_allclose(small.bboxes[small.labels.argsort()][1], [70, 50, 80, 56], atol=1e-3)


def test_boxes_in_the_padding_are_dropped() -> None:
    model = head(stride=16, in_strides=(16, 32))
    raw = raw_map_of(model, [[4, 6, 24, 16], [82, 40, 92, 50]], [0, 1], (4, 6))
    (found,) = model.predict_by_feat(raw, [dict(img_shape=(64, 80))], cfg=dict(score_thr=0.5))
    assert found.labels.tolist() == [0]


@pytest.mark.parametrize(("labels", "expected"), [([0, 0, 0], 2), ([0, 1, 2], 3)])
def test_overlapping_boxes_of_a_class_are_merged(labels: list[int], expected: int) -> None:
    model = head(stride=16, in_strides=(16, 32))
    boxes = [[4, 4, 14, 14], [3, 3, 13, 13], [3, 4, 33, 18]]  # only the first two overlap by more than 0.45
    raw = raw_map_of(model, boxes, labels, (4, 6))
    (found,) = model.predict_by_feat(raw, [dict(img_shape=(64, 96))], cfg=dict(score_thr=0.5))
    assert len(found) == expected


@pytest.mark.parametrize(("classes", "probability"), [("softmax", [0.75, 0.25]), ("sigmoid", [0.9, 0.75])])
def test_score_is_objectness_times_class_probability(classes: str, probability: list[float]) -> None:
    model = head(num_classes=2, stride=16, in_strides=(16, 32), loss=dict(classes=classes))
    raw = torch.zeros(1, 2, 7, 4, 6)
    raw[0, :, 4] = -20.0
    raw[0, 0, 4, 1, 1] = np.log(4)  # objectness 0.8
    raw[0, 0, 5:, 1, 1] = torch.tensor([np.log(9), np.log(3)])
    (found,) = model.predict_by_feat(raw.reshape(1, 14, 4, 6), [dict(img_shape=(64, 96))])
    np.testing.assert_allclose(found.scores, 0.8 * np.array(probability), rtol=1e-4)
    assert found.labels.tolist() == [0, 1]


def test_an_empty_image_gives_empty_predictions() -> None:
    model = head(stride=16, in_strides=(16, 32))
    raw = torch.full((2, 16, 4, 6), -20.0)
    found = model.predict_by_feat(raw, [dict(img_shape=(64, 96), scale_factor=(1, 1))] * 2, rescale=True)
    assert [len(one) for one in found] == [0, 0] and found[0].bboxes.shape == (0, 4)


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("stride", [32, 16])
def test_gradients_are_finite(stride: int, bfloat16: bool) -> None:
    torch.manual_seed(0)
    model = detector(3, [(10, 10), (40, 20)], stride=stride).to(memory_format=torch.channels_last)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 80, (300, 2))
    crowd = sample(np.concatenate([corners, corners + 12], 1), rng.integers(0, 3, 300), (96, 96))
    crowd.ignored_instances = InstanceData(
        bboxes=torch.tensor([[0.0, 0.0, 20.0, 20.0]]), labels=torch.tensor([1])
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        losses = model.loss(
            torch.randn(3, 3, 96, 96), [crowd, sample(shape=(96, 96)), sample(shape=(96, 96))]
        )
    assert all(value.dtype == torch.float32 and torch.isfinite(value) for value in losses.values())
    sum(value for name, value in losses.items() if "loss" in name).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_images_seen_are_counted_in_training_and_stored() -> None:
    model = detector(2, [(10, 10)])
    batch = torch.zeros(2, 3, 64, 64), [sample(shape=(64, 64)), sample(shape=(64, 64))]
    model.train().loss(*batch)
    model.loss(*batch)
    assert int(model.bbox_head.images_seen) == 4
    model.eval().loss(*batch)
    assert int(model.state_dict()["bbox_head.images_seen"]) == 4


def test_classes_and_anchors_come_from_the_bank(bank_dir: Path) -> None:
    model = YOLOv2Head(**SMALL, bank=str(bank_dir), num_anchors=3)
    bank = open_bank(bank_dir)
    expected = anchors_from_bank(bank, scene_scale(Recipe(), bank), 3).sizes_px[:, ::-1]
    np.testing.assert_allclose(model.anchors_wh_px, expected, rtol=1e-6)
    assert model.num_classes == 3 and model.predictor.out_channels == 3 * 8
    halved = YOLOv2Head(**SMALL, bank=bank_dir, num_anchors=3, size_px=(208, 208))
    np.testing.assert_allclose(halved.anchors_wh_px, model.anchors_wh_px / 2, rtol=1e-6)


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="without a bank"):
        YOLOv2Head(num_classes=3)
    with pytest.raises(BankError):
        YOLOv2Head(bank=tmp_path / "none")
    for wrong in (
        dict(num_classes=0),
        dict(anchors_wh_px=[]),
        dict(anchors_wh_px=[(0, 3)]),
        dict(stride=24),
        dict(in_strides=(32,)),
        dict(objectness_prior=1.0),
    ):
        with pytest.raises(ModelError):
            head(**wrong)


def test_a_checkpoint_brings_its_anchors() -> None:
    theirs, ours = head(anchors_wh_px=[(7, 7), (9, 9)]), head()
    load_state_dict(ours, theirs.state_dict())
    np.testing.assert_array_equal(ours.anchors_wh_px, [[7, 7], [9, 9]])


@pytest.mark.parametrize(
    "other", [dict(num_classes=2), dict(anchors_wh_px=[(1, 1)]), dict(num_classes=11, anchors_wh_px=[(1, 1)])]
)
def test_a_checkpoint_of_other_classes_or_anchors_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="anchors and"):
        load_state_dict(head(), head(**other).state_dict())


def drawn_squares(seed: int) -> tuple[torch.Tensor, list[DetDataSample]]:
    """Two images of 96 x 96 with dark small and bright large squares."""
    rng = np.random.default_rng(seed)
    images, samples = np.zeros((2, 3, 96, 96), np.float32), []
    for image in images:
        boxes, labels = [], []
        for cell in rng.permutation(9)[:6]:
            label = int(rng.integers(0, 2))
            size = (12, 26)[label]
            x, y = np.array([cell % 3, cell // 3]) * 32 + rng.integers(1, 32 - size, 2)
            image[:, y : y + size, x : x + size] = (-2, 2)[label]
            boxes.append([x, y, x + size, y + size])
            labels.append(label)
        samples.append(sample(boxes, labels, (96, 96)))
    return torch.from_numpy(images + rng.normal(0, 0.1, images.shape).astype(np.float32)), samples


@pytest.mark.parametrize(("stride", "published"), [(32, False), (16, False), (32, True)])
def test_it_learns_two_images_by_heart(stride: int, published: bool) -> None:
    torch.manual_seed(0)
    model = detector(2, [(12, 12), (26, 26)], stride=stride, loss=dict(published=published))
    model.init_weights()
    images, samples = drawn_squares(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        losses = model.loss(images, samples)
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if "loss" in name).backward()
        optimizer.step()
    with torch.no_grad():
        predictions = model.eval().predict(images, samples)
    for prediction in predictions:
        found = prediction.pred_instances[prediction.pred_instances.scores > 0.3]
        truth = prediction.gt_instances
        assert len(found) == len(truth)
        for box, label in zip(truth.bboxes, truth.labels, strict=True):
            same = found.bboxes[found.labels == label]
            common = (
                (torch.minimum(same[:, 2:], box[2:]) - torch.maximum(same[:, :2], box[:2]))
                .clamp(min=0)
                .prod(1)
            )
            area = (same[:, 2:] - same[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
            assert (common / (area - common)).max() > 0.5
