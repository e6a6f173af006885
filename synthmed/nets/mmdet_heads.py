"""MMDetection's own heads with their classes, and YOLOv3's anchors, taken from the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.models import RTMDetSepBNHead, YOLOV3Head, YOLOXHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import distance2bbox
from torch import Tensor

from synthmed.detect.nms import Selection
from synthmed.errors import ModelError
from synthmed.nets.bank_settings import class_count, detector_settings
from synthmed.nets.every_slot import EverySlot, selection_of, slots_of

_LEVEL_ANCHORS = 3


class _BankHead:
    """What the heads share.

    Predictions are handed on in float32: in bfloat16 a coordinate of 400 px is exact to 2 px only.
    """

    prior_generator: Any

    @property
    def level_strides(self) -> tuple[int, ...]:
        """Pixels per cell of each level."""
        return tuple(int(stride) for stride, _ in self.prior_generator.strides)

    def priors(self, maps: Sequence[Tensor], **kwargs: Any) -> list[Tensor]:
        """Anchors or points of the cells of each level, as MMDetection makes them."""
        shapes = [level.shape[2:] for level in maps]
        priors: list[Tensor] = self.prior_generator.grid_priors(shapes, device=maps[0].device, **kwargs)
        return priors

    def forward(self, maps: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], ...]:
        """Raw predictions of each kind on each level."""
        kinds = super().forward(maps)  # type: ignore[misc]
        return tuple(tuple(level.float() for level in levels) for levels in kinds)


class _ClassesFromBank(_BankHead):
    """Takes the number of classes from the bank.

    Args:
        bank: folder of the bank; read only where ``num_classes`` is missing.
        num_classes: number of classes.
        **kwargs: what MMDetection's head takes besides.

    Raises:
        ModelError: neither bank nor classes are given.
        BankError: there is no usable bank.
    """

    def __init__(
        self, *, bank: str | Path | None = None, num_classes: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(num_classes=class_count(bank, num_classes), **kwargs)  # type: ignore[call-arg]


@MODELS.register_module()
class BankYOLOXHead(_ClassesFromBank, YOLOXHead):
    """``YOLOXHead`` with the classes from the bank: ``bank`` or ``num_classes``; else as it is."""

    def every_slot(
        self, class_maps: Sequence[Tensor], box_maps: Sequence[Tensor], objectness_maps: Sequence[Tensor]
    ) -> EverySlot:
        """Boxes and scores of all cells of what ``forward`` returned."""
        classes = torch.cat(slots_of(class_maps, self.cls_out_channels), dim=1).sigmoid()
        objectness = torch.cat(slots_of(objectness_maps, 1), dim=1).sigmoid()
        points = torch.cat(self.priors(class_maps, with_stride=True))
        boxes = self._bbox_decode(points, torch.cat(slots_of(box_maps, 4), dim=1))
        return EverySlot(boxes, classes * objectness)

    def selection(self) -> Selection:
        """What ``predict_by_feat`` keeps, which knows no limits on numbers and sizes."""
        unlimited = dict(candidates=None, max_boxes=None, min_side_px=None)
        return selection_of(self.test_cfg, single_label=True, clipped=False, **unlimited)


@MODELS.register_module()
class BankRTMDetHead(_ClassesFromBank, RTMDetSepBNHead):
    """``RTMDetSepBNHead`` with the classes from the bank: ``bank`` or ``num_classes``; else as it is."""

    def every_slot(self, class_maps: Sequence[Tensor], box_maps: Sequence[Tensor]) -> EverySlot:
        """Boxes and scores of all cells of what ``forward`` returned."""
        logits = torch.cat(slots_of(class_maps, self.cls_out_channels), dim=1)
        scores = logits.sigmoid() if self.use_sigmoid_cls else logits.softmax(dim=-1)[..., :-1]
        distances = torch.cat(slots_of(box_maps, 4), dim=1)
        return EverySlot(distance2bbox(torch.cat(self.priors(class_maps)), distances), scores)

    def selection(self) -> Selection:
        """What ``predict_by_feat`` keeps."""
        return selection_of(self.test_cfg, by_level=True, clipped=self.bbox_coder.clip_border)


@MODELS.register_module()
class BankYOLOV3Head(_BankHead, YOLOV3Head):
    """``YOLOV3Head`` with the classes of the bank, and three anchors per level from the sizes in it.

    The largest anchors go to the coarsest level. They are stored in checkpoints, and those of a checkpoint
    are the ones used.

    Args:
        featmap_strides: stride of each level, the coarsest first.
        bank: folder of the bank; read only where ``num_classes`` or ``anchors_wh_px`` is missing.
        recipe: the recipe of the training scenes, as `SceneDataset` takes it: it decides how large objects
            appear.
        size_px: height and width of the scenes, where not the recipe's.
        num_classes: number of classes.
        anchors_wh_px: widths and heights of the anchors in pixels of the network's input, the smallest
            first.
        **kwargs: what ``YOLOV3Head`` takes besides.

    Raises:
        ModelError: the settings contradict each other.
        BankError: there is no usable bank.
    """

    anchors_wh_px: Tensor

    def __init__(
        self,
        *,
        featmap_strides: Sequence[int] = (32, 16, 8),
        bank: str | Path | None = None,
        recipe: Mapping[str, Any] | str | Path | None = None,
        size_px: Sequence[int] | None = None,
        num_classes: int | None = None,
        anchors_wh_px: Sequence[Sequence[float]] | None = None,
        **kwargs: Any,
    ) -> None:
        count = _LEVEL_ANCHORS * len(featmap_strides)
        num_classes, found = detector_settings(bank, recipe, size_px, num_classes, anchors_wh_px, count)
        # A bank of few different sizes has fewer anchors: a repeated one answers for nothing.
        anchors = [found[index * len(found) // count] for index in range(count)]
        super().__init__(
            num_classes=num_classes,
            featmap_strides=featmap_strides,
            anchor_generator=dict(
                type="YOLOAnchorGenerator",
                base_sizes=_by_level(anchors, len(featmap_strides)),
                strides=list(featmap_strides),
            ),
            **kwargs,
        )
        self.register_buffer("anchors_wh_px", torch.tensor(anchors, dtype=torch.float32))

    def every_slot(self, maps: Sequence[Tensor]) -> EverySlot:
        """Boxes and scores of all slots of what ``forward`` returned."""
        boxes, scores, objectness = [], [], []
        levels = zip(slots_of(maps, self.num_attrib), self.priors(maps), self.featmap_strides, strict=True)
        for raw, anchors, stride in levels:
            code = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4]), dim=-1)
            boxes.append(self.bbox_coder.decode(anchors, code, stride))
            objectness.append(raw[..., 4].sigmoid())
            scores.append(raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid())
        return EverySlot(torch.cat(boxes, dim=1), torch.cat(scores, dim=1), torch.cat(objectness, dim=1))

    def selection(self) -> Selection:
        """What ``predict_by_feat`` keeps."""
        least = max(0.0, self.test_cfg.get("conf_thr", -1))
        return selection_of(self.test_cfg, min_objectness=least, clipped=False)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        theirs = state_dict.get(f"{prefix}anchors_wh_px")
        if theirs is not None and len(theirs) != len(self.anchors_wh_px):
            raise ModelError(
                f"the checkpoint has {len(theirs)} anchors, the config has {len(self.anchors_wh_px)}",
                remedy="use the config that the checkpoint was trained with, or train anew",
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        generator = self.prior_generator
        generator.base_sizes = _by_level(self.anchors_wh_px.tolist(), generator.num_levels)
        generator.base_anchors = generator.gen_base_anchors()


def _by_level(anchors: Sequence[Sequence[float]], levels: int) -> list[list[tuple[float, ...]]]:
    """Anchors from small to large, split among the levels from coarse to fine.

    Examples:
        >>> _by_level([(1, 1), (2, 2), (3, 3), (4, 4)], 2)
        [[(3, 3), (4, 4)], [(1, 1), (2, 2)]]
    """
    each = len(anchors) // levels
    return [
        [tuple(anchor) for anchor in anchors[level * each : (level + 1) * each]]
        for level in reversed(range(levels))
    ]
