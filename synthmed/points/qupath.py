"""Points in GeoJSON files of QuPath: a FeatureCollection, a list of features, or one feature.

Coordinates are pixels of the full image, with the origin at the top left corner of the image, which is our
own convention (QuPath documentation, "Exporting annotations": "coordinates in pixel units, taking the
origin (0, 0) as the top left corner of the full-resolution image"). A Point or MultiPoint gives one point
for each position; a Polygon, a MultiPolygon or a line gives the centre and extents of the box round it.
Classes whose name ends in ``*`` mark regions and what to ignore, and are no objects. The file does not name
its image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from synthmed.errors import PointsError
from synthmed.points.marks import NAN, Mark, no_objects, outline_mark
from synthmed.points.parsed import parse_json
from synthmed.points.problems import Reason
from synthmed.points.values import number, text_of

_OUTLINES = ("Polygon", "MultiPolygon", "LineString", "MultiLineString")


def is_qupath(content: object) -> bool:
    """Whether a parsed JSON text is GeoJSON.

    Examples:
        >>> is_qupath({"type": "FeatureCollection", "features": []}), is_qupath({"images": []})
        (True, False)
    """
    if isinstance(content, list):
        return bool(content) and _is_feature(content[0])
    return isinstance(content, dict) and (content.get("type") == "FeatureCollection" or _is_feature(content))


def qupath_marks(text: str, path: object) -> list[Mark]:
    """The objects of a GeoJSON file.

    Raises:
        PointsError: if the text is not GeoJSON.
    """
    content = parse_json(text, path)
    features = content
    if isinstance(content, dict):
        features = content.get("features") if content.get("type") == "FeatureCollection" else [content]
    if not isinstance(features, list):
        raise PointsError(
            "the JSON has no list of features", file=path, remedy="export the objects of QuPath as GeoJSON"
        )
    marks = [mark for feature in features for mark in _marks_of(feature)]
    return marks or [no_objects()]


def _is_feature(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("type") == "Feature" and "geometry" in entry


def _marks_of(feature: Any) -> Iterator[Mark]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict):
        yield Mark(NAN, NAN, reason=Reason.NOT_AN_OBJECT)
        return
    properties = feature.get("properties")
    label = _class_name(properties if isinstance(properties, dict) else {})
    if label.endswith("*"):
        return
    more: dict[str, Any] = {"label": label, "id": text_of(feature.get("id"))}
    if _is_deeper(geometry.get("plane")):
        more["reason"] = Reason.PLANE
    kind, places = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        yield _point(places, more)
    elif kind == "MultiPoint" and isinstance(places, list):
        for place in places:
            yield _point(place, more)
    elif kind in _OUTLINES:
        pairs = list(_pairs(places, depth=4))
        yield outline_mark([x for x, _ in pairs], [y for _, y in pairs], **more)
    else:
        yield Mark(NAN, NAN, **{**more, "reason": Reason.SHAPE})


def _point(place: object, more: dict[str, Any]) -> Mark:
    x, y = place[:2] if isinstance(place, list) and len(place) >= 2 else (None, None)
    return Mark(number(x), number(y), shown=f"{text_of(x)}, {text_of(y)}", **more)


def _pairs(places: object, depth: int) -> Iterator[tuple[float, float]]:
    """Every position in nested lists, down to the depth that GeoJSON allows."""
    if not isinstance(places, list) or not depth:
        return
    if len(places) >= 2 and not any(isinstance(place, list) for place in places[:2]):
        yield number(places[0]), number(places[1])
        return
    for place in places:
        yield from _pairs(place, depth - 1)


def _class_name(properties: dict[str, Any]) -> str:
    """The class; QuPath has written it in four ways, and joins derived classes by a colon."""
    found = properties.get("classification")
    if isinstance(found, dict):
        names = found.get("names")
        if isinstance(names, list) and names:
            return ": ".join(" ".join(text_of(name).split()) for name in names)
        found = found.get("name")
    return " ".join(text_of(found).split())


def _is_deeper(plane: object) -> bool:
    return isinstance(plane, dict) and any(number(plane.get(axis, 0)) > 0 for axis in ("z", "t"))
