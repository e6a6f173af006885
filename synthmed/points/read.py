"""One door for every annotation file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from synthmed.errors import ProblemLog
from synthmed.points.coco import read_coco
from synthmed.points.csv_file import CsvColumns, read_csv
from synthmed.points.folder import Progress
from synthmed.points.pointset import PointSet
from synthmed.points.text_file import read_text


def read_points(
    path: str | os.PathLike[str],
    images_dir: str | os.PathLike[str],
    *,
    columns: CsvColumns | None = None,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> PointSet:
    """Read points from a CSV or COCO file; which one it is, its content says, not its suffix.

    Args:
        path: the file.
        images_dir: the folder that image names are relative to.
        columns: the headers of a CSV file.
        classes: the classes in order; objects of others are skipped. By default the names found, sorted.
        split: the split of every image where the file names none. By default `default_splits`.
        log: takes up what is skipped.
        progress: called as images are checked.

    Raises:
        PointsError: if the file cannot be used; see `read_csv` and `read_coco`.
    """
    if is_json(read_text(path)):
        return read_coco(path, images_dir, classes=classes, split=split, log=log, progress=progress)
    return read_csv(
        path, images_dir, columns=columns, classes=classes, split=split, log=log, progress=progress
    )


def is_json(text: str) -> bool:
    """Whether a text opens as a JSON object or list does.

    Examples:
        >>> is_json(' {"images": []}'), is_json("image,x,y,label")
        (True, False)
    """
    return text.lstrip()[:1] in ("{", "[")
