"""Maps by gradients: they agree with the exact map where theory says so, and tell classes apart elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from PIL import Image
from torch import nn

from synthmed.bank import open_bank
from synthmed.errors import ModelError
from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.gradient_cams import METHODS, class_log_probabilities, predict_gradient_cams
from synthmed.nets.inference import Predictor

pytestmark = [
    pytest.mark.usefixtures("mmdet_scope"),
    pytest.mark.skipif(find_spec("pytorch_grad_cam") is None, reason="the extra gradcam is not installed"),
]


def classifier(pooling: str) -> CAMClassifier:
    torch.manual_seed(0)
    backbone = dict(type="Darknet19", width=0.125, out_indices=(3,), out_stride=8)
    model = CAMClassifier(backbone=backbone, num_classes=3, pooling=pooling)
    model.init_weights()
    nn.init.normal_(model.classifier.weight)
    return model.eval()


def samples(*shapes: tuple[int, int]) -> list[DetDataSample]:
    return [DetDataSample(metainfo={"img_shape": shape, "ori_shape": shape}) for shape in shapes]


def test_grad_cam_is_the_exact_map_up_to_scale_and_relu() -> None:
    model = classifier("avg")
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        exact = model.predict(images, samples((64, 96), (64, 96)))
    estimated = predict_gradient_cams(model, images, samples((64, 96), (64, 96)), "gradcam")
    for one, other in zip(exact, estimated, strict=True):
        torch.testing.assert_close(other.pred_scores, one.pred_scores)
        cells = one.pred_cam[0].numel()
        without_bias = one.pred_cam - model.classifier.bias.detach()[:, None, None]
        assert (without_bias < 0).any()
        assert (without_bias > 0).any()
        torch.testing.assert_close(other.pred_cam * cells, without_bias.clamp(min=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_padding_is_cut_off_and_gradients_leave_nothing_behind(method: str) -> None:
    model = classifier("lse")
    found = predict_gradient_cams(model, torch.randn(2, 3, 64, 96), samples((64, 96), (50, 70)), method)
    assert [one.pred_cam.shape for one in found] == [(3, 8, 12), (3, 7, 9)]
    assert all(torch.isfinite(one.pred_cam).all() and one.pred_cam.max() > 0 for one in found)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    torchvision = sys.modules.get("torchvision")
    assert torchvision is None or torchvision.__file__ is not None


def of_yolo(*cells: tuple[float, float, float]) -> Any:
    """Objectness and two classes of a YOLO map with one anchor."""
    maps = torch.zeros(1, 7, 1, len(cells))
    maps[0, 4:, 0] = torch.tensor(cells).T
    return (maps,)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (of_yolo((0, 0, 20)), [[0.25], [0.5]]),
        (of_yolo((20, 0, 20), (-20, 20, 20)), [[0.5, 0.0], [1.0, 0.0]]),
        (([torch.zeros(1, 2, 1, 2)], [torch.zeros(1, 4, 1, 2)]), [[0.5, 0.5], [0.5, 0.5]]),
        (([torch.zeros(1, 2, 1, 1)] * 2, [torch.zeros(1, 4, 1, 1)] * 2), [[0.5, 0.5], [0.5, 0.5]]),
        (
            ([torch.zeros(1, 2, 1, 1)], [torch.zeros(1, 4, 1, 1)], [torch.zeros(1, 1, 1, 1)]),
            [[0.25], [0.25]],
        ),
    ],
)
def test_probabilities_from_raw_maps(raw: Any, expected: list[list[float]]) -> None:
    found = class_log_probabilities(raw, 2).exp()
    torch.testing.assert_close(found[0], torch.tensor(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("classes", ["softmax", "sigmoid"])
def test_scores_of_yolov2_are_those_of_its_boxes(classes: str) -> None:
    torch.manual_seed(0)
    head = dict(type="YOLOv2Head", in_channels=(64,), in_strides=(16,), stride=16, feat_channels=16)
    head |= dict(num_classes=3, anchors_wh_px=[(10, 10), (30, 30)], loss=dict(classes=classes))
    backbone = dict(type="Darknet19", width=0.125, out_indices=(4,))
    model = MODELS.build(dict(type="SingleStageDetector", backbone=backbone, bbox_head=head)).eval()
    nn.init.normal_(model.bbox_head.predictor.weight)
    images = torch.randn(1, 3, 64, 96)
    (found,) = predict_gradient_cams(model, images, samples((64, 96)), "gradcam")
    with torch.no_grad():
        raw = model._forward(images)[0].unflatten(1, (2, 8)).permute(0, 1, 3, 4, 2).reshape(-1, 8)
        expected = raw[:, 4:5].sigmoid() * model.bbox_head.class_probabilities(raw[:, 5:])
    torch.testing.assert_close(found.pred_scores, expected.amax(dim=0))


def test_mistakes() -> None:
    model = classifier("avg")
    images, one = torch.randn(1, 3, 32, 32), samples((32, 32))
    with pytest.raises(ModelError, match="unknown layout"):
        class_log_probabilities((torch.zeros(1, 3, 2, 2),), 2)
    with pytest.raises(ModelError, match="unknown layout"):  # nine anchors of RetinaNet, with four classes
        class_log_probabilities(([torch.zeros(1, 36, 2, 2)], [torch.zeros(1, 36, 2, 2)]), 4)
    with pytest.raises(ModelError, match="no such kind of map"):
        predict_gradient_cams(model, images, one, "magic")
    with pytest.raises(ModelError, match="no such layer"):
        predict_gradient_cams(model, images, one, "gradcam", "backbone.stage9")
    for layer, message in (("backbone", "no map of its own"), ("data_preprocessor", "no class depends")):
        with pytest.raises(ModelError, match=message):
            predict_gradient_cams(model, images, one, "gradcam", layer)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("method", METHODS)
def test_a_detector_has_a_map_of_each_class(
    method: str,
    write_model: Callable[..., tuple[Path, Path]],
    configs_dir: Path,
    small_detector: dict[str, Any],
    bank_dir: Path,
    tmp_path: Path,
) -> None:
    config = configs_dir / "yolov2" / "yolov2_darknet19_416_cpu.py"
    model = write_model(config, tmp_path, small_detector, open_bank(bank_dir).classes)
    checkpoint = torch.load(model[1], weights_only=True)
    predictor = checkpoint["state_dict"]["bbox_head.predictor.weight"]
    by_anchor = predictor.zero_().unflatten(0, (-1, 5 + 3))
    for label in range(3):  # each class is told by one channel alone
        by_anchor[:, 5 + label, label] = 1
    torch.save(checkpoint, model[1])
    paths = []
    for index, shape in enumerate([(60, 80), (90, 50)]):
        paths.append(tmp_path / f"{index}.png")
        pixels = np.random.default_rng(index).integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(paths[-1])
    predictor = Predictor(*model)
    for layer in (None, "bbox_head.layers.merge"):
        found = list(predictor.cams(paths, method=method, layer=layer))
        assert [cams.shape for _, _, cams in found] == [(3, 60, 80), (3, 90, 50)]
        for _, scores, cams in found:
            assert np.isfinite(cams).all()
            assert ((scores > 0) & (scores < 1)).all()
    for _, _, cams in found:
        assert (cams.max(axis=(1, 2)) > 0).all()
        assert np.corrcoef(cams.reshape(3, -1))[np.triu_indices(3, 1)].max() < 0.9
