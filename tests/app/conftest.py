"""Datasets in a real MongoDB, with the phantom's images."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from synthmed.app.import_points import boxes_files, import_points
from synthmed.app.results import ClassifierOutput, DetectorOutput
from synthmed.metrics import Detections
from synthmed.points import PointSet, read_points

SETTINGS = ("color_scheme", "active_fields", "sidebar_groups")


def snapshot(dataset: fo.Dataset) -> dict[str, Any]:
    """Everything about a dataset that undoing a run has to bring back."""
    dataset.reload()
    samples = [sample.to_dict(include_private=True) for sample in dataset]
    for sample in samples:
        sample.pop("_last_modified_at", None)
        sample.pop("last_modified_at", None)
    config = dataset.app_config.to_dict()
    return {
        "schema": {name: str(field) for name, field in dataset.get_field_schema(flat=True).items()},
        "samples": samples,
        "runs": dataset.list_runs(),
        "evaluations": dataset.list_evaluations(),
        "app_config": {name: _said(config.get(name)) for name in SETTINGS},
    }


def _said(value: Any) -> Any:
    """A setting without the parts that say nothing."""
    if isinstance(value, dict):
        return {name: _said(part) for name, part in value.items() if part not in (None, [], {})}
    return value


@pytest.fixture
def dataset() -> Iterator[fo.Dataset]:
    """An empty dataset."""
    made = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
    yield made
    made.delete()


@pytest.fixture(scope="session")
def phantom_points(phantom_dir: Path) -> PointSet:
    """The points of the phantom, as its file has them."""
    return read_points(phantom_dir / "points.csv", phantom_dir / "images")


@pytest.fixture(scope="session")
def phantom_truths(phantom_dir: Path) -> list[PointSet]:
    """The boxes of the phantom, one set for each split."""
    files = boxes_files(str(phantom_dir / "boxes_{split}.json"))
    return [read_points(file, phantom_dir / "images", split=split) for file, split in files]


@pytest.fixture
def imported(
    dataset: fo.Dataset, phantom_dir: Path, phantom_points: PointSet, phantom_truths: list[PointSet]
) -> fo.Dataset:
    """A dataset with the phantom's images, points and boxes."""
    import_points(dataset, phantom_points, phantom_dir / "images", truths=phantom_truths)
    return dataset


def as_detector(truth: PointSet, *, score: float = 0.9) -> DetectorOutput:
    """A detector that finds exactly the boxes of the truth."""
    boxes_px = truth.boxes_px()
    own = [truth.image_index == index for index in range(len(truth.images))]
    return DetectorOutput(
        truth.classes,
        [(i, Detections(boxes_px[o], np.full(o.sum(), score), truth.labels[o])) for i, o in enumerate(own)],
    )


def as_classifier(truth: PointSet, *, height: float = 4.0) -> ClassifierOutput:
    """A classifier whose maps are a bump at every object, on a floor below zero."""

    def images() -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        for index, shape in enumerate(truth.image_shapes_px):
            own = truth.image_index == index
            rows, columns = np.indices(shape) + 0.5
            cams = np.full((len(truth.classes), *shape), -1.0, dtype=np.float32)
            for center, size, label in zip(
                truth.centers_px[own], truth.sizes_px[own], truth.labels[own], strict=True
            ):
                distance = np.hypot(rows - center[0], columns - center[1]) / max(size.mean() / 4, 1)
                cams[label] = np.maximum(cams[label], (height + 1) * np.exp(-(distance**2) / 2) - 1)
            yield index, 1 / (1 + np.exp(-cams.max(axis=(1, 2)))), cams

    return ClassifierOutput(truth.classes, images())
