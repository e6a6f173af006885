"""What a tool's file says, one `Mark` per object; the same for every tool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from synthmed.points.problems import Reason

NAN = math.nan


class Mark(NamedTuple):
    """One object as a tool's file tells it, already in our convention of coordinates.

    Attributes:
        x: to the right, pixels from the outer corner of the first pixel; a share of the width where
            ``relative``.
        y: down, likewise.
        label: the class, ``""`` where the file names none.
        image: the image as the file names it, ``""`` where it names none.
        id: the tool's id of the object.
        width: of its box, likewise; NaN where the object is a point.
        height: of its box.
        split: ``train``, ``val`` or ``test`` where the file tells.
        row: the line in the file, where lines mean something.
        relative: whether the lengths are shares of the image's width and height.
        reason: why the object cannot be used, where that is known already.
        negative: whether this only lists an image without objects.
        shown: the value to show in a message.
    """

    x: float
    y: float
    label: str = ""
    image: str = ""
    id: str = ""
    width: float = NAN
    height: float = NAN
    split: str = ""
    row: int | None = None
    relative: bool = False
    reason: Reason | None = None
    negative: bool = False
    shown: str = ""


def no_objects(image: str = "", split: str = "") -> Mark:
    """A mark that lists an image without objects."""
    return Mark(NAN, NAN, image=image, split=split, negative=True)


def box_mark(x0: float, y0: float, x1: float, y1: float, **more: object) -> Mark:
    """The mark of a box by two opposite corners; without an area it cannot be used.

    Examples:
        >>> mark = box_mark(10, 20, 18, 24, label="RBC")
        >>> mark.x, mark.y, mark.width, mark.height
        (14.0, 22.0, 8, 4)
        >>> box_mark(1, 1, 1, 5).reason.name
        'BOX'
    """
    width, height = abs(x1 - x0), abs(y1 - y0)
    good = width > 0 and height > 0
    mark = Mark((x0 + x1) / 2, (y0 + y1) / 2, width=width, height=height, **more)  # type: ignore[arg-type]
    return mark if good or mark.reason else mark._replace(reason=Reason.BOX, shown=f"{x0}, {y0}, {x1}, {y1}")


def outline_mark(xs: Sequence[float], ys: Sequence[float], **more: object) -> Mark:
    """The mark of an outline: the centre and the extents of the box round it."""
    if not xs or any(value != value for value in (*xs, *ys)):
        return Mark(NAN, NAN, reason=Reason.BOX, **more)  # type: ignore[arg-type]
    return box_mark(min(xs), min(ys), max(xs), max(ys), **more)
