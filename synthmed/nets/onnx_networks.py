"""Networks as they are exported: images in, boxes with scores or maps with scores out, without any Python."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from synthmed.nets.box_grid import MAX_LOG_SCALE
from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.cam_pooling import coverage_of
from synthmed.nets.yolov2_head import YOLOv2Head


class _Network(nn.Module):
    """What both kinds share: the normalisation is a part of the graph.

    Args:
        model: the trained model, in evaluation mode on the CPU.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        preprocessor = model.data_preprocessor
        self.turn = not getattr(preprocessor, "_channel_conversion", False)
        for name in ("mean", "std"):
            self.register_buffer(name, getattr(preprocessor, name).reshape(1, 3, 1, 1).float())

    def normalized(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` uint8 RGB as the network takes it."""
        values = images.float()
        # Pipelines hand on BGR; a network whose preprocessor does not turn it was trained on BGR.
        values = values.flip(1) if self.turn else values
        return (values - self.mean) / self.std


class DetectorNetwork(_Network):
    """Boxes and scores of every slot of a YOLOv2 head; what overlaps is sorted out by whoever runs it."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Decode what the head says.

        Args:
            images: ``(B, 3, H, W)`` uint8 RGB, H and W multiples of the coarsest stride.

        Returns:
            ``(B, slots, 4)`` boxes ``x0, y0, x1, y1`` in pixels of the input, and ``(B, slots, C)`` scores,
            objectness times class probability. Slots are in the order of `BoxGrid`.
        """
        head: YOLOv2Head = self.model.bbox_head
        (raw,) = head(self.model.extract_feat(self.normalized(images)))
        anchors = head.anchors_wh_px
        rows, columns = raw.shape[2], raw.shape[3]
        # (B, rows, columns, A, 5 + C)
        values = raw.permute(0, 2, 3, 1).unflatten(-1, (len(anchors), 5 + head.num_classes))
        across = torch.arange(columns, device=raw.device).float().reshape(1, 1, -1, 1)
        down = torch.arange(rows, device=raw.device).float().reshape(1, -1, 1, 1)
        center_x = (across + values[..., 0].sigmoid()) * head.stride
        center_y = (down + values[..., 1].sigmoid()) * head.stride
        half = anchors * values[..., 2:4].clamp(max=MAX_LOG_SCALE).exp() / 2
        boxes = torch.stack(
            (
                center_x - half[..., 0],
                center_y - half[..., 1],
                center_x + half[..., 0],
                center_y + half[..., 1],
            ),
            dim=-1,
        )
        scores = values[..., 4:5].sigmoid() * head.class_probabilities(values[..., 5:])
        return boxes.flatten(1, 3), scores.flatten(1, 3)


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
