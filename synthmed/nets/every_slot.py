"""What a head says of every slot, before anything is left out: the one thing that export asks of heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from synthmed.detect.nms import Selection
from synthmed.errors import ModelError


class EverySlot(NamedTuple):
    """Boxes of all levels, cells and anchors.

    Attributes:
        boxes: ``(B, N, 4)`` float, ``x0, y0, x1, y1`` in pixels of the network's input, not clipped.
        scores: ``(B, N, C)`` float, those that detections are told with.
        objectness: ``(B, N)`` float, the part of the scores that candidates are not sought by, if there is
            one; see `synthmed.detect.nms.select_boxes`.
    """

    boxes: Tensor
    scores: Tensor
    objectness: Tensor | None = None


@runtime_checkable
class ExportableHead(Protocol):
    """A head that can be exported."""

    @property
    def level_strides(self) -> tuple[int, ...]:
        """Pixels per cell of each level, in the order of the slots."""

    def every_slot(self, *maps: Any) -> EverySlot:
        """Decode what ``forward`` returned, in operations on tensors alone, so that it can be traced."""

    def selection(self) -> Selection:
        """What ``predict`` keeps of the slots; all but the least score."""


def slots_of(levels: Sequence[Tensor], values: int) -> list[Tensor]:
    """Turn a ``(B, A * values, rows, columns)`` map of each level to ``(B, rows * columns * A, values)``."""
    return [level.permute(0, 2, 3, 1).unflatten(-1, (-1, values)).flatten(1, 3) for level in levels]


def selection_of(limits: Mapping[str, Any], **others: Any) -> Selection:
    """What MMDetection keeps.

    Args:
        limits: the ``test_cfg`` of a head.
        **others: fields of `Selection` that do not follow from it.

    Raises:
        ModelError: it asks for another than plain non-maximum suppression.
    """
    nms = dict(limits["nms"])
    if nms.pop("type", "nms") != "nms" or set(nms) - {"iou_threshold", "split_thr"}:
        raise ModelError(
            "only plain non-maximum suppression, class by class, can be exported",
            value=dict(limits["nms"]),
            remedy="use dict(type='nms', iou_threshold=...)",
        )
    candidates, min_side_px = limits.get("nms_pre", -1), limits.get("min_bbox_size", -1)
    known = {
        "max_iou": nms["iou_threshold"],
        "candidates": candidates if candidates > 0 else None,
        "max_boxes": limits.get("max_per_img"),
        "min_side_px": min_side_px if min_side_px >= 0 else None,
    }
    return Selection(**known | others)
