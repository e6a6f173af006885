"""Backbones of the classifier: their cells lie over the pixels that they stand for, at every stride."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from synthmed.errors import ModelError
from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.densenet import DenseNet

pytestmark = pytest.mark.usefixtures("mmdet_scope")


def resnet(strides: tuple[int, ...], dilations: tuple[int, ...]) -> dict[str, Any]:
    stages = len(strides)
    return dict(
        type="ResNet",
        depth=18,
        base_channels=8,
        num_stages=stages,
        out_indices=(stages - 1,),
        strides=strides,
        dilations=dilations,
        norm_eval=False,
        frozen_stages=-1,
    )


@pytest.mark.parametrize(
    ("backbone", "stride", "settings"),
    [
        (resnet((1, 2, 1), (1, 1, 2)), 8, dict(in_channels=32, shift_px=3)),
        (resnet((1, 2, 2), (1, 1, 1)), 16, dict(in_channels=32, shift_px=7)),
        (resnet((1, 2, 2, 2), (1, 1, 1, 1)), 32, dict(in_channels=64, shift_px=15)),
        (dict(type="DenseNet", growth=4, blocks=2, out_stride=4), 4, {}),
        (dict(type="DenseNet", growth=4, blocks=3, out_stride=8), 8, {}),
        (dict(type="DenseNet", growth=4, blocks=3, out_stride=16), 16, {}),
        (dict(type="DenseNet", growth=4, blocks=4, out_stride=32), 32, {}),
    ],
)
def test_a_cell_lies_over_its_pixels(backbone: dict[str, Any], stride: int, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = CAMClassifier(backbone=backbone, num_classes=2, **settings).eval()
    model.init_weights()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.fill_(1 / module.weight[0].numel())
    cells = max(12, 384 // stride)  # the border is out of sight
    side, middle = cells * stride, cells // 2
    images = torch.rand(6, 3, side, side, requires_grad=True)
    maps = model.cams(images)
    assert maps.shape == (6, 2, cells, cells)
    maps[:, 0, middle, middle].sum().backward()
    weight = images.grad.sum(dim=(0, 1)).double()
    places = torch.arange(side) + 0.5
    seen_at = np.array([(weight.sum(dim=1 - axis) @ places.double()) / weight.sum() for axis in (0, 1)])
    # Max-pools choose at random. The stem that was published would shift every map of DenseNet by 1.5 px.
    atol = 0.5 if backbone["type"] == "DenseNet" else 2.0
    np.testing.assert_allclose(seen_at, (middle + 0.5) * stride, atol=atol)


@pytest.mark.parametrize("settings", [dict(depth=18), dict(out_stride=2), dict(blocks=0), dict(growth=0)])
def test_wrong_settings(settings: dict[str, int]) -> None:
    with pytest.raises(ModelError, match="DenseNet cannot be built"):
        DenseNet(**settings)
