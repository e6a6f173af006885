"""One door for every annotation file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.assemble import check_arguments
from synthmed.points.coco import read_coco
from synthmed.points.csv_file import CsvColumns, read_csv
from synthmed.points.folder import Progress
from synthmed.points.image_names import IMAGE_SUFFIXES
from synthmed.points.marks import Mark
from synthmed.points.pointset import PointSet
from synthmed.points.sniff import check_format, sniff
from synthmed.points.text_file import open_text, read_bytes, read_text
from synthmed.points.tool_files import parse_marks, points_of_marks

_log = logging.getLogger(__name__)
_OPENING = 2**16
_NOT_POINTS = frozenset(
    {"classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml", "obj.data", "notes.json"}
)


def read_points(
    path: str | os.PathLike[str],
    images_dir: str | os.PathLike[str] | None,
    *,
    format: str | None = None,
    columns: CsvColumns | None = None,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    image: str | None = None,
    label: str | None = None,
    pixel_size: float | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
    keep_outside: bool = False,
    keep_crowds: bool = False,
) -> PointSet:
    """Read points from a file of any known format, or from a folder of them with one format.

    Args:
        path: the file or folder.
        images_dir: the folder that image names are relative to; a COCO file that gives the size of each image
            does without.
        format: one of `FORMATS`; by default the content of the file tells, not its suffix.
        columns: the headers of a CSV file.
        classes: the classes in order; objects of others are skipped. By default the names found, sorted.
        split: the split of every image where the file names none. By default `default_splits`.
        image: the image of files that name none; by default that with the same stem, or the only one.
        label: the class of points whose file names none; by default ``object`` where no point has one.
        pixel_size: side of a pixel in the unit of the coordinates, for calibrated tables of ImageJ.
        log: takes up what is skipped; without it, a warning of ``logging`` tells how many rows were, and why.
        progress: called as images are checked.
        keep_outside: whether points outside their image are kept, as `check_points` needs them.
        keep_crowds: whether the crowd regions of a COCO file are kept, as objects with ``edge``.

    Raises:
        PointsError: if the file cannot be used.
    """
    check_arguments(classes, split)
    check_format(format)
    if pixel_size is not None and not 0 < pixel_size < float("inf"):
        raise PointsError(
            "the pixel size is not a positive number", value=pixel_size, remedy="give micrometres"
        )
    with _told(log, path) as log:
        place = Path(path)
        if _is_folder(place):
            marks = _folder_marks(place, format, pixel_size, log)
        else:
            kind = format or _kind_by_opening(place)
            text = "" if kind == "csv" else _text(place, kind)
            kind = kind or sniff(text, path)
            if kind == "csv":
                return read_csv(
                    path,
                    _required(images_dir, path),
                    columns=columns,
                    classes=classes,
                    split=split,
                    log=log,
                    progress=progress,
                    keep_outside=keep_outside,
                )
            if kind == "coco":
                return read_coco(
                    path,
                    images_dir,
                    classes=classes,
                    split=split,
                    log=log,
                    progress=progress,
                    keep_outside=keep_outside,
                    keep_crowds=keep_crowds,
                )
            marks = {PurePosixPath(place.name): parse_marks(text, kind, place, pixel_size)}
        return points_of_marks(
            marks,
            _required(images_dir, path),
            file=str(path),
            image=image,
            label=label,
            classes=classes,
            split=split,
            log=log,
            progress=progress,
            keep_outside=keep_outside,
        )


@contextmanager
def _told(log: ProblemLog | None, path: object) -> Iterator[ProblemLog]:
    """The log, or one of our own, of which a warning is given."""
    own = ProblemLog() if log is None else log
    yield own
    if log is None and own.problems:
        _log.warning("%s: %s", path, own.summary())


def _required(images_dir: str | os.PathLike[str] | None, path: object) -> str | os.PathLike[str]:
    if images_dir is None:
        raise PointsError(
            "only a COCO file says how large its images are",
            file=path,
            remedy="name their folder by --images",
        )
    return images_dir


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a NUL in the name
        return False


def _kind_by_opening(path: Path) -> str | None:
    """The format of a table, which its first lines tell; ``None`` for JSON and XML."""
    with open_text(path) as file:
        opening = file.read(_OPENING)
    return None if opening.lstrip()[:1] in ("{", "[", "<", "") else sniff(opening, path)


def _text(path: Path, kind: str | None) -> str:
    """The text of a file; an empty one is an image without objects where YOLO was asked for."""
    if kind == "yolo" and not read_bytes(path).strip():
        return ""
    return read_text(path)


def _folder_marks(
    folder: Path, kind: str | None, pixel_size: float | None, log: ProblemLog
) -> dict[PurePosixPath, list[Mark]]:
    """What each annotation file of a folder holds, read as the one format that all of them have."""
    files = [path for path in sorted(folder.rglob("*")) if _may_hold_points(path.relative_to(folder), path)]
    texts: dict[Path, str] = {}
    empty = []
    for path in files:
        if read_bytes(path).strip():
            texts[path] = read_text(path)
        else:
            empty.append(path)
    kinds = {path: kind or sniff(text, path) for path, text in texts.items()}
    found = sorted(set(kinds.values()))
    if len(found) != 1 or found[0] in ("csv", "coco"):
        raise PointsError(
            "the folder does not hold annotation files of one tool, one per image",
            file=folder,
            value=", ".join(found) or "no annotation file",
            remedy="name one file, or the format by --format, or move other files elsewhere",
        )
    if found == ["yolo"]:
        texts |= dict.fromkeys(empty, "")
    elif empty:
        log.note(f"{folder}: {len(empty)} empty files were left out")
    return {
        PurePosixPath(path.relative_to(folder).as_posix()): parse_marks(
            texts[path], found[0], path, pixel_size
        )
        for path in sorted(texts)
    }


def _may_hold_points(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    known = path.name.lower() in _NOT_POINTS or path.suffix.lower() in {*IMAGE_SUFFIXES, ".md", ".pdf"}
    return not hidden and not known and path.is_file()
