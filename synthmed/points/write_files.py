"""Formats with a file per image: QuPath, ImageJ, napari, Cell Counter, VOC, YOLO."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import floor
from pathlib import PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

from synthmed.points.pointset import PointSet
from synthmed.points.write_whole import Object, objects_of


@lru_cache(maxsize=2)
def _objects(points: PointSet) -> list[list[Object]]:
    return objects_of(points)


def qupath_text(points: PointSet, index: int) -> str:
    """GeoJSON of QuPath: annotations, as points or as the outline of the box where extents are known."""
    features = []
    for label, x, y, width, height, annotation_id in _objects(points)[index]:
        geometry: dict[str, Any] = {"type": "Point", "coordinates": [x, y]}
        if width == width:
            x0, y0, x1, y1 = x - width / 2, y - height / 2, x + width / 2, y + height / 2
            geometry = {
                "type": "Polygon",
                "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]],
            }
        properties = {"objectType": "annotation", "classification": {"name": points.classes[label]}}
        features.append(
            {"type": "Feature", "id": annotation_id, "geometry": geometry, "properties": properties}
        )
    return json.dumps({"type": "FeatureCollection", "features": features})


def imagej_text(points: PointSet, index: int) -> str:
    """A Results table of ImageJ in pixels, with respect to pixel centres, and a column Class."""
    rows = [
        (number, points.classes[label], repr(x - 0.5), repr(y - 0.5))
        for number, (label, x, y, *_) in enumerate(_objects(points)[index], 1)
    ]
    return _table((" ", "Class", "X", "Y"), rows)


def napari_text(points: PointSet, index: int) -> str:
    """A points table of napari, with the property ``class``."""
    rows = [
        (number, repr(y - 0.5), repr(x - 0.5), points.classes[label])
        for number, (label, x, y, *_) in enumerate(_objects(points)[index])
    ]
    return _table(("index", "axis-0", "axis-1", "class"), rows)


def cell_counter_text(points: PointSet, index: int) -> str:
    """Cell Counter: the pixel that each point lies in, one marker type per class."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<CellCounter_Marker_File>",
        " <Image_Properties>",
        f"     <Image_Filename>{escape(PurePosixPath(points.images[index]).name)}</Image_Filename>",
        " </Image_Properties>",
        " <Marker_Data>",
        "     <Current_Type>1</Current_Type>",
    ]
    for label, name in enumerate(points.classes):
        lines += ["     <Marker_Type>", f"         <Type>{label + 1}</Type>"]
        lines.append(f"         <Name>{escape(name)}</Name>")
        lines += [
            f"         <Marker><MarkerX>{floor(x)}</MarkerX><MarkerY>{floor(y)}</MarkerY>"
            "<MarkerZ>1</MarkerZ></Marker>"
            for own, x, y, *_ in _objects(points)[index]
            if own == label
        ]
        lines.append("     </Marker_Type>")
    return "\n".join([*lines, " </Marker_Data>", "</CellCounter_Marker_File>", ""])


def voc_text(points: PointSet, index: int) -> str:
    """Pascal VOC with corners in pixels from the outer corner of the first pixel."""
    height, width = points.image_shapes_px[index]
    lines = [
        "<annotation>",
        f"  <filename>{escape(points.images[index])}</filename>",
        f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
    ]
    for label, x, y, w, h, _ in _objects(points)[index]:
        corners = zip(
            ("xmin", "ymin", "xmax", "ymax"), (x - w / 2, y - h / 2, x + w / 2, y + h / 2), strict=True
        )
        box = "".join(f"<{tag}>{value!r}</{tag}>" for tag, value in corners)
        name = escape(points.classes[label])
        lines.append(f"  <object><name>{name}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])


def yolo_text(points: PointSet, index: int) -> str:
    """YOLO boxes as shares of the image."""
    height, width = (float(n) for n in points.image_shapes_px[index])
    return "".join(
        f"{label} {x / width!r} {y / height!r} {w / width!r} {h / height!r}\n"
        for label, x, y, w, h, _ in _objects(points)[index]
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


FILE_TEXTS: dict[str, Callable[[PointSet, int], str]] = {
    "qupath": qupath_text,
    "imagej": imagej_text,
    "napari": napari_text,
    "cell-counter": cell_counter_text,
    "voc": voc_text,
    "yolo": yolo_text,
}
