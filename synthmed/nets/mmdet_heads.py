"""MMDetection's own heads with their classes, and YOLOv3's anchors, taken from the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.models import RTMDetSepBNHead, YOLOV3Head, YOLOXHead
from mmdet.registry import MODELS
from torch import Tensor

from synthmed.errors import ModelError
from synthmed.nets.bank_settings import class_count, detector_settings

_LEVEL_ANCHORS = 3


class _Float32Answers:
    """Hands predictions on in float32: in bfloat16 a coordinate of 400 px is exact to 2 px only."""

    def forward(self, maps: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], ...]:
        """Raw predictions of each kind on each level."""
        kinds = super().forward(maps)  # type: ignore[misc]
        return tuple(tuple(level.float() for level in levels) for levels in kinds)


class _ClassesFromBank(_Float32Answers):
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


@MODELS.register_module()
class BankRTMDetHead(_ClassesFromBank, RTMDetSepBNHead):
    """``RTMDetSepBNHead`` with the classes from the bank: ``bank`` or ``num_classes``; else as it is."""


@MODELS.register_module()
class BankYOLOV3Head(_Float32Answers, YOLOV3Head):
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
