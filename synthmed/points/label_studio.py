"""Points in JSON files of Label Studio, its full export and JSON-MIN.

Lengths are percent of the image's width and height from its outer corner (Label Studio documentation,
"Units of image annotations"). A rectangle turns about its top left corner, an ellipse about its centre. Of
several annotations of a task the one marked as ground truth is taken, else the last that was not cancelled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from synthmed.errors import PointsError
from synthmed.points.marks import NAN, Mark, box_mark, no_objects, outline_mark
from synthmed.points.parsed import parse_json
from synthmed.points.problems import Reason
from synthmed.points.values import number, text_of

_IMAGE = re.compile(r"\.(png|jpe?g|tiff?|bmp|webp|svs|ndpi|mrxs|scn)$", re.IGNORECASE)
_KINDS = ("keypoint", "rectangle", "ellipse", "polygon", "brush")


def is_label_studio(content: object) -> bool:
    """Whether a parsed JSON text is an export of Label Studio.

    Examples:
        >>> is_label_studio([{"data": {"image": "a.png"}, "annotations": []}]), is_label_studio([1])
        (True, False)
    """
    task = content[0] if isinstance(content, list) and content else content
    if not isinstance(task, dict):
        return False
    full = isinstance(task.get("data"), dict) and any(
        isinstance(task.get(key), list) for key in ("annotations", "completions", "predictions")
    )
    return full or (any(_is_region_list(value) for value in task.values()) and bool(_image_of(task)))


def label_studio_marks(text: str, path: object) -> list[Mark]:
    """The regions of an export.

    Raises:
        PointsError: if the text is no list of tasks.
    """
    content = parse_json(text, path)
    tasks = [content] if isinstance(content, dict) else content
    if not isinstance(tasks, list):
        raise PointsError(
            "the JSON is no list of tasks", file=path, remedy="export as JSON from Label Studio"
        )
    return [mark for task in tasks for mark in _marks_of(task)]


def _marks_of(task: Any) -> Iterator[Mark]:
    if not isinstance(task, dict):
        yield Mark(NAN, NAN, reason=Reason.NOT_AN_OBJECT)
        return
    data = task.get("data")
    image = _image_of(data if isinstance(data, dict) else task)
    regions = _regions(task)
    found = False
    for region in regions if isinstance(regions, list) else []:
        if isinstance(region, dict) and (
            isinstance(region.get("value"), dict) or "x" in region or "points" in region
        ):
            found = True
            yield _mark(region, image)
    if not found and regions is not None:
        yield no_objects(image)


def _regions(task: dict[str, Any]) -> object:
    """The regions that count; ``None`` where the task was not annotated."""
    listed = next(
        (task[key] for key in ("annotations", "completions") if isinstance(task.get(key), list)), None
    )
    if listed is None:
        return next((value for value in task.values() if _is_region_list(value)), None)
    done = [entry for entry in listed if isinstance(entry, dict) and not entry.get("was_cancelled")]
    chosen = [entry for entry in done if entry.get("ground_truth")] or done
    return chosen[-1].get("result") if chosen else None


def _is_region_list(value: object) -> bool:
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and "original_width" in first


def _image_of(data: dict[str, Any]) -> str:
    """The image that a task shows: the value that ends like an image, however it is served."""
    for value in data.values():
        if not isinstance(value, str) or len(value) > 4000:
            continue
        try:
            parts = urlsplit(value)
        except ValueError:
            continue
        local = parse_qs(parts.query).get("d", [""])[0]
        name = local or unquote(parts.path)
        if _IMAGE.search(name):
            return name
    return ""


def _mark(region: dict[str, Any], image: str) -> Mark:
    value = region.get("value")
    value = value if isinstance(value, dict) else region
    kind, label = _kind_and_label(region, value)
    more: dict[str, Any] = {"label": label, "image": image, "id": text_of(region.get("id")), "relative": True}
    if number(region.get("image_rotation", 0)) != 0:
        more["reason"] = Reason.TURNED
    x, y = _share(value, "x"), _share(value, "y")
    if kind == "keypoint":
        return Mark(x, y, shown=f"{text_of(value.get('x'))} %, {text_of(value.get('y'))} %", **more)
    if kind == "ellipse":
        rx, ry = _share(value, "radiusX"), _share(value, "radiusY")
        return box_mark(x - rx, y - ry, x + rx, y + ry, **more)
    if kind == "rectangle":
        return _rectangle(region, value, more)
    if kind == "polygon" and isinstance(value.get("points"), list):
        pairs = [pair for pair in value["points"] if isinstance(pair, list) and len(pair) == 2]
        xs, ys = ([number(pair[i]) / 100 for pair in pairs] for i in (0, 1))
        return outline_mark(xs, ys, **more)
    return Mark(NAN, NAN, shown=kind, **{**more, "reason": Reason.SHAPE})


def _rectangle(region: dict[str, Any], value: dict[str, Any], more: dict[str, Any]) -> Mark:
    """The box round a rectangle, which is turned in pixels, not in percent."""
    x, y, width, height = (_share(value, name) for name in ("x", "y", "width", "height"))
    angle = math.radians(number(value.get("rotation", 0)))
    if not angle > 0 and not angle < 0:
        return box_mark(x, y, x + width, y + height, **more)
    across, down = number(region.get("original_width")), number(region.get("original_height"))
    across, down = (across, down) if across > 0 and down > 0 else (1.0, 1.0)
    w, h, cos, sin = width * across, height * down, math.cos(angle), math.sin(angle)
    xs = [x + dx / across for dx in (0.0, w * cos, w * cos - h * sin, -h * sin)]
    ys = [y + dy / down for dy in (0.0, w * sin, w * sin + h * cos, h * cos)]
    return outline_mark(xs, ys, **more)


def _kind_and_label(region: dict[str, Any], value: dict[str, Any]) -> tuple[str, str]:
    named = text_of(region.get("type")).lower()
    for kind in _KINDS:
        names = value.get(f"{kind}labels")
        if isinstance(names, list) and names:
            return kind, " ".join(text_of(names[0]).split())
        if named.startswith(kind):
            return kind, ""
    return ("polygon" if "points" in value else "rectangle" if "height" in value else "keypoint"), ""


def _share(value: dict[str, Any], name: str) -> float:
    return number(value.get(name)) / 100
