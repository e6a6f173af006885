"""Boxes in XML files of Pascal VOC, one file per image, by their centres.

LabelImg, CVAT and Roboflow write corners in pixels from the outer corner of the first pixel, and so they
are taken. Only the files of the VOC challenge itself (``<database>`` names it) count pixels from 1 and
include the last one (VOC development kit: "top-left pixel in the image has coordinates (1,1)").
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from synthmed.points.marks import Mark, box_mark, no_objects
from synthmed.points.parsed import parse_xml
from synthmed.points.values import number


def voc_marks(text: str, path: object) -> list[Mark]:
    """The boxes of a VOC file.

    Raises:
        PointsError: if the text is not XML.
    """
    root = parse_xml(text, path)
    image = (root.findtext("filename") or "").strip()
    # Pixel 1 reaches from 0 to 1 in our coordinates, so only the low corner moves.
    low = 1.0 if (root.findtext("source/database") or "").strip().startswith("The VOC") else 0.0
    return [_mark(entry, image, low) for entry in root.findall("object")] or [no_objects(image)]


def _mark(entry: Element, image: str, low: float) -> Mark:
    x0, y0, x1, y1 = (number(entry.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax"))
    label = " ".join((entry.findtext("name") or "").split())
    return box_mark(x0 - low, y0 - low, x1, y1, label=label, image=image)
