"""Maps of several strides on one grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthmed.errors import ModelError
from synthmed.nets.passthrough import Passthrough, to_stride


def test_space_to_depth_keeps_each_place() -> None:
    features = torch.arange(16.0).reshape(1, 1, 4, 4)
    deep = to_stride(features, 16, 32)
    assert deep.shape == (1, 4, 2, 2)
    assert sorted(deep[0, :, 1, 0].tolist()) == [8, 9, 12, 13]  # the pixels of the lower left quarter
    assert to_stride(features, 32, 16)[0, 0, :2, 2:4].tolist() == [[1, 1], [1, 1]]
    assert to_stride(features, 16, 16) is features


@pytest.mark.parametrize("block", [2, 4])
def test_space_to_depth_in_numpy(block: int) -> None:
    features = np.random.default_rng(0).normal(size=(2, 3, 8, 12)).astype(np.float32)
    deep = to_stride(torch.from_numpy(features), 8, 8 * block).numpy()
    # A channel becomes block * block channels: the places of a block, row by row.
    expected = [
        features[:, channel, row::block, column::block]
        for channel in range(3)
        for row in range(block)
        for column in range(block)
    ]
    np.testing.assert_array_equal(deep, np.stack(expected, axis=1))


@pytest.mark.parametrize(
    ("in_strides", "stride", "merged_channels"),
    [
        ((16, 32), 32, 8 + 4 * 4),
        ((16, 32), 16, 8 + 4),
        ((16, 16), 16, 8 + 4),
        ((8, 16, 32), 16, 8 + 4 * 4 + 4),
    ],
)
def test_shapes(in_strides: tuple[int, ...], stride: int, merged_channels: int) -> None:
    layers = Passthrough([6] * len(in_strides), in_strides, stride, 8, 2, 4)
    assert layers.merge.in_channels == merged_channels
    features = layers([torch.zeros(2, 6, 64 // other, 96 // other) for other in in_strides])
    assert features.shape == (2, 8, 64 // stride, 96 // stride)


def test_every_map_counts() -> None:
    layers = Passthrough([6, 6], (16, 32), 32, 8, 1, 4).eval()
    maps = [torch.randn(1, 6, 4, 4), torch.randn(1, 6, 2, 2)]
    result = layers(maps)
    for index in range(2):
        changed = [features.clone() for features in maps]
        changed[index][0, 0, -1, -1] += 1
        assert not torch.equal(layers(changed), result)


@pytest.mark.parametrize(
    ("channels", "in_strides", "stride"), [((), (), 32), ((6,), (16, 32), 32), ((6, 6), (16, 24), 32)]
)
def test_settings_that_cannot_be(channels: tuple[int, ...], in_strides: tuple[int, ...], stride: int) -> None:
    with pytest.raises(ModelError, match="multiples of each other"):
        Passthrough(channels, in_strides, stride, 8, 1, 4)
