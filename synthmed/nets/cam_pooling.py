"""From a class activation map to one logit per class, without the padding; and back onto the image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

from synthmed.errors import ModelError

Pooling = Callable[[Tensor, Tensor], Tensor]


def valid_cells(img_shape: Sequence[int], stride: int) -> tuple[int, int]:
    """Rows and columns of a map that cover the image without its padding.

    Examples:
        >>> valid_cells((375, 384), 16)
        (24, 24)
    """
    return math.ceil(img_shape[0] / stride), math.ceil(img_shape[1] / stride)


def coverage(
    img_shapes: Sequence[Sequence[int]], map_shape: Sequence[int], stride: int, like: Tensor
) -> Tensor:
    """How much of each cell of a map lies in the image, and not in the padding at its right and bottom.

    Args:
        img_shapes: height and width of each image in pixels of the network's input, before padding.
        map_shape: rows and columns of the map.
        stride: pixels per cell.
        like: gives the device.

    Returns:
        ``(B, 1, rows, columns)`` float32 in 0..1.
    """
    shapes = torch.tensor([tuple(shape[:2]) for shape in img_shapes], dtype=torch.float32, device=like.device)
    return coverage_of(shapes, map_shape, stride)


def coverage_of(shapes: Tensor, map_shape: Sequence[int], stride: int) -> Tensor:
    """As `coverage`, for image shapes ``(B, 2)`` float32."""
    rows, columns = (torch.arange(count, device=shapes.device) for count in map_shape)
    down = (shapes[:, :1] / stride - rows).clamp(0, 1)
    across = (shapes[:, 1:] / stride - columns).clamp(0, 1)
    return (down[:, :, None] * across[:, None, :])[:, None]


def average_pool(cams: Tensor, weights: Tensor) -> Tensor:
    """``(B, C)``, the mean of ``(B, C, rows, columns)`` maps over their valid area."""
    return (cams * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)).clamp(min=1e-6)


def lse_pool(cams: Tensor, weights: Tensor, sharpness: float = 4.0) -> Tensor:
    """``(B, C)``, log-mean-exp over the valid area, between the mean and the maximum.

    A small object fills few cells, so a mean hardly sees it; this sees it the more, the higher the sharpness.
    Source: Pinheiro and Collobert, "From Image-level to Pixel-level Labeling with CNNs", 2015.
    """
    share = weights / weights.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    return torch.logsumexp(sharpness * cams + share.log(), dim=(2, 3)) / sharpness


def pooling_named(name: str, sharpness: float) -> Pooling:
    """The pooling of that name.

    Raises:
        ModelError: where there is none, or the sharpness is not positive.
    """
    if not sharpness > 0:
        raise ModelError("the sharpness of pooling must be positive", value=sharpness, remedy="use 1 to 10")
    poolings: dict[str, Pooling] = {
        "avg": average_pool,
        "lse": lambda cams, weights: lse_pool(cams, weights, sharpness),
    }
    if name not in poolings:
        raise ModelError("there is no such pooling", value=name, remedy=f"use one of {sorted(poolings)}")
    return poolings[name]


def align_cam(cam: Tensor, stride: int, img_shape: Sequence[int], ori_shape: Sequence[int]) -> Tensor:
    """Lay a class activation map over the original image, without a shift.

    Cell ``i`` of the map stands for the pixels ``[i * stride, (i + 1) * stride)`` of the network's input,
    which is the resized image with padding at its right and bottom. Between the centres of cells, values are
    interpolated linearly; a peak lies at the centre of its cell, also at the border.

    Args:
        cam: ``(C, rows, columns)``, over at least the valid area.
        stride: pixels of the network's input per cell.
        img_shape: height and width of the resized image, without its padding.
        ori_shape: height and width of the original image.

    Returns:
        ``(C, *ori_shape)`` float32.
    """
    device = cam.device
    # Where the centre of each original pixel lies in the bordered map, from -1 at its first edge to 1 at its
    # last; cell 0 begins one cell behind that edge.
    down, across = (
        ((torch.arange(pixels, device=device) + 0.5) * (shown / pixels / stride) + 1) * 2 / (cells + 2) - 1
        for pixels, shown, cells in zip(ori_shape[:2], img_shape[:2], cam.shape[1:], strict=True)
    )
    places = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)
    laid = F.grid_sample(_bordered(cam.float())[None], places[None].float(), align_corners=False)
    return laid[0]


def _bordered(cam: Tensor) -> Tensor:
    """A map with one more cell on each side, from which its values fall towards the border, or stay.

    Between the border and the centre of the first cell there is nothing to interpolate with. Were a bright
    cell continued there as it is, its peak would be a plateau that reaches the border, and its middle would
    lie a quarter of a cell off; a mirror image alone would let a dark border cell rise again.
    """
    for axis in (-2, -1):
        first, last = cam.narrow(axis, 0, 1), cam.narrow(axis, -1, 1)
        if cam.shape[axis] > 1:
            first, last = (
                torch.minimum(first, cam.narrow(axis, 1, 1)),
                torch.minimum(last, cam.narrow(axis, -2, 1)),
            )
        cam = torch.cat([first, cam, last], dim=axis)
    return cam
