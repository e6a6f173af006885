"""Writing points in the formats of the tools, and saying what a format cannot hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from synthmed._files import folder_when_done, is_free, write_atomic
from synthmed.errors import PointsError
from synthmed.points.csv_file import write_csv
from synthmed.points.pointset import PointSet
from synthmed.points.write_files import FILE_TEXTS
from synthmed.points.write_whole import WHOLE_TEXTS

SUFFIXES = {
    "csv": ".csv",
    "coco": ".json",
    "label-studio": ".json",
    "cvat": ".xml",
    "qupath": ".geojson",
    "imagej": ".csv",
    "napari": ".csv",
    "cell-counter": ".xml",
    "voc": ".xml",
    "yolo": ".txt",
}
_NEED_BOXES = ("voc", "yolo")
_HOLDS = {
    "csv": {"splits", "groups", "edge marks", "ids"},
    "coco": {"splits", "groups", "edge marks", "ids", "extents"},
    "label-studio": {"ids", "extents"},
    "cvat": {"splits", "extents"},
    "qupath": {"ids", "extents"},
    "imagej": set[str](),
    "napari": set[str](),
    "cell-counter": set[str](),
    "voc": {"extents"},
    "yolo": {"extents"},
}


def write_points(points: PointSet, out: str | os.PathLike[str], kind: str) -> list[str]:
    """Write points in a format: one file, or for tools with a file per image a new folder.

    Args:
        points: two-dimensional points.
        out: the new file or folder; nothing may be there.
        kind: one of `FORMATS`.

    Returns:
        What the format cannot hold and was lost, one sentence each.

    Raises:
        PointsError: if something is at ``out``, the format needs extents that the points lack, two images
            would share a file, or nothing can be written there.
    """
    out = Path(out)
    if points.ndim != 2:
        raise PointsError("the formats hold points in two dimensions", value=points.ndim)
    if not is_free(out):
        raise PointsError("something is there already", file=out, remedy="name a new file or folder")
    if kind in _NEED_BOXES and not points.has_sizes:
        missing = int((~np.isfinite(points.sizes_px).all(axis=1)).sum())
        raise PointsError(
            f"{kind} holds boxes alone, and {missing} of {len(points)} points have no extents",
            file=out,
            remedy="give a size to each class by --size CLASS=PIXELS, or choose another format",
        )
    try:
        if kind == "csv":
            write_csv(points, out)
        elif kind in WHOLE_TEXTS:
            write_atomic(out, WHOLE_TEXTS[kind](points).encode())
        else:
            _write_folder(points, out, kind, FILE_TEXTS[kind])
    except OSError as error:
        raise PointsError(
            "the file cannot be written", file=out, value=error.strerror, remedy="name a writable place"
        ) from error
    return losses(points, kind)


def losses(points: PointSet, kind: str) -> list[str]:
    """What a format cannot hold of these points, one sentence each."""
    held = _HOLDS[kind]
    sized = int(np.isfinite(points.sizes_px).all(axis=1).sum())
    has = {
        "splits": 0 if "splits" in points.unsaid else len(points.images),
        "groups": sum(map(bool, points.groups)),
        "edge marks": int(points.edge.sum()),
        "extents": sized,
    }
    lost = [f"{kind} does not hold {name}: {n} are lost" for name, n in has.items() if n and name not in held]
    off = np.abs(points.centers_px - np.floor(points.centers_px) - 0.5)
    if kind == "cell-counter" and len(points) and off.max() > 0:
        lost.append(f"cell-counter holds whole pixels: positions move by up to {off.max():.2f} px")
    return lost


def _write_folder(points: PointSet, out: Path, kind: str, text_of: Callable[[PointSet, int], str]) -> None:
    names = _file_names(points, kind)
    with folder_when_done(out) as folder:
        for index, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_of(points, index), encoding="utf-8", newline="\n")
        if kind == "yolo":
            (folder / "classes.txt").write_text("".join(f"{name}\n" for name in points.classes), "utf-8")


def _file_names(points: PointSet, kind: str) -> list[str]:
    """The file of each image: its stem, or its whole name where two images share a stem."""
    stems = [PurePosixPath(name).with_suffix("").as_posix() for name in points.images]
    unique = len(set(stems)) == len(stems)
    if not unique and kind == "yolo":
        raise PointsError("two images would share a label file", remedy="give the images different stems")
    bases = stems if unique else list(points.images)
    return [base + SUFFIXES[kind] for base in bases]
