"""`RealDataset`: real images with the expert's points or boxes as truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS

from synthmed._files import file_digest
from synthmed.bank import open_bank
from synthmed.errors import DatasetError
from synthmed.nets.metainfo import bank_metainfo, dataset_metainfo
from synthmed.nets.real_truth import read_truth
from synthmed.points import PointSet, resolve_inside


@DATASETS.register_module()
class RealDataset(BaseDetDataset):
    """Real images, to evaluate on or for the baseline trained on real boxes.

    Objects whose ``edge`` is set are ignore regions. Where an object has no box, its box is a square of the
    size of its class round its centre; ``metainfo["has_boxes"]`` says whether all boxes are real.

    Args:
        images: the image folder.
        points: CSV or COCO file of the points.
        boxes: COCO file of boxes on the same images, ``{split}`` in its name stands for the split; ``None``
            or ``""`` for none.
        split: which images.
        bank: folder of the bank, whose classes and class sizes are used.
        classes: the classes instead of ``bank``; then boxes must be given for every object.
        require_boxes: refuse objects without a box instead of drawing them a square.
        pipeline: MMDetection transforms; they find ``img_path`` and ``instances``.
        metainfo: entries that override the dataset's own.
        **kwargs: what `BaseDetDataset` takes besides.

    Raises:
        PointsError: a file of points or boxes cannot be used.
        BankError: there is no usable bank.
        DatasetError: the bank was cut from images or groups of the split, although it is of other splits.
        DatasetError: classes do not fit, the split is empty, there are neither boxes nor class sizes, or a
            box is missing that ``require_boxes`` asks for.
    """

    def __init__(
        self,
        images: str | Path,
        points: str | Path,
        *,
        boxes: str | Path | None = None,
        split: str = "val",
        bank: str | Path | None = None,
        classes: Sequence[str] | None = None,
        require_boxes: bool = False,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        metainfo: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        own = bank_metainfo(bank) if bank else dataset_metainfo(classes or (), None)
        truth = read_truth(images, points, split=split, boxes=boxes, classes=own["classes"] or None)
        if bank:
            _require_unseen(truth, split, bank, images)
        if not own["classes"]:
            own = dataset_metainfo(truth.classes, None)
        if require_boxes and not truth.has_sizes:
            raise DatasetError(
                "some objects have no box",
                file=boxes or points,
                remedy="set SYNTHMED_BOXES to the COCO boxes of these images",
            )
        own["has_boxes"] = truth.has_sizes
        self.truth = _with_class_sizes(truth, own["class_sizes_px"])
        self.images_folder = str(images)
        super().__init__(metainfo={**own, **(metainfo or {})}, pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """One entry per image; ``img_id`` is its place in ``truth.images``."""
        truth = self.truth
        boxes = truth.boxes_px()[:, [1, 0, 3, 2]]
        of_image = truth.by_image()
        return [
            {
                "img_path": str(resolve_inside(self.images_folder, name)),
                "img_id": index,
                "height": int(truth.image_shapes_px[index, 0]),
                "width": int(truth.image_shapes_px[index, 1]),
                "instances": [
                    {
                        "bbox": boxes[point].tolist(),
                        "bbox_label": int(truth.labels[point]),
                        "ignore_flag": int(truth.edge[point]),
                    }
                    for point in of_image[index]
                ],
            }
            for index, name in enumerate(truth.images)
        ]


def _require_unseen(truth: PointSet, split: str, folder: str | Path, images: str | Path) -> None:
    """Refuse images and groups of the bank, also where they go by another name."""
    bank = open_bank(folder)
    if split in bank.spec.splits:
        return
    own = "or evaluate on the bank's own images by name: split=" + repr(bank.spec.splits[0])
    names, digests = set(bank.images), set(bank.image_digests.tolist())
    shared = sorted(
        name for name in truth.images if name in names or file_digest(resolve_inside(images, name)) in digests
    )
    if shared:
        raise DatasetError(
            f"the bank was cut from {len(shared)} of the {len(truth.images)} images of the split {split!r}",
            file=folder,
            value=", ".join(shared[:3]),
            remedy=f"put these images in another split and build the bank again, {own}",
        )
    groups = sorted((set(truth.groups) & set(bank.groups.tolist())) - {"", *bank.spec.allow_groups})
    if groups:
        raise DatasetError(
            f"the bank was cut from {len(groups)} group(s) of the split {split!r}: slides or patients",
            file=folder,
            value=", ".join(groups[:3]),
            remedy="put each group into one split and build the bank again, or name it as allowed there "
            f"(--allow-group NAME), {own}",
        )


def _with_class_sizes(truth: PointSet, class_sizes_px: Sequence[float] | None) -> PointSet:
    if truth.has_sizes:
        return truth
    if class_sizes_px is None:
        raise DatasetError(
            "some objects have no box, and without a bank no class has a size",
            remedy="name the bank, or a COCO file with a box for every object",
        )
    return truth.with_sizes(np.asarray(class_sizes_px))
