"""Which format a file has: its content says, not its name."""

from __future__ import annotations

from synthmed.errors import PointsError
from synthmed.points.imagej import is_imagej
from synthmed.points.label_studio import is_label_studio
from synthmed.points.napari import is_napari
from synthmed.points.parsed import parse_json, parse_xml
from synthmed.points.qupath import is_qupath
from synthmed.points.tool_table import header_of
from synthmed.points.yolo import is_yolo

_IMAGE_HEADERS = {"image", "filename", "file_name", "image_name"}

FORMATS = (
    "csv",
    "coco",
    "qupath",
    "imagej",
    "cell-counter",
    "cvat",
    "label-studio",
    "napari",
    "voc",
    "yolo",
)


def sniff(text: str, path: object = "") -> str:
    r"""The format of a text, one of `FORMATS`; a text that is nothing else is CSV.

    Raises:
        PointsError: if it opens as JSON or XML but is not, or is neither a table nor a known document.

    Examples:
        >>> sniff("image,x,y,label\na.png,1,1,RBC"), sniff("index,axis-0,axis-1\n0,1,1")
        ('csv', 'napari')
    """
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _json_format(parse_json(text, path), path)
    if start == "<":
        return _xml_format(text, path)
    if is_napari(text):
        return "napari"
    if _IMAGE_HEADERS & set(header_of(text)):
        return "csv"
    if is_imagej(text):
        return "imagej"
    return "yolo" if is_yolo(text.lstrip()) else "csv"


def check_format(name: str | None) -> None:
    """Check the name of a format.

    Raises:
        PointsError: if it is none of `FORMATS`.
    """
    if name is not None and name not in FORMATS:
        raise PointsError("no such format", value=name, remedy=f"name one of {', '.join(FORMATS)}")


def _json_format(content: object, path: object) -> str:
    if isinstance(content, dict) and {"images", "annotations", "categories"} & set(content):
        return "coco"
    if is_qupath(content):
        return "qupath"
    if is_label_studio(content):
        return "label-studio"
    raise PointsError(
        "the JSON has no list 'images' as COCO has, no GeoJSON features and no tasks of Label Studio",
        file=path,
        remedy="export as COCO, as GeoJSON from QuPath, or as JSON from Label Studio",
    )


def _xml_format(text: str, path: object) -> str:
    root = parse_xml(text, path)
    if root.tag == "CellCounter_Marker_File":
        return "cell-counter"
    if root.tag == "annotations":
        return "cvat"
    if root.tag == "annotation":
        return "voc"
    raise PointsError(
        "the XML is neither of Cell Counter nor of CVAT nor of Pascal VOC",
        file=path,
        value=str(root.tag)[:80],
        remedy="export it from the tool again",
    )
