"""DenseNet as a backbone, with a growth rate and a choice of output stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from synthmed.errors import ModelError

DEPTHS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32)}
OUT_STRIDES = (4, 8, 16, 32)


@MODELS.register_module()
class DenseNet(BaseModule):
    """Dense blocks, in which each layer sees the maps of all before it, with transitions between them.

    As in the source, a layer is batch norm, ReLU, a 1 x 1 convolution to four times the growth rate, batch
    norm, ReLU and a 3 x 3 convolution; transitions halve the channels, and pool by 2 x 2. Its stem has a
    7 x 7 convolution of stride 2 and a max-pool of 3 x 3, which shift maps by half a cell; here these are a
    3 x 3 convolution and two pools of 2 x 2, so that cell ``i`` lies over the pixels
    ``[i * stride, (i + 1) * stride)``.

    Source: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2017
    (arXiv 1608.06993).

    Args:
        depth: 121 or 169.
        growth: channels that each layer adds; 32 as published.
        blocks: how many of the four blocks are built.
        out_stride: 32 as published; 16, 8 or 4 leave out the last pools.
        norm_cfg: the norm layer.
        init_cfg: initial weights.

    Attributes:
        out_channels: channels of the map.
        strides: pixels of the input per cell.

    Raises:
        ModelError: for an unknown depth or stride, or a number of blocks or a growth that cannot be.
    """

    def __init__(
        self,
        depth: int = 121,
        growth: int = 32,
        blocks: int = 4,
        out_stride: int = 32,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if depth not in DEPTHS or out_stride not in OUT_STRIDES or not 1 <= blocks <= 4 or growth < 1:
            raise ModelError(
                "DenseNet cannot be built so",
                value=dict(depth=depth, growth=growth, blocks=blocks, out_stride=out_stride),
                remedy=f"use depth {tuple(DEPTHS)}, growth 8 to 32, blocks 1 to 4, out_stride {OUT_STRIDES}",
            )
        norm = norm_cfg or dict(type="BN")
        channels, stride = 2 * growth, 4
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1, bias=False),
            *_norm_relu(norm, channels),
            nn.MaxPool2d(2),
            nn.MaxPool2d(2),
        )
        for index, layers in enumerate(DEPTHS[depth][:blocks]):
            block = nn.Sequential()
            if index:
                block.extend(_transition(norm, channels, pooled=stride < out_stride))
                channels //= 2
                stride *= 2 if stride < out_stride else 1
            for _ in range(layers):
                block.append(_DenseLayer(norm, channels, growth))
                channels += growth
            self.add_module(f"block{index}", block)
        self.last = nn.Sequential(*_norm_relu(norm, channels))
        self.blocks, self.out_channels, self.strides = blocks, (channels,), (stride,)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """``(B, out_channels, H / stride, W / stride)``, the map of the last block."""
        features = self.stem(images)
        for index in range(self.blocks):
            features = getattr(self, f"block{index}")(features)
        return (self.last(features),)


class _DenseLayer(nn.Module):
    def __init__(self, norm: dict[str, Any], channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_norm_relu(norm, channels),
            nn.Conv2d(channels, 4 * growth, 1, bias=False),
            *_norm_relu(norm, 4 * growth),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features, self.layers(features)], dim=1)


def _norm_relu(norm: dict[str, Any], channels: int) -> Sequence[nn.Module]:
    return build_norm_layer(norm, channels)[1], nn.ReLU(inplace=True)


def _transition(norm: dict[str, Any], channels: int, *, pooled: bool) -> Sequence[nn.Module]:
    reduced = [*_norm_relu(norm, channels), nn.Conv2d(channels, channels // 2, 1, bias=False)]
    return [*reduced, nn.AvgPool2d(2)] if pooled else reduced
