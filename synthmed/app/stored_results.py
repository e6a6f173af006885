"""What `write_results` stored on samples, read back as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from synthmed.app.cams import raw_file
from synthmed.app.convert import boxes_to_px
from synthmed.app.read_points import DatasetPoints
from synthmed.errors import DatasetError
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.raw_maps import read_raw

Floats = NDArray[np.float64]


def detection_classes(dataset: fo.Dataset, field: str) -> list[str]:
    """The classes that occur in a field of detections.

    Raises:
        DatasetError: the field does not exist, or holds no detections.
    """
    present = dataset.get_field_schema().get(field)
    if getattr(present, "document_type", None) is not fo.Detections:
        raise DatasetError(
            "the field holds no detections", value=field, remedy="apply a detector first, or name its field"
        )
    return sorted(name for name in dataset.distinct(f"{field}.detections.label") if name)


def read_predictions(dataset: fo.Dataset, field: str, found: DatasetPoints) -> tuple[Predictions, list[str]]:
    """The boxes that a field has on the images of some points.

    Args:
        dataset: the dataset.
        field: a field of detections with confidence; a box without one counts as certain.
        found: the points; boxes of classes that these do not have are left out.

    Returns:
        The predictions, and ``(N,)`` the id of the label of each.
    """
    root = f"{field}.detections"
    columns = _ordered(
        dataset, found, [f"{root}.{name}" for name in ("label", "bounding_box", "confidence", "id")]
    )
    number = {name: label for label, name in enumerate(found.points.classes)}
    image, boxes, scores, labels, ids = [], [], [], [], []
    for index, own in enumerate(zip(*columns, strict=True)):
        for name, box, score, label_id in zip(*(values or [] for values in own), strict=True):
            if name not in number:  # named anew by the user
                continue
            image.append(index)
            boxes.append(box)
            scores.append(1.0 if score is None else score)
            labels.append(number[name])
            ids.append(label_id)
    image_index = np.array(image, dtype=np.int64)
    predictions = Predictions(
        image_index,
        boxes_to_px(boxes, found.points.image_shapes_px[image_index]),
        np.array(scores, dtype=float),
        np.array(labels, dtype=np.int64),
    )
    return predictions, ids


def read_scores(dataset: fo.Dataset, field: str, found: DatasetPoints, classes: Sequence[str]) -> Floats:
    """``(I, C)`` the classifier's scores of the images; NaN for an image without."""
    root = f"{field}.classifications"
    names, confidences = _ordered(dataset, found, [f"{root}.label", f"{root}.confidence"])
    scores = np.full((len(found.sample_ids), len(classes)), np.nan)
    for index, (labels, values) in enumerate(zip(names, confidences, strict=True)):
        by_name = dict(zip(labels or [], values or [], strict=True))
        scores[index] = [by_name.get(name, np.nan) for name in classes]
    return scores


def iter_maps(
    dataset: fo.Dataset, fields: Mapping[str, str], found: DatasetPoints
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """``(index, maps (C, H, W))`` of each image that has maps, with the raw values of the classifier.

    Args:
        dataset: the dataset.
        fields: class name -> heatmap field, in the order of the classifier.
        found: the images.

    Raises:
        DatasetError: the file of the maps is gone or damaged, or does not fit its image.
    """
    (shown,) = _ordered(dataset, found, [f"{next(iter(fields.values()))}.map_path"])
    for index, path in enumerate(shown):
        if path:
            try:
                maps = read_raw(raw_file(Path(path)))
                expected = (len(fields), *found.points.image_shapes_px[index].tolist())
                if maps.shape != expected:
                    raise ValueError(f"their shape is {maps.shape} instead of {expected}")
            except (OSError, ValueError) as error:
                raise DatasetError(
                    f"the raw maps of an image cannot be read: {error}",
                    file=path,
                    remedy="delete the run and apply the models again",
                ) from error
            yield index, maps


def _ordered(dataset: fo.Dataset, found: DatasetPoints, paths: list[str]) -> list[list[Any]]:
    """Values of the samples, in the order of the points' images."""
    values: list[list[Any]] = dataset.select(found.sample_ids, ordered=True).values(paths)
    return values
