"""The region loss of YOLOv2, on all images of a batch at once and for any number of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from mmdet.models.losses.iou_loss import diou_loss
from mmdet.structures.bbox import bbox_overlaps
from mmdet.utils import reduce_mean
from torch import Tensor

from synthmed.errors import ModelError
from synthmed.nets.box_grid import BoxGrid


class Truth(NamedTuple):
    """The objects of one image.

    Attributes:
        boxes: ``(T, 4)`` float.
        labels: ``(T,)`` int.
        ignored: ``(R, 4)`` float, regions where a prediction is neither rewarded nor punished.
    """

    boxes: Tensor
    labels: Tensor
    ignored: Tensor


class Targets(NamedTuple):
    """Which slots of a batch answer for which objects.

    Attributes:
        images: ``(P,)`` int, the image of each object that has a slot.
        slots: ``(P,)`` int, its slot.
        boxes: ``(P, 4)`` float.
        labels: ``(P,)`` int.
        background: ``(B, slots)`` bool, where "no object" is to be learned.
    """

    images: Tensor
    slots: Tensor
    boxes: Tensor
    labels: Tensor
    background: Tensor


@dataclass(frozen=True)
class RegionLoss:
    """Objectness, boxes and classes, as the region layer of Darknet weighs them.

    Source: Redmon and Farhadi 2017, and Darknet's region layer with the settings of ``yolov2-voc.cfg``.
    The objectness of a slot that answers for an object should be the IoU of its predicted box; other slots
    should say 0, unless their box overlaps some object by more than ``ignore_iou``. The squared error of
    a box counts ``2 - area / image area``, so small ones count more. While fewer than ``warmup_images``
    images were seen, slots without an object are drawn to their anchor. There is no limit on objects per
    image (Darknet's is 30).

    The published setting is ``RegionLoss.published()``. The defaults differ in four ways that make short
    training from scratch work: cross-entropy for the objectness, whose gradient does not vanish where a slot
    is confidently wrong; distance-IoU for the boxes, since an offset that is small against a cell may be
    large against a small object; division by the number of objects instead of images, so that a crowded image
    does not outweigh twenty others; and objects that share a cell and an anchor take the next best anchor.

    Attributes:
        objectness: ``bce`` (cross-entropy) or ``squared``.
        boxes: ``squared`` error of position in cells and log size, or ``diou``, the distance-IoU loss (Zheng
            et al. 2020), for which an error weighs by the size of the object, not of the cell.
        classes: ``softmax``, or ``sigmoid`` for a cross-entropy per class.
        object_weight: weight of the objectness where there is an object.
        background_weight: weight of the objectness where there is none.
        box_weight: weight of the box.
        class_weight: weight of the class.
        ignore_iou: see above.
        warmup_images: see above.
        warmup_weight: weight of the draw to the anchors.
        per: ``objects`` or ``images``: what the sums are divided by.
        spill: see `BoxGrid.assign`.
    """

    objectness: Literal["bce", "squared"] = "bce"
    boxes: Literal["squared", "diou"] = "diou"
    classes: Literal["softmax", "sigmoid"] = "softmax"
    object_weight: float = 1.0
    background_weight: float = 1.0
    box_weight: float = 2.0
    class_weight: float = 1.0
    ignore_iou: float = 0.6
    warmup_images: int = 12800
    warmup_weight: float = 0.01
    per: Literal["objects", "images"] = "objects"
    spill: bool = True

    def __post_init__(self) -> None:
        for name, choices in (
            ("objectness", ("bce", "squared")),
            ("boxes", ("squared", "diou")),
            ("classes", ("softmax", "sigmoid")),
            ("per", ("objects", "images")),
        ):
            if getattr(self, name) not in choices:
                raise ModelError(
                    f"the region loss has no such {name}", value=getattr(self, name), remedy=f"{choices}"
                )

    @classmethod
    def published(cls, **changes: Any) -> RegionLoss:
        """The loss as Darknet has it."""
        settings: dict[str, Any] = dict(
            objectness="squared",
            boxes="squared",
            object_weight=5.0,
            box_weight=1.0,
            per="images",
            spill=False,
        )
        return cls(**{**settings, **changes})

    @classmethod
    def from_config(cls, config: dict[str, Any] | None) -> RegionLoss:
        """The loss from a config: fields of this class, and ``published=True`` to begin from that setting.

        Raises:
            ModelError: for a field that does not exist.
        """
        values = dict(config or {})
        published = bool(values.pop("published", False))
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ModelError(
                "the region loss has no such field", value=unknown, remedy=f"use {sorted(known)}"
            )
        return cls.published(**values) if published else cls(**values)

    def __call__(
        self, raw: Tensor, truths: Sequence[Truth], grid: BoxGrid, images_seen: int
    ) -> dict[str, Tensor]:
        """The losses of a batch.

        Args:
            raw: ``(B, slots, 5 + C)`` float32: box, objectness and classes before their sigmoid or softmax.
            truths: the objects of each image.
            grid: the slots.
            images_seen: how many images were trained on before.

        Returns:
            ``loss_object``, ``loss_background``, ``loss_box``, ``loss_class``, and ``iou``, the mean IoU of
            predicted boxes with their objects, which is only reported.
        """
        boxes = grid.decode(raw.detach(), grid.all_slots())
        targets = self.targets(boxes, truths, grid)
        answers = raw[targets.images, targets.slots]
        iou = bbox_overlaps(boxes[targets.images, targets.slots], targets.boxes, is_aligned=True)
        divisor = self._divisor(len(targets.slots), raw)
        losses = {
            "loss_object": self.object_weight * self._objectness(answers[:, 4], iou),
            "loss_background": self.background_weight
            * self._objectness(raw[..., 4][targets.background], raw.new_zeros(())),
            "loss_box": self.box_weight * self._box_loss(answers, targets, grid),
            "loss_class": self.class_weight * self._class_loss(answers[:, 5:], targets.labels),
        }
        if images_seen < self.warmup_images:
            losses["loss_box"] = losses["loss_box"] + self.warmup_weight * _draw_to_anchors(raw, targets)
        losses = {name: value / divisor for name, value in losses.items()}
        losses["iou"] = iou.sum() / max(1, len(iou))
        return losses

    def targets(self, predicted: Tensor, truths: Sequence[Truth], grid: BoxGrid) -> Targets:
        """Assign objects to slots, and find the slots that are background.

        Args:
            predicted: ``(B, slots, 4)``, the boxes as they are predicted now.
            truths: the objects of each image.
            grid: the slots.
        """
        images, slots, boxes, labels, background = [], [], [], [], []
        for index, (truth, boxes_now) in enumerate(zip(truths, predicted, strict=True)):
            slot = grid.assign(truth.boxes, self.spill)
            has_slot = slot >= 0
            slots.append(slot[has_slot])
            boxes.append(truth.boxes[has_slot])
            labels.append(truth.labels[has_slot])
            images.append(torch.full_like(slots[-1], index))
            free = torch.ones(len(grid), dtype=torch.bool, device=predicted.device)
            if len(truth.boxes):
                free = bbox_overlaps(boxes_now, truth.boxes).amax(dim=1) <= self.ignore_iou
                free[slots[-1]] = False
            if len(truth.ignored):
                free &= ~grid.touching(truth.ignored)
            background.append(free)
        return Targets(
            torch.cat(images), torch.cat(slots), torch.cat(boxes), torch.cat(labels), torch.stack(background)
        )

    def _divisor(self, objects: int, raw: Tensor) -> float:
        """What sums are divided by; at least one per image, so that empty images do not weigh more."""
        if self.per == "images":
            return float(len(raw))
        mean_over_devices = float(reduce_mean(raw.new_tensor(float(objects))))
        return max(mean_over_devices, float(len(raw)))

    def _objectness(self, logits: Tensor, target: Tensor) -> Tensor:
        target = target.expand_as(logits)
        if self.objectness == "bce":
            return F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
        return (logits.sigmoid() - target).square().sum() / 2

    def _box_loss(self, answers: Tensor, targets: Targets, grid: BoxGrid) -> Tensor:
        if self.boxes == "diou":
            return diou_loss(grid.decode(answers, targets.slots), targets.boxes, reduction="sum")
        error = _said(answers) - grid.encode(targets.boxes, targets.slots)
        sizes = targets.boxes[:, 2:] - targets.boxes[:, :2]
        weight = 2 - sizes.prod(dim=1) / grid.area_px
        return (weight[:, None] * error.square()).sum() / 2

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.classes == "softmax":
            return F.cross_entropy(logits, labels, reduction="sum")
        return F.binary_cross_entropy_with_logits(
            logits, F.one_hot(labels, logits.shape[1]).float(), reduction="sum"
        )


def _said(raw: Tensor) -> Tensor:
    """``(..., 4)``: what slots say in the terms of `BoxGrid.encode`."""
    return torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4]), dim=-1)


def _draw_to_anchors(raw: Tensor, targets: Targets) -> Tensor:
    """Squared distance of the slots without an object from their anchor in the middle of their cell."""
    without = torch.ones(raw.shape[:2], dtype=torch.bool, device=raw.device)
    without[targets.images, targets.slots] = False
    anchor = raw.new_tensor((0.5, 0.5, 0.0, 0.0))
    return (_said(raw[without]) - anchor).square().sum() / 2
