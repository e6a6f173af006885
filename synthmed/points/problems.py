"""Why a row of an annotation file is skipped, and what to do about it; the same words for every format."""

from __future__ import annotations

from enum import Enum

from synthmed.errors import Problem, ProblemLog
from synthmed.points.values import shown


class Reason(Enum):
    """A constant reason, so that skipped rows can be counted by it, with its remedy."""

    CELLS = (
        "the row has more or fewer cells than the header",
        "mend the row, or quote cells with a delimiter",
    )
    IMAGE_EMPTY = ("the image name is empty", "name the image")
    IMAGE_MISSING = ("the image is missing", "check its name and the image folder")
    IMAGE_CASE = (
        "the image is missing, but one has this name in other upper and lower case",
        "write the name as the file has it",
    )
    IMAGE_UNREADABLE = ("the image does not decode", "save it again as PNG, JPEG or TIFF")
    IMAGE_TOO_LARGE = ("the image is too large", "cut it into tiles")
    IMAGE_SHAPE = (
        "width and height differ from those of the image",
        "export the annotations of this image again",
    )
    IMAGE_SIZE = ("the image has no width and height", "write them into the file, or name the image folder")
    IMAGE_UNKNOWN = ("image_id is not among the images", "export the file again")
    IMAGE_AMBIGUOUS = (
        "several images have this name",
        "name the image by its path inside the image folder",
    )
    IMAGE_UNNAMED = (
        "the file does not say which image it belongs to",
        "name it like the image, or name the image by --image",
    )
    PLANE = ("the point is on another plane than the first", "save that plane as an image of its own")
    SHAPE = ("the kind of shape has no centre to take", "annotate with points, boxes, ellipses or polygons")
    TURNED = ("the image was turned in the tool", "turn it back, and export again")
    IMAGE_ID = ("the image has no id", "give every image its own id")
    IMAGE_REPEATED = ("the image id is listed twice", "give every image its own id")
    X = ("x is not a number", "write pixels as a plain number, such as 120.5")
    Y = ("y is not a number", "write pixels as a plain number, such as 120.5")
    BOX = ("the box is not four numbers with an area", "mend the bbox, or add keypoints")
    KEYPOINTS = ("no keypoint is visible", "mend the keypoints, or add a bbox")
    CROWD = ("the annotation is a crowd region", "annotate its objects one by one")
    NOT_AN_OBJECT = ("the entry is not a JSON object", "export the file again")
    OUTSIDE = (
        "the point is outside its image",
        "check that x and y are pixels of this image, x to the right",
    )
    LABEL_EMPTY = ("the label is empty", "name the class")
    LABEL_UNKNOWN = (
        "the class is not among the classes asked for",
        "add it to the classes, or mend its name",
    )
    CATEGORY_UNKNOWN = ("category_id is not among the categories", "export the file again")
    SPLIT = ("the split is not train, val or test", "write train, val or test")
    TWO_SPLITS = ("the image is listed in two splits", "keep each image in one split")
    TWO_GROUPS = ("the image is listed in two groups", "keep each image in one group")
    EDGE = ("edge is not 0 or 1", "write 1 where the object touches the border, else 0")
    ID_TOO_LONG = ("the id is longer than 200 characters", "use a shorter id")

    @property
    def text(self) -> str:
        """The reason, short and constant."""
        return self.value[0]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.value[1]


MAX_ID_LENGTH = 200


def report(log: ProblemLog, reason: Reason, *, file: object, row: int | None, value: object) -> None:
    """Add a skipped row to the log.

    Raises:
        PointsError: where the log is strict.
    """
    log.add(Problem(str(file), row, shown(value), reason.text, reason.remedy))
