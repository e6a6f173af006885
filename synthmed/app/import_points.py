"""Points of an annotation file become samples of a dataset."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from synthmed.app.appearance import color_labels, show_fields
from synthmed.app.convert import to_detections, to_keypoints
from synthmed.app.dependencies import depend_on_data
from synthmed.app.names import GROUP, POINTS, RUN, SPLIT, TRUTH
from synthmed.app.runs import Run, recorded
from synthmed.app.skipped import skipped_rows
from synthmed.app.steps import Progress
from synthmed.errors import PointsError, ProblemLog
from synthmed.points.pointset import SPLITS, PointSet

BATCH = 256
"""Samples written at a time: few enough for a moving bar, many enough to be fast."""


def import_points(
    dataset: fo.Dataset,
    points: PointSet,
    images_dir: Path,
    *,
    truths: Sequence[PointSet] = (),
    field: str = POINTS,
    truth_field: str = TRUTH,
    key: str | None = None,
    params: Mapping[str, Any] | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> Run:
    """Add the images of a `PointSet` to a dataset, with their points as keypoints.

    Images that the dataset has already get the labels in fields that must not exist before; the others are
    added as samples. Boxes, where known, become detections of their own field: they are truth for
    evaluation, and no bank reads them. Split and slide stand in the fields ``split`` and ``source_group``;
    a dataset that has these fields keeps its own for the samples that it has.

    Args:
        dataset: the dataset.
        points: the points.
        images_dir: the folder that image names are relative to.
        truths: boxes of these images from other files; by default those that ``points`` has.
        field: the field of the points.
        truth_field: the field of the boxes.
        key: the name of the run.
        params: what to note in the run beside the counts.
        log: what was skipped when the points were read; the run's summary tells it.
        progress: called with samples done and samples in all.

    Returns:
        The run.

    Raises:
        DatasetError: a field or the key is taken.
    """
    images_dir = Path(os.path.abspath(images_dir))
    paths = [str(images_dir / name) for name in points.images]
    existing = dict(zip(*dataset.values(["filepath", "id"]), strict=True)) if len(dataset) else {}
    old = [i for i, path in enumerate(paths) if path in existing]
    new = [i for i, path in enumerate(paths) if path not in existing]
    labels: dict[str, list[Any]] = {field: _keypoints(points)}
    boxes = _detections(points, truths or [points])
    if boxes:
        labels[truth_field] = boxes
    texts: dict[str, list[Any]] = {SPLIT: list(points.splits)}
    if any(points.groups):
        texts[GROUP] = [group or None for group in points.groups]
    noted = {"images_dir": str(images_dir), "field": field, "truth_field": truth_field if boxes else None}
    with recorded(dataset, "import_points", key=key, params={**noted, **(params or {})}) as run:
        depend_on_data(run, [existing[paths[i]] for i in old])
        if old:
            run.create_fields(*labels, *(name for name in texts if not dataset.has_field(name)))
        else:
            run.share_fields(**dict(zip(labels, (fo.Keypoints, fo.Detections), strict=False)))
        # A run's own fields are written on all samples, shared ones on those that it adds.
        run.share_fields(**{name: fo.StringField for name in (*texts, RUN) if name not in run.own_fields})
        values = {**labels, **texts}
        for name in run.own_fields:
            by_id = {existing[paths[i]]: values[name][i] for i in old}
            dataset.set_values(name, by_id, key_field="id")
        _add_new(dataset, points, paths, new, values, run.key, progress)
        run.declare_attributes(*labels)
        for name in filter(run.made, labels):
            color_labels(dataset, name, points.classes, truth=True)
        # A dot hides a small object, and where there are boxes they say the same.
        show_fields(dataset, list(labels)[-1:], quiet=list(labels)[:-1])
        counts = points.counts().sum(axis=0).tolist()
        run.summary = {
            "images": len(points.images),
            "samples_added": len(new),
            "points": dict(zip(points.classes, counts, strict=True)),
            "boxes": sum(len(label.detections) for label in boxes if label is not None),
            **skipped_rows(log or ProblemLog()),
        }
    return run


def boxes_files(pattern: str) -> tuple[tuple[Path, str], ...]:
    """The files of boxes that a pattern names, each with its split.

    Args:
        pattern: a file, or a pattern with ``{split}``, of which the files that exist are taken; empty for
            none.

    Raises:
        PointsError: no file is there.

    Examples:
        >>> boxes_files("")
        ()
    """
    if not pattern:
        return ()
    if "{split}" not in pattern:
        return ((Path(pattern).expanduser(), "val"),)
    files = [(Path(pattern.replace("{split}", split)).expanduser(), split) for split in SPLITS]
    found = tuple((file, split) for file, split in files if file.is_file())
    if not found:
        raise PointsError("no file of boxes is there", file=pattern, remedy="check the path")
    return found


def _keypoints(points: PointSet) -> list[fo.Keypoints]:
    return [
        to_keypoints(
            points.centers_px[index],
            _names(points, index),
            _shape(points, image),
            attributes=_attributes(points, index),
        )
        for image, index in enumerate(points.by_image())
    ]


def _detections(points: PointSet, truths: Sequence[PointSet]) -> list[fo.Detections | None]:
    """The boxes of each image of ``points``, ``None`` where a truth lacks some; nothing where all do."""
    number = {name: image for image, name in enumerate(points.images)}
    labels: list[fo.Detections | None] = [None] * len(points.images)
    for truth in truths:
        boxes_px = truth.boxes_px()
        for image, index in enumerate(truth.by_image()):
            name = truth.images[image]
            if name in number and np.isfinite(boxes_px[index]).all() and np.isfinite(truth.sizes_px).any():
                labels[number[name]] = to_detections(
                    boxes_px[index],
                    _names(truth, index),
                    _shape(truth, image),
                    attributes=_attributes(truth, index),
                )
    return labels if any(label is not None for label in labels) else []


def _attributes(points: PointSet, index: NDArray[np.int64]) -> dict[str, list[Any]]:
    return {
        "annotation_id": points.annotation_ids[index].tolist(),
        "edge": points.edge[index].tolist(),
    }


def _add_new(
    dataset: fo.Dataset,
    points: PointSet,
    paths: list[str],
    rows: list[int],
    values: Mapping[str, list[Any]],
    key: str,
    progress: Progress | None,
) -> None:
    for start in range(0, len(rows), BATCH):
        batch = []
        for row in rows[start : start + BATCH]:
            height, width = _shape(points, row)
            fields = {name: column[row] for name, column in values.items()}
            metadata = fo.ImageMetadata(width=width, height=height)
            batch.append(fo.Sample(paths[row], metadata=metadata, **{RUN: key}, **fields))
        dataset.add_samples(batch, progress=False)
        if progress is not None:
            progress(start + len(batch), len(rows))


def _names(points: PointSet, index: NDArray[np.int64]) -> list[str]:
    return [points.classes[label] for label in points.labels[index]]


def _shape(points: PointSet, image: int) -> tuple[int, int]:
    height, width = points.image_shapes_px[image].tolist()
    return height, width
