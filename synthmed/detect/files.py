"""Which images are meant, and what they are called in the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from synthmed.errors import PointsError
from synthmed.points.image_names import images_below


class ImageFile(NamedTuple):
    """An image.

    Attributes:
        name: as results call it: its path below the folder that was named, with ``/`` between folders, or its
            file name.
        path: where it is.
    """

    name: str
    path: Path


def find_images(inputs: Iterable[Path]) -> list[ImageFile]:
    """The images that files and folders mean, sorted by name.

    Raises:
        PointsError: there is none, something is not there, a name is not text, or two have one name.
    """
    found = [image for path in inputs for image in _images_of(path)]
    if not found:
        raise PointsError("there are no images", remedy="name image files, or folders that hold some")
    found = sorted(set(found))
    for image in found:
        if any("\ud800" <= letter <= "\udfff" for letter in image.name):
            raise PointsError(
                "the name of the image is not UTF-8, and so cannot stand in results",
                file=repr(image.name),
                remedy="rename it",
            )
    name, count = Counter(image.name for image in found).most_common(1)[0]
    if count > 1:
        raise PointsError(
            f"{count} images have the same name",
            value=name,
            remedy="name the folder above them, so that their folders become a part of their names",
        )
    return found


def _images_of(path: Path) -> Sequence[ImageFile]:
    if path.is_dir():
        return [ImageFile(name, path / name) for name in images_below(path)]
    if not path.is_file():
        raise PointsError("there is no such image or folder", file=path, remedy="check the path")
    return [ImageFile(path.name, path)]
