"""Points that stand in a FiftyOne dataset, as a `PointSet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from synthmed.app.convert import boxes_to_px, centers_to_px
from synthmed.app.files import common_folder, look_at
from synthmed.app.names import GROUP, POINTS, SPLIT, SYNTHETIC_TAG, TRUTH
from synthmed.errors import PointsError, Problem, ProblemLog
from synthmed.points.assemble import CheckedPoints, assemble
from synthmed.points.folder import FoundImage, Progress
from synthmed.points.images import image_shape_px
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.problems import Reason, report
from synthmed.points.splits import noted_splits

_LISTS = {fo.Keypoints: "keypoints", fo.Detections: "detections"}
_SINGLE = {fo.Keypoint: fo.Keypoints, fo.Detection: fo.Detections}


@dataclass(frozen=True)
class DatasetPoints:
    """Points with the way back to their samples.

    Attributes:
        points: the points; image names are relative to `images_dir`.
        images_dir: the folder that all images lie in.
        sample_ids: ``(I,)`` the sample of each image.
        fields: the fields that were read.
    """

    points: PointSet
    images_dir: Path
    sample_ids: tuple[str, ...]
    fields: tuple[str, ...]


def point_fields(samples: fo.Dataset | fo.DatasetView) -> list[str]:
    """The fields that points can be read from, the likeliest first."""
    schema = samples.get_field_schema()
    kinds = {*_LISTS, *_SINGLE}
    found = [name for name, kind in schema.items() if getattr(kind, "document_type", None) in kinds]
    return sorted(found, key=lambda name: (name != POINTS, name != TRUTH))


def read_points(
    samples: fo.Dataset | fo.DatasetView,
    field: str | None = None,
    *,
    classes: Sequence[str] | None = None,
    check_images: bool = True,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> DatasetPoints:
    """Read the points of a field of keypoints or detections, whose centres they then are.

    A sample whose field is empty is a negative; one whose field is not set was not annotated, and is left
    out, as are synthetic samples. The split of an image stands in the field ``split`` or is the one sample
    tag that names a split; where no image has one, `noted_splits` shares them out. The slide or patient
    stands in the field ``source_group``.

    Args:
        samples: a dataset or a view.
        field: the field; by default the first of `point_fields`.
        classes: the classes in order; labels of others are skipped. By default the names found, sorted.
        check_images: whether each image is read to its end; otherwise only the size of it is looked up.
        log: takes up what is skipped.
        progress: called as images are checked.

    Raises:
        PointsError: there is no such field, or nothing usable in it.
    """
    log = ProblemLog() if log is None else log
    field, kind = _field(samples, field)
    annotated = samples.match_tags(SYNTHETIC_TAG, bool=False).exists(field)
    ids, paths, tags = annotated.values(["id", "filepath", "tags"])
    if not ids:
        raise PointsError(
            "no sample has points", value=field, remedy="choose another field, or import points first"
        )
    images_dir, names = common_folder(paths)
    found = _images(images_dir, names, annotated, check=check_images, progress=progress)
    groups = [group or "" for group in _values_or_none(annotated, GROUP)]
    splits = _splits(names, groups, _values_or_none(annotated, SPLIT), tags, paths, log)
    usable = _usable(found, splits, paths, log)
    rows = _label_rows(annotated, field, kind)
    columns = _check_rows(rows, found, usable, paths, log, classes)
    kept = np.flatnonzero(usable)
    checked = CheckedPoints(
        images=[found[i] for i in kept],
        splits=[splits[i] for i in kept],
        groups=[groups[i] for i in kept],
        image_index=np.searchsorted(kept, columns.pop("image")).astype(np.int64),
        **columns,
    )
    points = assemble(checked, classes, file=f"field {field}", log=log)
    return DatasetPoints(points, images_dir, tuple(ids[i] for i in kept), (field, SPLIT, GROUP))


def _field(samples: Any, field: str | None) -> tuple[str, type]:
    """The field to read, and the kind of labels in it."""
    known = point_fields(samples)
    if field is None and known:
        field = known[0]
    if field not in known:
        listed = ", ".join(known) or "none"
        raise PointsError(
            "the field holds no keypoints or detections",
            value=field,
            remedy=f"the fields that do are: {listed}",
        )
    return field, samples.get_field(field).document_type


def _images(
    images_dir: Path, names: list[str], samples: Any, *, check: bool, progress: Progress | None
) -> list[FoundImage]:
    if check:
        return look_at(images_dir, names, progress)
    widths, heights = samples.values(["metadata.width", "metadata.height"])
    found = []
    for name, width, height in zip(names, widths, heights, strict=True):
        try:
            shape = (height, width) if width and height else image_shape_px(images_dir / name)
            found.append(FoundImage(name, shape))
        except PointsError:
            missing = not (images_dir / name).is_file()
            found.append(
                FoundImage(name, (0, 0), Reason.IMAGE_MISSING if missing else Reason.IMAGE_UNREADABLE)
            )
    return found


def _values_or_none(samples: Any, field: str) -> list[Any]:
    has = samples.has_field(field)
    return list(samples.values(field)) if has else [None] * len(samples)


def _splits(
    names: list[str],
    groups: list[str],
    fields: list[str | None],
    tags: list[list[str]],
    paths: list[str],
    log: ProblemLog,
) -> list[str]:
    """The split of each image, ``""`` where it has none although others have."""
    splits = []
    for path, given, own in zip(paths, fields, tags, strict=True):
        choices = [given] if given else sorted(set(own) & set(SPLITS))
        splits.append(choices[0] if len(choices) == 1 and choices[0] in SPLITS else "")
        if len(choices) > 1 or (given and given not in SPLITS):
            _note(
                log,
                path,
                ", ".join(map(str, choices)),
                "the sample is in none of train, val and test, or in two",
            )
    if not any(splits):
        return list(noted_splits(names, groups, file="the dataset", log=log))
    for path, split in zip(paths, splits, strict=True):
        if not split:
            _note(log, path, "", "the sample has no split although others have")
    return splits


def _note(log: ProblemLog, path: str, value: str, reason: str) -> None:
    log.add(Problem(path, None, value, reason, f"set its field {SPLIT!r}, or tag it train, val or test"))


def _usable(
    found: list[FoundImage], splits: list[str], paths: list[str], log: ProblemLog
) -> NDArray[np.bool_]:
    for image, path in zip(found, paths, strict=True):
        if image.problem is not None:
            report(log, image.problem, file=path, row=None, value=image.name)
    return np.array(
        [image.problem is None and bool(split) for image, split in zip(found, splits, strict=True)],
        dtype=bool,
    )


def _label_rows(samples: Any, field: str, kind: type) -> list[list[tuple[Any, ...]]]:
    """``(label, id, edge, geometry)`` of each label of each sample; keypoints yield a row per point."""
    many = _SINGLE.get(kind, kind)
    root = f"{field}.{_LISTS[many]}" if kind is many else field
    geometry = "points" if many is fo.Keypoints else "bounding_box"
    names = ("label", "annotation_id", "id", "edge", geometry)
    columns = samples.values([f"{root}.{name}" for name in names])
    rows: list[list[tuple[Any, ...]]] = []
    for sample in zip(*columns, strict=True):
        lists = sample if kind is many else [[value] for value in sample]
        own = []
        for label, given_id, label_id, edge, shape in zip(*(value or [] for value in lists), strict=True):
            shapes = shape or [] if geometry == "points" else [shape]
            own += [(label, str(given_id or label_id), bool(edge), geometry, one) for one in shapes]
        rows.append(own)
    return rows


def _check_rows(
    rows: list[list[tuple[Any, ...]]],
    found: list[FoundImage],
    usable: NDArray[np.bool_],
    paths: list[str],
    log: ProblemLog,
    classes: Sequence[str] | None,
) -> dict[str, Any]:
    """Turn labels into columns, leaving out those that cannot be used."""
    labels, ids, edge, image, boxes = [], [], [], [], []
    for index in np.flatnonzero(usable).tolist():
        height, width = found[index].shape_px
        for label, label_id, at_edge, geometry, shape in rows[index]:
            if geometry == "points":
                center, size = centers_to_px([shape], (height, width))[0], np.full(2, np.nan)
            else:
                low_high = boxes_to_px([shape or [np.nan] * 4], (height, width))[0].reshape(2, 2)
                center, size = low_high.mean(axis=0), low_high[1] - low_high[0]
            reason = None
            if not label:
                reason = Reason.LABEL_EMPTY
            elif classes is not None and label not in classes:
                reason = Reason.LABEL_UNKNOWN
            elif not np.isfinite(center).all():
                reason = Reason.KEYPOINTS if geometry == "points" else Reason.BOX
            elif (center < 0).any() or center[0] >= height or center[1] >= width:
                reason = Reason.OUTSIDE
            if reason is not None:
                report(log, reason, file=paths[index], row=None, value=label or label_id)
                continue
            labels.append(label)
            ids.append(label_id)
            edge.append(at_edge)
            image.append(index)
            boxes.append((*center, *size))
    extents = np.array(boxes, dtype=float).reshape(-1, 4)
    return {
        "labels": labels,
        "ids": ids,
        "edge": np.array(edge, dtype=bool),
        "image": np.array(image, dtype=np.int64),
        "centers_px": extents[:, :2],
        "sizes_px": extents[:, 2:],
    }
