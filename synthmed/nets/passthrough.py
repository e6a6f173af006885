"""`Passthrough`: brings the maps of a backbone together on one grid, as YOLOv2 does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from mmengine.model import BaseModule
from torch import Tensor, nn

from synthmed.errors import ModelError
from synthmed.nets.darknet19 import conv_bn_leaky


class Passthrough(BaseModule):
    """The convolutions of YOLOv2 between backbone and predictions.

    The deepest map goes through ``stacked_convs`` 3 x 3 convolutions. Each earlier map passes by them:
    through a 1 x 1 convolution and, where it is finer than the grid, space-to-depth. All are concatenated,
    and one more 3 x 3 convolution follows. A grid finer than the deepest map is reached by repeating its
    cells.

    Args:
        in_channels: channels of the maps, the finest first.
        in_strides: their strides in pixels.
        stride: stride of the grid.
        feat_channels: channels of the 3 x 3 convolutions, and of the result.
        stacked_convs: 3 x 3 convolutions before the concatenation.
        passthrough_channels: channels of an earlier map before space-to-depth.
        norm_cfg: the norm layer.

    Raises:
        ModelError: where channels and strides are not as many, or the strides no multiples of each other.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_strides: Sequence[int],
        stride: int,
        feat_channels: int,
        stacked_convs: int,
        passthrough_channels: int,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check(in_channels, in_strides, stride)
        self.in_strides, self.stride = tuple(in_strides), stride
        self.trunk = nn.Sequential()
        previous = in_channels[-1]
        for _ in range(stacked_convs):
            self.trunk.append(conv_bn_leaky(previous, feat_channels, 3, norm_cfg))
            previous = feat_channels
        self.passthroughs = nn.ModuleList(
            conv_bn_leaky(channels, passthrough_channels, 1, norm_cfg) for channels in in_channels[:-1]
        )
        for finer in in_strides[:-1]:
            previous += passthrough_channels * max(1, stride // finer) ** 2
        self.merge = conv_bn_leaky(previous, feat_channels, 3, norm_cfg)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Features on the grid.

        Args:
            maps: one ``(B, in_channels[i], H / in_strides[i], W / in_strides[i])`` map each, the finest
                first.

        Returns:
            ``(B, feat_channels, H / stride, W / stride)``.
        """
        on_grid = [to_stride(self.trunk(maps[-1]), self.in_strides[-1], self.stride)]
        for layer, features, stride in zip(self.passthroughs, maps[:-1], self.in_strides[:-1], strict=True):
            on_grid.append(to_stride(layer(features), stride, self.stride))
        return self.merge(torch.cat(on_grid, dim=1))


def to_stride(features: Tensor, stride: int, wanted: int) -> Tensor:
    """A map on another grid: space-to-depth to a coarser one, repeated cells to a finer one."""
    if stride < wanted:
        return F.pixel_unshuffle(features, wanted // stride)
    if stride > wanted:
        return F.interpolate(features, scale_factor=stride // wanted, mode="nearest")
    return features


def _check(in_channels: Sequence[int], in_strides: Sequence[int], stride: int) -> None:
    remainders = [max(stride, other) % min(stride, other) for other in in_strides]
    if not in_channels or len(in_channels) != len(in_strides) or any(remainders):
        raise ModelError(
            "in_channels and in_strides must be as many, and strides multiples of each other",
            value=(tuple(in_channels), tuple(in_strides), stride),
            remedy="take out_channels and strides of the backbone, and a stride of 8, 16 or 32",
        )
