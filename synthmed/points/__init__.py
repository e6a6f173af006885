"""What the expert clicked: `PointSet`, and one reader per annotation format."""

from synthmed.points.check import CheckReport, Finding, check_points
from synthmed.points.coco import read_coco
from synthmed.points.csv_file import CsvColumns, read_csv, write_csv
from synthmed.points.held_out import refuse_held_out
from synthmed.points.images import image_shape_px, read_image, resolve_inside
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.read import read_points
from synthmed.points.regions import ImageSource, open_image
from synthmed.points.sniff import FORMATS, sniff
from synthmed.points.splits import default_splits
from synthmed.points.spread import evenly
from synthmed.points.write import losses, write_points

__all__ = [
    "FORMATS",
    "SPLITS",
    "CheckReport",
    "CsvColumns",
    "Finding",
    "ImageSource",
    "PointSet",
    "check_points",
    "default_splits",
    "evenly",
    "image_shape_px",
    "losses",
    "open_image",
    "read_coco",
    "read_csv",
    "read_image",
    "read_points",
    "refuse_held_out",
    "resolve_inside",
    "sniff",
    "write_csv",
    "write_points",
]
