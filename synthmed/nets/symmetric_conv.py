"""A convolution whose kernels have the symmetry of the square."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn


class SymmetricConv(nn.Conv2d):
    """A convolution whose kernels stay the same under flips and quarter turns.

    A classifier learns from image-level labels that something is there, and nothing says where its map should
    respond: the kernels of a stack of usual convolutions drift, and the response to an object then stands
    beside it, always on the same side. Kernels with the symmetry of the square cannot drift. With them, and
    max-pooling on even maps, the map of a flipped or turned image is the flipped or turned map.

    Each kernel is used after averaging over the eight flips and turns. Parameters are stored as for a usual
    convolution.

    Args:
        *args: as for ``torch.nn.Conv2d``, with a square kernel.
        **kwargs: likewise.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("averaging", _square_average(self.kernel_size[0]), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve ``(B, C, H, W)`` maps."""
        with torch.autocast(maps.device.type, enabled=False):
            kernels = (self.weight.flatten(2) @ self.averaging).view_as(self.weight)
        return F.conv2d(maps, kernels, self.bias, self.stride, self.padding, self.dilation, self.groups)


def _square_average(size: int) -> Tensor:
    """``(size ** 2, size ** 2)``, the matrix that averages a flat kernel over the symmetries of the square.

    Examples:
        >>> kernel = torch.arange(9.0)
        >>> (kernel @ _square_average(3)).view(3, 3)
        tensor([[4., 4., 4.],
                [4., 4., 4.],
                [4., 4., 4.]])
    """
    basis = torch.eye(size**2).view(size**2, size, size)
    turned = [basis.rot90(turns, (1, 2)) for turns in range(4)]
    images = [*turned, *(kernel.flip(1) for kernel in turned)]
    return torch.stack(images).mean(dim=0).flatten(1)
