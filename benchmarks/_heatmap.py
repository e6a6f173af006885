"""A small detector of centres for the transfer benchmark: it trains in a minute or two on two cores.

It marks centres on a map of a quarter of the input's size, by the penalty-reduced focal loss of CenterNet
(Zhou, Wang, Krähenbühl 2019, arXiv 1904.07850, equation 1), without sizes: centre F1 needs none.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from synthmed.metrics.peaks import find_peaks

STRIDE = 4
"""Input pixels per pixel of the map."""

_LEAST_SCORE = 0.02


class CenterNet(nn.Module):
    """``(N, 3, H, W)`` float in -1..1 to ``(N, C, H / 4, W / 4)`` logits; H and W multiples of 32."""

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, width, stride=2), _conv(width, width, stride=2))
        self.downs = nn.ModuleList()
        channels = [width, 2 * width, 4 * width, 4 * width]
        for before, after in pairwise(channels):
            self.downs.append(nn.Sequential(_conv(before, after, stride=2), _conv(after, after)))
        self.sides = nn.ModuleList(nn.Conv2d(c, 2 * width, 1) for c in channels)
        self.smooth = _conv(2 * width, 2 * width)
        self.head = nn.Conv2d(2 * width, classes, 1)
        nn.init.constant_(self.head.bias, -4.0)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        levels = [self.stem(images)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        x = self.sides[-1](levels[-1])
        for side, level in zip(list(self.sides)[-2::-1], levels[-2::-1], strict=True):
            x = side(level) + functional.interpolate(x, scale_factor=2.0)
        return self.head(self.smooth(x))


def _conv(before: int, after: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


def center_map(
    centers_px: NDArray[np.float64], labels: NDArray[np.int64], sizes_px: NDArray[np.float64], side_px: int
) -> NDArray[np.float32]:
    """The target: a bell of height 1 on each centre.

    Args:
        centers_px: ``(M, 2)`` float on the input.
        labels: ``(M,)`` int.
        sizes_px: ``(C,)`` float, the size of each class on the input.
        side_px: side of the input.

    Returns:
        ``(C, side / 4, side / 4)`` float32 in 0..1.
    """
    side = side_px // STRIDE
    target = np.zeros((len(sizes_px), side, side), dtype=np.float32)
    at = np.arange(side)
    for (row, column), label in zip(np.floor(centers_px / STRIDE), labels, strict=True):
        if not (0 <= row < side and 0 <= column < side):
            continue
        sigma = max(sizes_px[label] / STRIDE / 6, 0.7)
        rows, columns = (np.exp(-((at - place) ** 2) / (2 * sigma**2)) for place in (row, column))
        np.maximum(target[label], np.outer(rows, columns), out=target[label])
    return target


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Penalty-reduced focal loss, over the number of centres."""
    log_p, log_q = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    center = target == 1
    right = -((1 - log_p.exp()) ** 2) * log_p * center
    wrong = -((1 - target) ** 4) * log_p.exp() ** 2 * log_q * ~center
    return (right + wrong).sum() / center.sum().clamp(min=1)


def as_input(images: NDArray[np.uint8]) -> Tensor:
    """``(N, H, W, 3)`` uint8 to ``(N, 3, H, W)`` float in -1..1, channels last."""
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def find_centers(
    model: CenterNet, image: NDArray[np.uint8], sizes_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Centres ``(N, 2)`` in pixels of the input, scores ``(N,)`` and labels ``(N,)`` in one input image."""
    scores = model(as_input(image[None])).sigmoid()[0].float().numpy()
    # Smoothed a little, since a flat bell has several tops.
    found = [
        find_peaks(cv2.GaussianBlur(scores[label], (3, 3), 0), size / STRIDE / 2, _LEAST_SCORE)
        for label, size in enumerate(sizes_px)
    ]
    centers = np.concatenate([at for at, _ in found]) * STRIDE
    values = np.concatenate([value for _, value in found])
    return centers, values, np.repeat(np.arange(len(found)), [len(value) for _, value in found])
