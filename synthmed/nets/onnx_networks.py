"""Networks as they are exported: images in, boxes with scores or maps with scores out, without any Python."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.cam_pooling import coverage_of
from synthmed.nets.every_slot import EverySlot


class _Network(nn.Module):
    """What both kinds share: the normalisation is a part of the graph.

    Args:
        model: the trained model, in evaluation mode on the CPU.

    Attributes:
        mean: ``(1, 3, 1, 1)`` float, of red, green and blue.
        std: likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        preprocessor = model.data_preprocessor
        # Pipelines hand on BGR; a network whose preprocessor does not turn it was trained on BGR.
        self.turn = not getattr(preprocessor, "_channel_conversion", False)
        for name in ("mean", "std"):
            values = getattr(preprocessor, name).reshape(1, 3, 1, 1).float()
            self.register_buffer(name, values.flip(1) if self.turn else values)

    def normalized(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` uint8 RGB as the network takes it."""
        values = (images.float() - self.mean) / self.std
        return values.flip(1) if self.turn else values


class DetectorNetwork(_Network):
    """What a head says of every slot; what overlaps is sorted out by whoever runs it."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Decode what the head says.

        Args:
            images: ``(B, 3, H, W)`` uint8 RGB, H and W multiples of the coarsest stride.

        Returns:
            The fields of `EverySlot` that the head has.
        """
        head = self.model.bbox_head
        found: EverySlot = head.every_slot(*head(self.model.extract_feat(self.normalized(images))))
        return tuple(values for values in found if values is not None)


class ClassifierNetwork(_Network):
    """Class activation maps and scores."""

    model: CAMClassifier

    def forward(self, images: Tensor, shapes: Tensor) -> tuple[Tensor, Tensor]:
        """Maps, and what they say pooled.

        Args:
            images: ``(B, 3, H, W)`` uint8 RGB, H and W multiples of the stride.
            shapes: ``(B, 2)`` float32, height and width of each image without its padding.

        Returns:
            ``(B, C, rows, columns)`` maps in units of the logit, padding included, and ``(B, C)`` scores.
        """
        maps = self.model.cams(self.normalized(images))
        weights = coverage_of(shapes, (maps.shape[2], maps.shape[3]), self.model.backbone.strides[-1])
        return maps, self.model.pool(maps, weights).sigmoid()
