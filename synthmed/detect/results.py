"""Detections as files: COCO with scores, or the results of a COCO truth; and centres as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.errors import ModelError, PointsError
from synthmed.points.parsed import parse_json
from synthmed.points.text_file import read_text


@dataclass(frozen=True)
class Truth:
    """The numbers that a COCO file gives to images and categories.

    Attributes:
        image_ids: by file name.
        category_ids: by name.
    """

    image_ids: Mapping[str, Any]
    category_ids: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, classes: Sequence[str]) -> Truth:
        """Read them from a COCO file.

        Raises:
            PointsError: it cannot be read, or is not COCO.
            ModelError: it lacks a class of the model.
        """
        coco = parse_json(read_text(path), path)
        try:
            truth = cls(
                {image["file_name"]: image["id"] for image in coco["images"]},
                {str(category["name"]): category["id"] for category in coco["categories"]},
            )
        except (KeyError, TypeError) as error:
            raise PointsError(
                f"the truth is no COCO file: {type(error).__name__}: {error}",
                file=path,
                remedy="name a JSON file with images and categories",
            ) from error
        missing = [name for name in classes if name not in truth.category_ids]
        if missing:
            raise ModelError(
                f"the truth lacks a class of the model; it has {', '.join(truth.category_ids)}",
                file=path,
                value=", ".join(missing),
                remedy="use a model of these classes, or give the categories of the truth the model's names",
            )
        return truth


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image, in plain values that are the same after being written and read.

    Attributes:
        name: of the image.
        shape_px: height and width.
        boxes: ``x, y, width, height`` in hundredths of a pixel and no finer.
        scores: in billionths.
        labels: numbers of classes.
    """

    name: str
    shape_px: tuple[int, int]
    boxes: list[list[float]]
    scores: list[float]
    labels: list[int]


def coco_dataset(results: Sequence[ImageResult], classes: Sequence[str], info: Mapping[str, Any]) -> bytes:
    """A COCO dataset whose annotations have scores: ``pycocotools.coco.COCO`` and `read_points` read it."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, result in enumerate(results, start=1):
        height, width = result.shape_px
        images.append({"id": number, "file_name": result.name, "width": width, "height": height})
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": box,
                    "area": round(box[2] * box[3], 2),
                    "iscrowd": 0,
                    "score": score,
                }
            )
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(classes)]
    return _json({"info": info, "images": images, "categories": categories, "annotations": annotations})


def coco_results(results: Sequence[ImageResult], classes: Sequence[str], truth: Truth) -> bytes:
    """A list of results with the numbers of a truth, as ``COCO(truth).loadRes(file)`` takes it."""
    entries = [
        {
            "image_id": truth.image_ids[result.name],
            "category_id": truth.category_ids[classes[label]],
            "bbox": box,
            "score": score,
        }
        for result in results
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True)
    ]
    return _json(entries)


def centers_csv(results: Sequence[ImageResult], classes: Sequence[str]) -> bytes:
    """One row per object, ``image,x,y,label,score,width,height``: `read_points` reads it."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["image", "x", "y", "label", "score", "width", "height"])
    for result in results:
        for (x, y, width, height), score, label in zip(
            result.boxes, result.scores, result.labels, strict=True
        ):
            center = round(x + width / 2, 2), round(y + height / 2, 2)
            rows.writerow([result.name, *center, classes[label], score, width, height])
    return text.getvalue().encode()


def counts_csv(results: Sequence[ImageResult], classes: Sequence[str]) -> bytes:
    r"""One row per image with the number of objects of each class, ``image,CLASS,CLASS,...``.

    Examples:
        >>> counts_csv([ImageResult("a.png", (9, 9), [], [], [])], ["RBC", "WBC"])
        b'image,RBC,WBC\na.png,0,0\n'
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["image", *classes])
    for result in results:
        rows.writerow([result.name, *(result.labels.count(label) for label in range(len(classes)))])
    return text.getvalue().encode()


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()
