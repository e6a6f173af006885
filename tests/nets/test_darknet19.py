"""Darknet-19 against the published architecture."""

from __future__ import annotations

import pytest
import torch

from synthmed.errors import ModelError
from synthmed.nets.darknet19 import Darknet19, scaled_channels

# Table 6 of the paper: filters and kernel of each convolution before the classification layer.
PUBLISHED = [
    (32, 3), (64, 3), (128, 3), (64, 1), (128, 3), (256, 3), (128, 1), (256, 3), (512, 3), (256, 1), (512, 3),
    (256, 1), (512, 3), (1024, 3), (512, 1), (1024, 3), (512, 1), (1024, 3),
]  # fmt: skip


def test_parameters_of_the_published_network() -> None:
    expected, previous = 0, 3
    for filters, kernel in PUBLISHED:
        expected += previous * filters * kernel**2 + 2 * filters  # and batch norm's scale and shift
        previous = filters
    network = Darknet19()
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [(conv.out_channels, conv.kernel_size[0]) for conv in convolutions] == PUBLISHED
    assert all(conv.bias is None for conv in convolutions)
    activations = [module for module in network.modules() if isinstance(module, torch.nn.LeakyReLU)]
    assert len(activations) == 18 and all(module.negative_slope == 0.1 for module in activations)


@pytest.mark.parametrize(("width", "expected"), [(0.01, 8), (0.25, 32), (0.375, 48), (0.4, 48), (1.0, 128)])
def test_scaled_channels(width: float, expected: int) -> None:
    assert scaled_channels(128, width) == expected


@pytest.mark.parametrize(
    ("out_stride", "indices", "strides"),
    [
        (32, (5,), (32,)),
        (16, (4, 5), (16, 16)),
        (8, (3, 4, 5), (8, 8, 8)),
        (32, (0, 2, 4), (1, 4, 16)),
        (4, (3,), (4,)),
    ],
)
def test_shapes_and_strides(out_stride: int, indices: tuple[int, ...], strides: tuple[int, ...]) -> None:
    network = Darknet19(0.125, out_indices=indices, out_stride=out_stride)
    maps = network(torch.zeros(2, 3, 64, 96))
    assert network.strides == strides
    assert not hasattr(network, f"stage{max(indices) + 1}")  # it would stop distributed training
    for features, stride, channels in zip(maps, strides, network.out_channels, strict=True):
        assert features.shape == (2, channels, 64 // stride, 96 // stride)


def test_initial_weights_follow_he() -> None:
    torch.manual_seed(0)
    network = Darknet19(0.5)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 10_000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            expected = (2 / (1 + 0.1**2) / fan_out) ** 0.5
            assert float(module.weight.detach().std()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    "settings",
    [dict(width=0.0), dict(width=-1.0), dict(out_stride=2), dict(out_indices=(6,)), dict(out_indices=())],
)
def test_wrong_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="Darknet19"):
        Darknet19(**settings)
