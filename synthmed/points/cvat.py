"""Points in XML files of CVAT, format "CVAT for images 1.1".

Coordinates are pixels with the origin at the outer corner of the first pixel, boxes by two corners of that
continuous plane (CVAT documentation, "XML annotation format"), which is our own convention. Points give one
point for each position; boxes, ellipses, polygons, polylines and masks the centre and the extents of the
box round them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from synthmed.errors import PointsError
from synthmed.points.marks import NAN, Mark, box_mark, no_objects, outline_mark
from synthmed.points.parsed import parse_xml
from synthmed.points.problems import Reason
from synthmed.points.values import number

_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def cvat_marks(text: str, path: object) -> list[Mark]:
    """The shapes of a CVAT file.

    Raises:
        PointsError: if the text is not XML, or holds tracks of a video.
    """
    root = parse_xml(text, path)
    if root.find("track") is not None:
        raise PointsError(
            "the file holds tracks of a video", file=path, remedy="export it as 'CVAT for images 1.1'"
        )
    images = root.findall("image")
    splits = [_SPLITS.get(image.get("subset", "").strip().lower(), "") for image in images]
    told = all(splits)
    return [
        mark
        for image, split in zip(images, splits, strict=True)
        for mark in _marks_of(image, image.get("name", "").strip(), split if told else "")
    ]


def _marks_of(image: Element, name: str, split: str) -> Iterator[Mark]:
    found = False
    for shape in image:
        if shape.tag == "tag":
            continue
        found = True
        more = {"label": " ".join(shape.get("label", "").split()), "image": name, "split": split}
        yield from _shape(shape, more)
    if not found:
        yield no_objects(name, split)


def _shape(shape: Element, more: dict[str, Any]) -> Iterator[Mark]:
    if shape.tag == "points":
        for x, y in _places(shape):
            yield Mark(x, y, **more)
    elif shape.tag == "box":
        yield box_mark(*(_value(shape, name) for name in ("xtl", "ytl", "xbr", "ybr")), **more)
    elif shape.tag == "ellipse":
        x, y, rx, ry = (_value(shape, name) for name in ("cx", "cy", "rx", "ry"))
        yield box_mark(x - rx, y - ry, x + rx, y + ry, **more)
    elif shape.tag == "mask":
        x, y, width, height = (_value(shape, name) for name in ("left", "top", "width", "height"))
        yield box_mark(x, y, x + width, y + height, **more)
    elif shape.tag in ("polygon", "polyline"):
        places = list(_places(shape))
        yield outline_mark([x for x, _ in places], [y for _, y in places], **more)
    else:
        yield Mark(NAN, NAN, reason=Reason.SHAPE, shown=shape.tag, **more)


def _places(shape: Element) -> Iterator[tuple[float, float]]:
    for pair in shape.get("points", "").split(";"):
        x, _, y = pair.partition(",")
        yield number(x), number(y)


def _value(shape: Element, name: str) -> float:
    return number(shape.get(name))
