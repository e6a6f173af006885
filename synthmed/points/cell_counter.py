"""Points in XML files of ImageJ's Cell Counter.

A marker is the index of the pixel that was clicked (the plugin keeps whole numbers), so its centre lies
half a pixel further. The class is the name of the marker type, or its number where it has none; MarkerZ
counts planes from 1.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from synthmed.points.marks import Mark, no_objects
from synthmed.points.parsed import parse_xml
from synthmed.points.problems import Reason
from synthmed.points.values import number


def cell_counter_marks(text: str, path: object) -> list[Mark]:
    """The markers of a Cell Counter file.

    Raises:
        PointsError: if the text is not XML.
    """
    root = parse_xml(text, path)
    image = " ".join((root.findtext("Image_Properties/Image_Filename") or "").split())
    image = image.removeprefix("Counter Window - ")
    marks = [
        _mark(marker, _class_name(kind), image)
        for kind in root.iter("Marker_Type")
        for marker in kind.findall("Marker")
    ]
    return marks or [no_objects(image)]


def _mark(marker: Element, label: str, image: str) -> Mark:
    x, y = marker.findtext("MarkerX", ""), marker.findtext("MarkerY", "")
    deeper = number(marker.findtext("MarkerZ", "1")) > 1
    reason = Reason.PLANE if deeper else None
    return Mark(number(x) + 0.5, number(y) + 0.5, label, image, reason=reason, shown=f"{x}, {y}")


def _class_name(kind: Element) -> str:
    name = " ".join((kind.findtext("Name") or "").split())
    return name or f"Type {(kind.findtext('Type') or '').strip()}".strip()
