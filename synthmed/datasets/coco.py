"""Scenes as COCO: what `pycocotools`, mmdet and FiftyOne read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np

from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.render import Scene


class ObjectRecord(TypedDict):
    """One object of a scene, in plain numbers; a box is ``row0, column0, row1, column1``."""

    label: int
    box_px: list[float]
    area_px: int
    visible_fraction: float
    patch: int


class SceneRecord(TypedDict):
    """One scene without its pixels."""

    index: int
    shape_px: list[int]
    objects: list[ObjectRecord]
    unplaced: list[int]


def scene_record(scene: Scene) -> SceneRecord:
    """What has to be kept of a scene beside its image."""
    areas = np.bincount(scene.instance_mask.ravel(), minlength=len(scene) + 1)[1:]
    objects: list[ObjectRecord] = [
        {
            "label": int(scene.labels[k]),
            "box_px": scene.boxes_px[k].tolist(),
            "area_px": int(areas[k]),
            "visible_fraction": round(float(scene.visible_fraction[k]), 4),
            "patch": int(scene.patch_index[k]),
        }
        for k in range(len(scene))
    ]
    return {
        "index": scene.plan.index,
        "shape_px": list(scene.image.shape[:2]),
        "objects": objects,
        "unplaced": scene.plan.unplaced.tolist(),
    }


def image_name(index: int) -> str:
    """The file name of a scene."""
    return f"{index:08d}.png"


def coco_document(records: Iterable[SceneRecord], bank: PatchBank) -> dict[str, Any]:
    """The COCO document of a series of scenes.

    Beside the standard fields an image has ``tags`` (its classes) and an annotation has ``visible_fraction``
    and its provenance: ``patch`` (row of the bank), ``source_image`` and ``source_annotation_id``.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for record in records:
        height, width = record["shape_px"]
        present = sorted({o["label"] for o in record["objects"]})
        images.append(
            {
                "id": record["index"] + 1,
                "file_name": image_name(record["index"]),
                "width": width,
                "height": height,
                "tags": [bank.classes[label] for label in present],
            }
        )
        for o in record["objects"]:
            row0, column0, row1, column1 = o["box_px"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": record["index"] + 1,
                    "category_id": o["label"] + 1,
                    "bbox": [column0, row0, column1 - column0, row1 - row0],
                    "area": o["area_px"],
                    "iscrowd": 0,
                    "visible_fraction": o["visible_fraction"],
                    "patch": o["patch"],
                    "source_image": str(bank.source_images[o["patch"]]),
                    "source_annotation_id": str(bank.annotation_ids[o["patch"]]),
                }
            )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": label + 1, "name": name} for label, name in enumerate(bank.classes)],
    }
