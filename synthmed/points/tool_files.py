"""From files of annotation tools, one or a folder of them, to a `PointSet`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from synthmed.errors import ProblemLog
from synthmed.points.cell_counter import cell_counter_marks
from synthmed.points.csv_rows import Cells, points_of_cells
from synthmed.points.cvat import cvat_marks
from synthmed.points.folder import ImageFolder, Progress
from synthmed.points.image_names import ImageNames
from synthmed.points.imagej import imagej_marks
from synthmed.points.label_studio import label_studio_marks
from synthmed.points.marks import Mark
from synthmed.points.napari import napari_marks
from synthmed.points.parsed import check_count
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.problems import Reason
from synthmed.points.qupath import qupath_marks
from synthmed.points.values import shown
from synthmed.points.voc import voc_marks
from synthmed.points.words import Words
from synthmed.points.yolo import class_names, yolo_marks

DEFAULT_LABEL = "object"
_PARSERS = {
    "qupath": qupath_marks,
    "cell-counter": cell_counter_marks,
    "cvat": cvat_marks,
    "label-studio": label_studio_marks,
    "napari": napari_marks,
    "voc": voc_marks,
}
_IN_UNITS = ("imagej",)


def parse_marks(text: str, kind: str, path: Path, pixel_size: float | None = None) -> list[Mark]:
    """The objects of one file of a tool.

    Args:
        text: its content; may be blank for YOLO alone, as an image without objects is an empty file there.
        kind: one of `FORMATS` but csv and coco.
        path: the file, for messages and, for YOLO, the names of classes beside it.
        pixel_size: side of a pixel in the unit of the file, for ImageJ.

    Raises:
        PointsError: if the text is not of that format.
    """
    if kind == "yolo":
        check_count(text.count("\n"), path)
        return yolo_marks(text, class_names(path.parent))
    if kind == "imagej":
        return imagej_marks(text, path, pixel_size or 1.0)
    return _PARSERS[kind](text, path)


def points_of_marks(
    marks_of_file: dict[PurePosixPath, list[Mark]],
    images_dir: str | os.PathLike[str],
    *,
    file: str,
    image: str | None = None,
    label: str | None = None,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    log: ProblemLog,
    progress: Progress | None = None,
    keep_outside: bool = False,
) -> PointSet:
    """Find the image of each mark, turn lengths into pixels and check everything.

    Args:
        marks_of_file: what each file holds; the key is its path below the folder that was named.
        images_dir: the folder of the images.
        file: the file or folder, for messages.
        image: the image of marks whose file names none.
        label: the class of marks whose file names none.
        classes: the classes in order, or ``None`` for those found.
        split: the split of every image where the files tell none.
        log: takes up what is skipped, and what was chosen.
        progress: called as images are checked.
        keep_outside: whether points outside their image are kept.

    Raises:
        PointsError: if nothing usable is left, or by a strict log.
    """
    check_count(sum(map(len, marks_of_file.values())), file)
    folder, names = ImageFolder(images_dir), ImageNames(images_dir)
    marks: list[Mark] = []
    for relative, found in marks_of_file.items():
        own = [image] if image else names.of_file(relative)
        split_of_file = _split_of(relative)
        looked_up = {said: names.named(said) or [said] for said in {mark.image for mark in found} if said}
        for mark in found:
            meant = looked_up[mark.image] if mark.image else own
            marks.append(_with_image(mark, meant, relative, mark.split or split_of_file))
    marks = _with_labels(marks, label, file, log)
    if not all(mark.split for mark in marks):
        marks = [mark._replace(split="") for mark in marks]
    cells = _cells(marks, folder, file)
    return points_of_cells(
        cells, folder, classes=classes, split=split, log=log, progress=progress, keep_outside=keep_outside
    )


def _with_image(mark: Mark, meant: list[str], relative: PurePosixPath, split: str) -> Mark:
    reason = mark.reason
    if len(meant) > 1:
        reason = Reason.IMAGE_AMBIGUOUS
    elif not meant:
        reason = Reason.IMAGE_UNNAMED
    value = mark.shown if len(meant) == 1 else f"{relative}: {', '.join(meant[:3])}".rstrip(": ")
    name = meant[0] if meant else ""
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
        name = PurePosixPath(name.replace("\\", "/")).name
    return mark._replace(
        image="".join(c for c in name if ord(c) >= 32), reason=reason, shown=value, split=split
    )


def _split_of(relative: PurePosixPath) -> str:
    """The split that a folder of the file's path names, as datasets of YOLO are laid out."""
    words = ["val" if part.lower() == "valid" else part.lower() for part in relative.parts[:-1]]
    return next((word for word in words if word in SPLITS), "")


def _with_labels(marks: list[Mark], label: str | None, file: str, log: ProblemLog) -> list[Mark]:
    real = [mark for mark in marks if not mark.negative]
    if label is None and real and not any(mark.label for mark in real):
        label = DEFAULT_LABEL
        log.note(f"{file} names no classes; all its points are {label!r} (--label names another)")
    if label is None:
        return marks
    return [mark if mark.label or mark.negative else mark._replace(label=label) for mark in marks]


def _cells(marks: list[Mark], folder: ImageFolder, file: str) -> Cells:
    images = [mark.image for mark in marks]
    shape_of = {name: _shape(folder, name) for name in set(images)}
    scale = np.array(
        [shape_of[mark.image] if mark.relative else (1.0, 1.0) for mark in marks], dtype=np.float64
    ).reshape(-1, 2)
    centers = np.array([(mark.y, mark.x) for mark in marks], dtype=np.float64).reshape(-1, 2)
    sizes = np.array([(mark.height, mark.width) for mark in marks], dtype=np.float64).reshape(-1, 2)
    with np.errstate(all="ignore"):
        centers, sizes = centers * scale, sizes * scale
    return Cells(
        file,
        np.array([mark.row or 0 for mark in marks], dtype=np.int64),
        {
            "image": Words.of(images),
            "label": Words.of("" if mark.negative else mark.label for mark in marks),
            "split": Words.of(mark.split for mark in marks),
        },
        np.array([mark.negative for mark in marks], dtype=bool),
        np.zeros(len(marks), bool),
        centers,
        lambda row, name: marks[row].id if name == "id" else shown(_place(marks[row])),
        ids=[mark.id for mark in marks],
        sizes_px=np.where(np.isfinite(sizes), sizes, np.nan),
        reasons=[mark.reason for mark in marks],
    )


def _place(mark: Mark) -> str:
    return "" if mark.negative else mark.shown or f"{mark.x:.6g}, {mark.y:.6g}"


def _shape(folder: ImageFolder, name: str) -> tuple[float, float]:
    """Height and width of an image; ones where it cannot be used, which is reported elsewhere."""
    found = folder.look(name)
    return (float(found.shape_px[0]), float(found.shape_px[1])) if found.problem is None else (1.0, 1.0)
