"""Boxes and outlines in text files of YOLO, one file per image, by their centres.

A line is ``class x y width height`` or ``class x1 y1 x2 y2 ...``, all as shares of the image's width and
height from its outer corner (Ultralytics documentation, "Object detection datasets"). Names of classes
stand in ``classes.txt``, ``obj.names`` or ``data.yaml`` beside the files or up to two folders above.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthmed.errors import PointsError
from synthmed.points.marks import NAN, Mark, no_objects, outline_mark
from synthmed.points.parsed import parse_yaml
from synthmed.points.problems import Reason
from synthmed.points.text_file import read_text
from synthmed.points.values import number, text_of

_NAMES = ("classes.txt", "obj.names", "data.yaml", "dataset.yaml", "data.yml")


def is_yolo(text: str) -> bool:
    r"""Whether the first line is a class number and shares.

    Examples:
        >>> is_yolo("0 0.5 0.5 0.1 0.2\n"), is_yolo("0 12 14 3 3"), is_yolo("cell nucleus")
        (True, False, False)
    """
    cells = text.split("\n", 1)[0].split()
    if len(cells) < 5 or not cells[0].isascii() or not cells[0].isdigit():
        return False
    return all(-0.5 <= number(cell) <= 1.5 for cell in cells[1:])


def yolo_marks(text: str, names: dict[int, str]) -> list[Mark]:
    """The boxes of a YOLO file.

    Args:
        text: its lines.
        names: the class names by number; a class without one goes by its number.
    """
    marks = []
    for row, line in enumerate(text.splitlines(), 1):
        if cells := line.split():
            marks.append(_mark(cells, row, names))
    return marks or [no_objects()]


def _mark(cells: list[str], row: int, names: dict[int, str]) -> Mark:
    index = int(cells[0]) if cells[0].isascii() and cells[0].isdigit() and len(cells[0]) < 10 else -1
    values = [number(cell) for cell in cells[1:]]
    more: dict[str, Any] = {"label": names.get(index, cells[0][:80]), "row": row, "relative": True}
    if index < 0 or len(values) < 4:
        return Mark(NAN, NAN, reason=Reason.BOX, shown=" ".join(cells)[:80], **more)
    if len(values) in (4, 5):  # a fifth value is the score of a prediction
        x, y, width, height = values[:4]
        if not (width > 0 and height > 0):
            more["reason"] = Reason.BOX
        return Mark(x, y, width=width, height=height, shown=" ".join(cells), **more)
    return outline_mark(values[0::2][: len(values) // 2], values[1::2], **more)


def class_names(folder: Path) -> dict[int, str]:
    """The class names that stand beside label files or one folder above; empty where none do.

    Raises:
        PointsError: if the file that should name them cannot be read.
    """
    for place in (folder, *list(folder.absolute().parents)[:2]):
        for name in _NAMES:
            if (place / name).is_file():
                return _names_in(place / name)
    return {}


def _names_in(path: Path) -> dict[int, str]:
    text = read_text(path, max_bytes=2**20)
    if path.suffix not in (".yaml", ".yml"):
        return dict(enumerate(" ".join(line.split()) for line in text.strip().splitlines()))
    try:
        content = parse_yaml(text)
    except ValueError as error:
        raise PointsError(
            "the file is not valid YAML", file=path, value=str(error), remedy="mend it"
        ) from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        return {}
    return {key: text_of(name) for key, name in names.items() if isinstance(key, int) and text_of(name)}
