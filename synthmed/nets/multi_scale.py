"""`MultiScale`: another size of the network's input every few iterations, as YOLOv2 was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmdet.models.data_preprocessors import BatchSyncRandomResize
from mmdet.registry import MODELS
from mmengine.logging import MessageHub
from torch import Tensor

from synthmed.errors import ModelError


@MODELS.register_module()
class MultiScale(BatchSyncRandomResize):
    """Resizes whole batches, and their boxes, to a size that is drawn anew every ``interval`` iterations.

    It is one of the ``batch_augments`` of ``DetDataPreprocessor``, so that one image of a batch has the size
    of the others. The size follows from seed and iteration alone: all ranks draw the same without talking,
    and a resumed training goes on with the sizes that it would have seen. MMDetection's class starts anew.

    Args:
        random_size_range: the least and the largest height in pixels; the width keeps the ratio.
        interval: how many iterations have one size; YOLOv2 has 10.
        size_divisor: sizes are multiples of it.
        seed: of the sizes.

    Raises:
        ModelError: there is no such size, or no such interval.
    """

    def __init__(
        self,
        random_size_range: tuple[int, int] = (320, 608),
        interval: int = 10,
        size_divisor: int = 32,
        seed: int = 0,
    ) -> None:
        least, largest = random_size_range
        if not (1 <= size_divisor <= least <= largest and interval >= 1 and seed >= 0):
            raise ModelError(
                "MultiScale cannot draw sizes so",
                value=dict(
                    random_size_range=random_size_range,
                    interval=interval,
                    size_divisor=size_divisor,
                    seed=seed,
                ),
                remedy="use for example random_size_range=(320, 608), interval=10, size_divisor=32, seed=0",
            )
        super().__init__(random_size_range, interval, size_divisor)
        self.seed = seed

    def forward(self, inputs: Tensor, data_samples: list[Any]) -> tuple[Tensor, list[Any]]:
        """Resize ``(B, 3, H, W)`` images, and the boxes of their samples in place."""
        height, width = inputs.shape[-2:]
        self._input_size = self._get_random_size(width / height, inputs.device)
        resized: tuple[Tensor, list[Any]] = super().forward(inputs, data_samples)
        return resized

    def _get_random_size(self, aspect_ratio: float, device: torch.device) -> tuple[int, int]:
        number = int(MessageHub.get_current_instance().get_info("iter", 0)) // self._interval
        least, largest = self._random_size_range
        cells = int(np.random.default_rng([self.seed, number]).integers(least, largest, endpoint=True))
        return self._size_divisor * cells, self._size_divisor * max(1, round(aspect_ratio * cells))
