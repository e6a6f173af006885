"""The truth on real images: one split of the expert's points, with boxes where there are any."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from synthmed.errors import DatasetError, ProblemLog
from synthmed.points import PointSet, read_points

_log = logging.getLogger(__name__)


def read_truth(
    images: str | Path,
    points: str | Path | PointSet,
    *,
    split: str,
    boxes: str | Path | None = None,
    classes: Sequence[str] | None = None,
) -> PointSet:
    """One split of the points, its classes in a given order, with extents from a file of boxes.

    Args:
        images: the image folder.
        points: CSV or COCO file of the points; it says which image belongs to which split, and where it names
            none `default_splits` does. ``{split}`` in its name stands for the split, and a file that names
            none is then taken to be the split. Or the points themselves, where they have been read.
        split: the split.
        boxes: COCO file with boxes of the same images, which then are the truth; ``{split}`` as above.
            From a file with ``{split}`` in its name, images that ``points`` does not list are taken as well,
            since points often leave out images without any object; but not where it has images of other
            splits too. Any other file is restricted to the images that ``points`` says are of the split.
        classes: the classes in their order, by default those of ``points``.

    Returns:
        The points of the split; ``sizes_px`` is NaN where no box is known.

    Raises:
        PointsError: a file cannot be used.
        DatasetError: the split is empty, no object has a class that is among ``classes`` or one is spelled
            differently there, or ``boxes`` lacks an image of the split.
    """
    source = None
    if isinstance(points, PointSet):
        clicked = points
    else:
        source = str(points).replace("{split}", split)
        clicked = _read(source, images, split if "{split}" in str(points) else None)
    truth = clicked.of_split(split)
    if boxes:
        source = str(boxes).replace("{split}", split)
        boxed = _read(source, images, split)
        truth = _of_same_images(boxed, clicked, truth, source, may_add="{split}" in str(boxes))
    if not len(truth.images):
        found = ", ".join(sorted(set(clicked.splits)))
        raise DatasetError(
            f"no image is of the split {split!r}", file=source, value=found, remedy="name one of these splits"
        )
    return in_class_order(truth, clicked.classes if classes is None else classes, source)


def in_class_order(points: PointSet, classes: Sequence[str], file: object) -> PointSet:
    """The same points with their labels counted in another list of classes.

    Classes of ``classes`` without an object are fine.

    Objects of other classes are left out with a warning, as the model knows nothing of them.

    Raises:
        DatasetError: a class is spelled differently in the list, or no object is of a class in it.
    """
    order = {name: index for index, name in enumerate(classes)}
    table = np.array([order.get(name, -1) for name in points.classes], dtype=np.int64)
    known = table[points.labels] >= 0
    others = Counter(points.classes[label] for label in points.labels[~known])
    misspelled = {name for name in others if name.casefold() in {own.casefold() for own in classes}}
    if misspelled or (len(known) and not known.any()):
        names = ", ".join(map(repr, sorted(misspelled or others)))
        raise DatasetError(
            f"objects are labelled {names}, which is not a class of the bank",
            file=file,
            value=", ".join(classes),
            remedy="use the class names of the bank, or build the bank from these points",
        )
    if others:
        left_out = ", ".join(f"{name} ({count})" for name, count in sorted(others.items()))
        _log.warning("%s: left out are objects of classes that the bank lacks: %s", file, left_out)
    kept = points.select(known)
    return replace(kept, classes=tuple(classes), labels=table[kept.labels])


def _read(path: str | Path, images: str | Path, split: str | None) -> PointSet:
    log = ProblemLog()
    points = read_points(path, images, split=split, log=log)
    for note in log.notes:  # each names its file
        _log.warning("%s", note)
    if log.problems:
        _log.warning("%s: %s", path, log.summary())
    return points


def _of_same_images(
    boxes: PointSet, clicked: PointSet, truth: PointSet, file: object, *, may_add: bool
) -> PointSet:
    """The boxes on the images of the split, and with ``may_add`` on those that the points do not list."""
    known, of_split = set(clicked.images), set(truth.images)
    missing = sorted(of_split - set(boxes.images))
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(of_split)} images of the split have no entry in the file of boxes",
            file=file,
            value=missing[0],
            remedy="list every image, also those without objects, or leave the boxes out",
        )
    mixed = any(name in known and name not in of_split for name in boxes.images)
    keep = [name in of_split or (may_add and not mixed and name not in known) for name in boxes.images]
    return boxes.of_images(np.array(keep))
