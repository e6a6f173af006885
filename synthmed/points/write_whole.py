"""Formats that hold all images in one file: COCO, Label Studio, CVAT."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from synthmed.points.pointset import PointSet

Object = tuple[int, float, float, float, float, str]
"""Class, x, y, width and height (NaN where unknown), id."""


def objects_of(points: PointSet) -> list[list[Object]]:
    """The objects of each image."""
    found: list[list[Object]] = [[] for _ in points.images]
    rows = zip(
        points.image_index.tolist(),
        points.labels.tolist(),
        points.centers_px.tolist(),
        points.sizes_px.tolist(),
        points.annotation_ids.tolist(),
        strict=True,
    )
    for image, label, (y, x), (height, width), annotation_id in rows:
        found[image].append((label, x, y, width, height, annotation_id))
    return found


def coco_text(points: PointSet) -> str:
    """COCO: a box where extents are known, else one visible keypoint."""
    images = [
        {
            "id": index,
            "file_name": name,
            "height": int(height),
            "width": int(width),
            **({} if "splits" in points.unsaid else {"split": split}),
            **({"group": group} if group else {}),
        }
        for index, (name, (height, width), split, group) in enumerate(
            zip(points.images, points.image_shapes_px, points.splits, points.groups, strict=True), 1
        )
    ]
    annotations = []
    edges = _per_image(points, points.edge)
    for image, objects in enumerate(objects_of(points)):
        for (label, x, y, width, height, annotation_id), edge in zip(objects, edges[image], strict=True):
            entry: dict[str, Any] = {
                "id": annotation_id,
                "image_id": image + 1,
                "category_id": label + 1,
                "iscrowd": 0,
            }
            if width == width:
                entry |= {"bbox": [x - width / 2, y - height / 2, width, height], "area": width * height}
            else:
                entry |= {"keypoints": [x, y, 2], "num_keypoints": 1}
            annotations.append(entry | ({} if "edge" in points.unsaid else {"edge": int(edge)}))
    categories = [{"id": index, "name": name} for index, name in enumerate(points.classes, 1)]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=1)


def label_studio_text(points: PointSet) -> str:
    """Label Studio: key points, or rectangles where extents are known, in percent."""
    tasks = []
    for index, objects in enumerate(objects_of(points)):
        height, width = (int(n) for n in points.image_shapes_px[index])
        result = [_region(points, entry, height, width) for entry in objects]
        tasks.append(
            {"id": index + 1, "data": {"image": points.images[index]}, "annotations": [{"result": result}]}
        )
    return json.dumps(tasks, indent=1)


def _region(points: PointSet, entry: Object, height: int, width: int) -> dict[str, Any]:
    label, x, y, w, h, annotation_id = entry
    kind = "rectangle" if w == w else "keypoint"
    value: dict[str, Any] = {"x": x / width * 100, "y": y / height * 100, "width": 0.5}
    if kind == "rectangle":
        value = {
            "x": (x - w / 2) / width * 100,
            "y": (y - h / 2) / height * 100,
            "width": w / width * 100,
            "height": h / height * 100,
            "rotation": 0,
        }
    return {
        "id": annotation_id,
        "type": f"{kind}labels",
        "from_name": "label",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": value | {f"{kind}labels": [points.classes[label]]},
    }


def cvat_text(points: PointSet) -> str:
    """CVAT for images 1.1: points, or boxes where extents are known."""
    return "\n".join(_cvat_lines(points)) + "\n"


def _cvat_lines(points: PointSet) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield "  <version>1.1</version>"
    for index, objects in enumerate(objects_of(points)):
        height, width = points.image_shapes_px[index]
        name = quoteattr(points.images[index])
        split = "" if "splits" in points.unsaid else f" subset={quoteattr(points.splits[index])}"
        yield f'  <image id="{index}" name={name}{split} width="{width}" height="{height}">'
        for label, x, y, w, h, _ in objects:
            word = quoteattr(points.classes[label])
            if w == w:
                corners = f'xtl="{x - w / 2}" ytl="{y - h / 2}" xbr="{x + w / 2}" ybr="{y + h / 2}"'
                yield f'    <box label={word} occluded="0" {corners} z_order="0"></box>'
            else:
                yield f'    <points label={word} occluded="0" points="{x},{y}" z_order="0"></points>'
        yield "  </image>"
    yield "</annotations>"


def _per_image(points: PointSet, values: np.ndarray) -> list[list[Any]]:
    found: list[list[Any]] = [[] for _ in points.images]
    for image, value in zip(points.image_index.tolist(), values.tolist(), strict=True):
        found[image].append(value)
    return found


WHOLE_TEXTS: dict[str, Callable[[PointSet], str]] = {
    "coco": coco_text,
    "label-studio": label_studio_text,
    "cvat": cvat_text,
}
