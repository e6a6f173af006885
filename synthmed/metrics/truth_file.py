"""What predictions are judged against, with the ids that files of predictions name images and classes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.points import PointSet
from synthmed.points.coco import parse_coco
from synthmed.points.text_file import read_text
from synthmed.points.values import text_of

Read = Callable[[Sequence[str] | None], PointSet]


@dataclass(frozen=True, eq=False)
class TruthFile:
    """The objects of a file, and how others refer to its images and classes.

    Attributes:
        path: the file.
        points: the objects of the images that are judged.
        by_id: the number in ``points`` of each image of a COCO file, by its id; -1 for one not judged.
        by_name: the same by path, file name and stem, as far as these mean one image alone.
        category_names: class name by category id; empty unless the file is COCO.
    """

    path: Path
    points: PointSet
    by_id: dict[str, int]
    by_name: dict[str, int]
    category_names: dict[str, str]


def read_truth_file(
    path: Path, read: Read, *, classes: Sequence[str] | None = None, split: str | None = None
) -> TruthFile:
    """Read objects in any format that `synthmed.points.read_points` knows.

    Args:
        path: the file.
        read: reads it, with these classes where they are named.
        classes: the classes in order; by default all categories of a COCO file, or the names found.
        split: only images of this split are judged; by default all.

    Raises:
        SynthmedError: the file cannot be used, or has no image of the split.
    """
    images, categories = _coco_entries(path)
    if classes is None and categories:
        classes = tuple(dict.fromkeys(name for name in categories.values() if name))
    points = read(classes)
    judged = np.array([split in (None, own) for own in points.splits], dtype=bool)
    if not judged.any():
        raise SynthmedError(
            "no image is of the split",
            file=path,
            value=split,
            remedy=f"the file has {', '.join(sorted(set(points.splits)))}",
        )
    numbers = np.where(judged, np.cumsum(judged) - 1, -1).tolist()
    place = dict(zip(points.images, numbers, strict=True))
    by_id = {key: place.get(name, -1) for key, name in images.items()}
    return TruthFile(path, points.of_images(judged), by_id, _names(place), categories)


def _coco_entries(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Image name by id and class name by category id; empty where the file is not COCO."""
    if not path.is_file() or not read_text(path).lstrip().startswith("{"):
        return {}, {}
    try:
        content = parse_coco(read_text(path), path)
    except SynthmedError:  # another JSON, which the reader tells apart
        return {}, {}
    entries = {key: [e for e in content[key] if isinstance(e, dict)] for key in ("images", "categories")}
    return (
        {text_of(e.get("id")): _posix(text_of(e.get("file_name")).strip()) for e in entries["images"]},
        {text_of(e.get("id")): " ".join(text_of(e.get("name")).split()) for e in entries["categories"]},
    )


def _posix(name: str) -> str:
    return PurePosixPath(name).as_posix() if name else name


def _names(place: dict[str, int]) -> dict[str, int]:
    """The images by path, file name and stem, as far as these mean one image alone."""
    found: dict[str, int | None] = {}
    for name, number in place.items():
        path = PurePosixPath(name)
        for word in {path.name, path.stem, path.with_suffix("").as_posix()} - {name}:
            found[word] = None if word in found else number
    return {word: number for word, number in found.items() if number is not None} | place


def overlap(tuning: PointSet, judged: PointSet) -> list[str]:
    """The images that two point sets share: of one file name and shape, with the very same objects.

    Images without objects are not compared, as two of one name may well be two.

    Args:
        tuning: what thresholds are tuned on.
        judged: what is reported.
    """
    known = set(_contents(judged).values())
    return sorted(name for name, content in _contents(tuning).items() if content in known)


def _contents(points: PointSet) -> dict[str, tuple[object, ...]]:
    """By image what tells it from others, whatever folder it is in."""

    def key(index: int, objects: NDArray[np.int64]) -> tuple[object, ...]:
        names = [points.classes[label] for label in points.labels[objects]]
        rows = zip(points.centers_px[objects].round(1).tolist(), names, strict=True)
        objects_there = tuple(sorted((*row, name) for row, name in rows))
        file_name = PurePosixPath(points.images[index]).name
        return file_name, tuple(points.image_shapes_px[index].tolist()), objects_there

    return {
        points.images[index]: key(index, objects)
        for index, objects in enumerate(points.by_image())
        if len(objects)
    }
