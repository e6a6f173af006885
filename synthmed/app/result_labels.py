"""Results about one image as FiftyOne's labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
import numpy as np

from synthmed.app.cams import ImageCams
from synthmed.app.convert import to_detections, to_keypoints
from synthmed.app.disagreement import disagreement, peaks_in_boxes
from synthmed.app.names import class_fields
from synthmed.metrics.predictions import Detections


@dataclass(frozen=True)
class ResultFields:
    """The fields that results stand in, with the classes that may occur in them.

    Attributes:
        box_classes: the detector's classes; empty without a detector.
        map_classes: the classifier's classes; empty without a classifier.
        predictions: boxes.
        maps: one field for each class of the classifier.
        peaks: the peaks of the maps.
        scores: the classifier's scores.
        disagreement: how far the two contradict each other.
    """

    box_classes: tuple[str, ...]
    map_classes: tuple[str, ...]
    predictions: str
    maps: Mapping[str, str] = field(default_factory=dict)
    peaks: str = ""
    scores: str = ""
    disagreement: str = ""

    @classmethod
    def of(
        cls, box_classes: tuple[str, ...], map_classes: tuple[str, ...], predictions: str, prefix: str
    ) -> ResultFields:
        """The names that follow from a field for boxes and a prefix for all that comes from maps."""
        single = [f"{prefix}_{name}" for name in ("peaks", "scores", "disagreement")]
        maps = class_fields(prefix, map_classes, taken=[*single, predictions])
        return cls(box_classes, map_classes, predictions, maps, *single)

    def names(self) -> list[str]:
        """All fields that are going to be written."""
        names = [self.predictions] if self.box_classes else []
        if self.map_classes:
            names += [*self.maps.values(), self.peaks, self.scores]
        if self.box_classes and self.map_classes:
            names.append(self.disagreement)
        return names


def box_labels(
    fields: ResultFields, boxes: Detections, cams: ImageCams | None, shape_px: tuple[int, int]
) -> dict[str, Any]:
    """The boxes of an image as detections, each with the highest heat in it where there are maps."""
    attributes = {}
    if cams is not None:
        attributes["heat"] = [None if np.isnan(heat) else float(heat) for heat in cams.box_heat]
    names = [fields.box_classes[label] for label in boxes.labels]
    scores = boxes.scores.tolist()
    return {
        fields.predictions: to_detections(
            boxes.boxes_px, names, shape_px, confidences=scores, attributes=attributes
        )
    }


def cam_labels(
    fields: ResultFields, cams: ImageCams, shape_px: tuple[int, int], attributes: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """The maps of an image as heatmaps, their peaks as keypoints and the scores as classifications."""
    names = [fields.map_classes[label] for label in cams.labels]
    heights = cams.heat.tolist()
    peaks = to_keypoints(cams.peaks_px, names, shape_px, confidences=heights, attributes=attributes)
    scores = [
        fo.Classification(label=name, confidence=float(score))
        for name, score in zip(fields.map_classes, cams.scores, strict=True)
    ]
    maps = {
        fields.maps[name]: fo.Heatmap(map_path=str(path), range=[0, 255])
        for name, path in zip(fields.map_classes, cams.paths, strict=True)
    }
    return {**maps, fields.peaks: peaks, fields.scores: fo.Classifications(classifications=scores)}


def compare(
    fields: ResultFields, boxes: Detections, cams: ImageCams, *, min_score: float, min_heat: float
) -> tuple[list[bool], float]:
    """Hold the boxes of an image against its maps.

    Args:
        fields: for the classes.
        boxes: the detector's boxes.
        cams: the classifier's maps.
        min_score: boxes from this score on count.
        min_heat: the heat from which on a place counts.

    Returns:
        Whether each peak lies in a box that counts, and the `disagreement` of the two.
    """
    counts, hot = boxes.scores >= min_score, cams.heat >= min_heat
    box_names = np.array(fields.box_classes, dtype=str)[boxes.labels]
    peak_names = np.array(fields.map_classes, dtype=str)[cams.labels]
    boxed = peaks_in_boxes(cams.peaks_px, peak_names, boxes.boxes_px[counts], box_names[counts])
    return boxed.tolist(), disagreement(cams.box_heat[counts], boxed[hot], min_heat)
