"""The truth that rides along with data samples, back as a `PointSet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import ModelError
from synthmed.points import PointSet


# Not a NamedTuple: MMEngine's collection of results turns those into plain tuples.
@dataclass(frozen=True, eq=False)
class TruthRecord:
    """The truth of one image, small enough to be sent between processes.

    Attributes:
        name: the image.
        shape_px: its height and width.
        boxes_px: ``(N, 4)`` float, ``row0, column0, row1, column1``, in the original image.
        labels: ``(N,)`` int.
        ignored: ``(N,)`` bool.
    """

    name: str
    shape_px: tuple[int, int]
    boxes_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    ignored: NDArray[np.bool_]


def truth_record(sample: Mapping[str, Any]) -> TruthRecord:
    """The truth of one data sample, from its ``instances``.

    Raises:
        ModelError: the pipeline has not packed them.
    """
    if "instances" not in sample:
        raise ModelError(
            "the data samples carry no truth",
            remedy="list 'instances' in meta_keys of PackDetInputs, as the configs of synthmed do",
        )
    instances = sample["instances"]
    boxes = np.array([instance["bbox"] for instance in instances], dtype=np.float64).reshape(-1, 4)
    return TruthRecord(
        name=str(sample.get("img_path") or sample.get("img_id")),
        shape_px=tuple(sample["ori_shape"][:2]),
        boxes_px=boxes[:, [1, 0, 3, 2]],
        labels=np.array([instance["bbox_label"] for instance in instances], dtype=np.int64),
        ignored=np.array([instance.get("ignore_flag", 0) for instance in instances], dtype=bool),
    )


def point_set(records: Sequence[TruthRecord], classes: Sequence[str]) -> PointSet:
    """The truths of many images as one `PointSet`; ignored objects are its ``edge``.

    Args:
        records: one per image.
        classes: the class names.
    """
    boxes = np.concatenate([np.empty((0, 4)), *(record.boxes_px for record in records)])
    low, high = boxes[:, :2], boxes[:, 2:]
    counts = [len(record.labels) for record in records]
    return PointSet(
        classes=tuple(classes),
        images=tuple(record.name for record in records),
        image_shapes_px=np.array([record.shape_px for record in records], dtype=np.int64).reshape(-1, 2),
        splits=("val",) * len(records),
        groups=("",) * len(records),
        centers_px=(low + high) / 2,
        image_index=np.repeat(np.arange(len(records)), counts).astype(np.int64),
        labels=np.concatenate([np.empty(0, np.int64), *(record.labels for record in records)]),
        annotation_ids=np.arange(len(boxes)).astype(np.str_),
        edge=np.concatenate([np.empty(0, bool), *(record.ignored for record in records)]),
        sizes_px=high - low,
    )
