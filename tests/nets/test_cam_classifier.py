"""The classifier: its maps are exact and lie on the image, and it learns from labels alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import InstanceData
from torch import nn

from synthmed.errors import ModelError
from synthmed.nets.cam_classifier import CAMClassifier, image_cam

pytestmark = pytest.mark.usefixtures("mmdet_scope")


def classifier(out_stride: int = 16, **settings: Any) -> CAMClassifier:
    torch.manual_seed(0)
    backbone = dict(type="Darknet19", width=0.125, out_stride=out_stride)
    model = CAMClassifier(**{"backbone": backbone, "num_classes": 3, **settings})
    model.init_weights()
    nn.init.normal_(model.classifier.weight)
    nn.init.normal_(model.classifier.bias)
    return model


def sample(
    labels: Any = (), ignored: Any = None, shape: tuple[int, int] = (64, 96), **meta: Any
) -> DetDataSample:
    result = DetDataSample(metainfo={"img_shape": shape, "ori_shape": shape, **meta})
    result.gt_instances = InstanceData(labels=torch.tensor(np.asarray(labels, dtype=np.int64)))
    if ignored is not None:
        result.ignored_instances = InstanceData(labels=torch.tensor(np.asarray(ignored, dtype=np.int64)))
    return result


@pytest.mark.parametrize("out_stride", [4, 8, 16, 32])
def test_the_map_is_what_the_classifier_decides_by(out_stride: int) -> None:
    model = classifier(out_stride).eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        predictions = model.predict(images, [sample(), sample()])
        features = model.extract_feat(images)
    weights, bias = model.classifier.weight[:, :, 0, 0], model.classifier.bias
    pooled_first = (
        features.mean(dim=(2, 3)) @ weights.T + bias
    )  # the usual order: pool, then the linear layer
    for index, prediction in enumerate(predictions):
        cam = prediction.pred_cam
        assert cam.shape == (3, 64 // out_stride, 96 // out_stride)
        exact = torch.einsum("cf,fhw->chw", weights, features[index]) + bias[:, None, None]
        torch.testing.assert_close(cam, exact, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(cam.mean(dim=(1, 2)), pooled_first[index], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            prediction.pred_scores, pooled_first[index].sigmoid(), rtol=1e-4, atol=1e-5
        )
        assert prediction.cam_stride == out_stride


def test_padding_takes_no_part() -> None:
    model = classifier().eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        (cropped,) = model.predict(images, [sample(shape=(48, 64))])
        (whole,) = model.predict(images, [sample()])
    assert cropped.pred_cam.shape == (3, 3, 4)
    torch.testing.assert_close(cropped.pred_cam, whole.pred_cam[:, :3, :4])
    torch.testing.assert_close(cropped.pred_scores, cropped.pred_cam.mean(dim=(1, 2)).sigmoid())


@torch.no_grad()
def average_everywhere(model: nn.Module) -> None:
    """Stand-ins for trained weights: every convolution averages, and mostly at its centre."""
    bump = torch.tensor([0.05, 0.9, 0.05])
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            kernel = torch.outer(bump, bump) if module.kernel_size == (3, 3) else torch.ones(1, 1)
            module.weight.copy_(kernel.expand_as(module.weight) / module.in_channels)
            if module.bias is not None:
                module.bias.zero_()


@pytest.mark.parametrize("out_stride", [4, 8, 16, 32])
@pytest.mark.parametrize("dot", [(5, 7), (40, 60), (63, 95), (31, 32), (80, 10)])
@pytest.mark.parametrize("zoom", [1.0, 0.5])
def test_a_bright_dot_is_found_where_it_is(out_stride: int, dot: tuple[int, int], zoom: float) -> None:
    model = classifier(out_stride).eval()
    average_everywhere(model)
    image = torch.zeros(1, 3, 96, 128)
    image[0, :, dot[0], dot[1]] = 1
    shape = (90, 112)  # below and to the right of it is padding
    original = (round(shape[0] / zoom), round(shape[1] / zoom))
    with torch.no_grad():
        (prediction,) = model.predict(image, [sample(shape=shape, ori_shape=original)])
    cam = image_cam(prediction)
    assert cam.shape == (3, *original)
    peaks = ((cam[0] >= cam[0].max() * (1 - 1e-6)).nonzero().numpy() + 0.5) * zoom
    center_of_cell = (np.array(dot) // out_stride + 0.5) * out_stride
    inside = np.minimum(center_of_cell, np.array(shape) - 0.5)  # a cell may reach into the padding
    # Beyond the centres of the outermost cells a map goes on unchanged, so there may be several maxima.
    assert np.abs(peaks - inside).max(axis=1).min() <= 1.01
    assert np.abs(peaks - np.array(dot) - 0.5).max(axis=1).min() <= out_stride / 2


def test_image_labels_are_the_set_of_labels() -> None:
    samples = [sample([2, 0, 0]), sample([]), sample([1], ignored=[1, 2]), sample([], ignored=[])]
    present, known = classifier().image_labels(samples, torch.zeros(1))
    assert present.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert known.tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize("pos_weight", [None, [1.0, 2.0, 5.0]])
def test_loss_by_hand(pos_weight: list[float] | None) -> None:
    model = classifier(pos_weight=pos_weight).eval()
    images, samples = torch.randn(2, 3, 64, 96), [sample([0], ignored=[2]), sample([1])]
    losses = model.loss(images, samples)
    said = model.predict(images, samples)
    scores = np.stack([one.pred_scores.detach().numpy() for one in said]).astype(float)
    weights = np.array(pos_weight or [1, 1, 1])
    terms = [
        -weights[0] * np.log(scores[0, 0]),
        -np.log(1 - scores[0, 1]),
        -np.log(1 - scores[1, 0]),
        -weights[1] * np.log(scores[1, 1]),
        -np.log(1 - scores[1, 2]),
    ]
    assert float(losses["loss_class"].detach()) == pytest.approx(np.mean(terms), rel=1e-4)
    right = [
        scores[0, 0] > 0.5,
        scores[0, 1] < 0.5,
        scores[1, 0] < 0.5,
        scores[1, 1] > 0.5,
        scores[1, 2] < 0.5,
    ]
    assert float(losses["accuracy"]) == pytest.approx(np.mean(right))


@pytest.mark.parametrize("pooling", ["avg", "lse"])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_gradients_are_finite(pooling: str, bfloat16: bool) -> None:
    model = classifier(pooling=pooling).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        losses = model.loss(torch.randn(2, 3, 64, 96), [sample([0, 1]), sample([], ignored=[0, 1, 2])])
    assert losses["loss_class"].dtype == torch.float32
    losses["loss_class"].backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def drawn_objects(rng: np.random.Generator, count: int) -> tuple[torch.Tensor, Any, list[DetDataSample]]:
    """Images with a bright square, a dark one, both or none; presence ``(count, 2)`` and centres."""
    images = rng.normal(0, 0.1, (count, 3, 64, 64)).astype(np.float32)
    present, centers = rng.integers(0, 2, (count, 2)), np.zeros((count, 2, 2), int)
    for image, shown, places in zip(images, present, centers, strict=True):
        quarters = rng.permutation(4)[:2]
        places[:] = np.stack([quarters // 2, quarters % 2], 1) * 32 + rng.integers(8, 24, (2, 2))
        for (row, column), value, is_there in zip(places, (2, -2), shown, strict=True):
            image[:, row - 5 : row + 5, column - 5 : column + 5] += value * is_there
    samples = [sample(np.flatnonzero(shown), shape=(64, 64)) for shown in present]
    return torch.from_numpy(images), (present, centers), samples


def test_it_learns_what_and_where_from_labels_alone() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = CAMClassifier(dict(type="Darknet19", width=0.125, out_indices=(3,)), num_classes=2, pooling="lse")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(60):
        images, _, samples = drawn_objects(rng, 12)
        losses = model.loss(images, samples)
        optimizer.zero_grad()
        losses["loss_class"].backward()
        optimizer.step()
    images, (present, centers), samples = drawn_objects(rng, 48)
    with torch.no_grad():
        predictions = model.eval().predict(images, samples)
    right, hits = [], []
    for prediction, shown, places in zip(predictions, present, centers, strict=True):
        right.append((prediction.pred_scores.numpy() > 0.5) == (shown > 0))
        cams = image_cam(prediction)
        for index in np.flatnonzero(shown):
            peak = np.array(np.unravel_index(int(cams[index].argmax()), (64, 64)))
            hits.append(bool((np.abs(peak - places[index]) <= 8).all()))
    assert np.mean(right) > 0.95
    assert np.mean(hits) > 0.6  # the box of 17 x 17 is 7 % of the image


def test_classes_come_from_the_bank(bank_dir: Path) -> None:
    assert classifier(num_classes=None, bank=bank_dir).num_classes == 3


@pytest.mark.parametrize(
    "wrong", [dict(num_classes=None), dict(num_classes=0), dict(pos_weight=[1.0]), dict(pooling="max")]
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        classifier(**wrong)


def test_a_checkpoint_of_other_classes_is_refused() -> None:
    load_state_dict(classifier(), classifier().state_dict())
    with pytest.raises(ModelError, match="trained for 2 classes, the config has 3"):
        load_state_dict(classifier(), classifier(num_classes=2).state_dict())


def test_the_tensor_mode_gives_the_maps() -> None:
    model = classifier().eval()
    images = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(model(images, mode="tensor"), model.cams(images))
