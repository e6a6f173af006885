"""Darknet-19, the backbone of YOLOv2, with a width factor and a choice of output stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from synthmed.errors import ModelError

# (kernel, channels) of the 18 convolutions, by stage; every stage but the first begins with a max-pool.
STAGES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((3, 32),),
    ((3, 64),),
    ((3, 128), (1, 64), (3, 128)),
    ((3, 256), (1, 128), (3, 256)),
    ((3, 512), (1, 256), (3, 512), (1, 256), (3, 512)),
    ((3, 1024), (1, 512), (3, 1024), (1, 512), (3, 1024)),
)
OUT_STRIDES = (4, 8, 16, 32)


def scaled_channels(channels: int, width: float) -> int:
    """Channels at a width factor: the nearest multiple of 8, which vector units like, and at least 8.

    Examples:
        >>> [scaled_channels(channels, 0.375) for channels in (32, 64, 1024)]
        [16, 24, 384]
    """
    return max(8, int(channels * width / 8 + 0.5) * 8)


@MODELS.register_module()
class Darknet19(BaseModule):
    """The 18 convolutions of Darknet-19, each with batch norm and a leaky ReLU of slope 0.1.

    The layers are those of table 6 in the source, without its classification layer. Max-pooling by 2 x 2
    keeps cell ``i`` of a map with stride ``s`` exactly over the pixels ``[i * s, (i + 1) * s)``, so that maps
    can be laid over the image without a shift.

    Source: Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger", 2017 (arXiv 1612.08242).

    Args:
        width: factor on all channels (see `scaled_channels`).
        out_indices: the stages whose maps are returned, 0 to 5; their strides are in `strides`. Stages after
            the last of them are not built.
        out_stride: 32 as published; 16, 8 or 4 leave out the last one to three max-pools, for small objects.
        in_channels: channels of the image.
        norm_cfg: the norm layer, for example ``dict(type="SyncBN")`` on several devices.
        init_cfg: initial weights; for trained ones ``dict(type="Pretrained", checkpoint="FILE",
            prefix="backbone.")``.

    Attributes:
        out_channels: channels of each returned map.
        strides: pixels of the input per cell of each returned map.

    Raises:
        ModelError: for an unknown stride or stage, or a width that is not positive.
    """

    def __init__(
        self,
        width: float = 1.0,
        out_indices: Sequence[int] = (5,),
        out_stride: int = 32,
        in_channels: int = 3,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        _check(width, out_indices, out_stride)
        self.out_indices = tuple(out_indices)
        strides, channels = [], []
        previous, stride = in_channels, 1
        for index, layers in enumerate(STAGES[: max(self.out_indices) + 1]):
            stage = nn.Sequential()
            if index and stride < out_stride:
                stage.append(nn.MaxPool2d(2))
                stride *= 2
            for kernel, full_width in layers:
                current = scaled_channels(full_width, width)
                stage.append(conv_bn_leaky(previous, current, kernel, norm_cfg))
                previous = current
            self.add_module(f"stage{index}", stage)
            strides.append(stride)
            channels.append(previous)
        self.strides = tuple(strides[index] for index in self.out_indices)
        self.out_channels = tuple(channels[index] for index in self.out_indices)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of the chosen stages.

        Args:
            images: ``(B, in_channels, H, W)``.

        Returns:
            One ``(B, out_channels[i], H // strides[i], W // strides[i])`` map per entry of ``out_indices``.
        """
        maps = []
        features = images
        for index in range(max(self.out_indices) + 1):
            features = getattr(self, f"stage{index}")(features)
            maps.append(features)
        return tuple(maps[index] for index in self.out_indices)


def conv_bn_leaky(
    in_channels: int, out_channels: int, kernel: int, norm_cfg: dict[str, Any] | None = None
) -> Any:
    """A convolution that keeps the size of the map, batch norm, and a leaky ReLU of slope 0.1.

    Weights start from He's normal distribution for that slope.
    """
    return ConvModule(
        in_channels,
        out_channels,
        kernel,
        padding=kernel // 2,
        norm_cfg=norm_cfg or dict(type="BN"),
        act_cfg=dict(type="LeakyReLU", negative_slope=0.1),
    )


def _check(width: float, out_indices: Sequence[int], out_stride: int) -> None:
    if not width > 0:
        raise ModelError(
            "the width factor of Darknet19 must be positive", value=width, remedy="use 0.25 to 1"
        )
    if out_stride not in OUT_STRIDES:
        raise ModelError(
            "Darknet19 has no such out_stride", value=out_stride, remedy=f"use one of {OUT_STRIDES}"
        )
    if not out_indices or not set(out_indices) <= set(range(len(STAGES))):
        raise ModelError(
            "out_indices of Darknet19 name stages that it has not",
            value=tuple(out_indices),
            remedy="use 0 to 5",
        )
