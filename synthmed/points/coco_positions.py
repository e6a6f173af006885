"""Where the objects of one COCO annotation are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from synthmed.points.values import number

Position = tuple[float, float, float, float]
"""Row and column of the centre, height and width; the last two are NaN where unknown."""


def has_keypoints(entry: dict[str, Any]) -> bool:
    """Whether an annotation lists keypoints, usable or not."""
    return isinstance(entry.get("keypoints"), list) and bool(entry["keypoints"])


def positions(entry: dict[str, Any]) -> Iterator[Position]:
    """The visible keypoints of an annotation, else the centre of its box; nothing where both are bad."""
    found = False
    if has_keypoints(entry):
        values = [number(value) for value in entry["keypoints"]]
        for x, y, visibility in zip(values[0::3], values[1::3], values[2::3], strict=False):
            if visibility > 0 and x == x and y == y:
                found = True
                yield y, x, np.nan, np.nan
    box = entry.get("bbox")
    if found or not isinstance(box, list) or len(box) != 4:
        return
    x, y, width, height = (number(value) for value in box)
    if width > 0 and height > 0 and x == x and y == y:
        yield y + height / 2, x + width / 2, height, width
