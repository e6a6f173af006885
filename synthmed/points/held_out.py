"""Images that a network must not learn from in any way, since it is judged on them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from synthmed._files import file_digest
from synthmed.errors import PointsError
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet

HELD_OUT = ("val", "test")


def refuse_held_out(
    images: Iterable[tuple[str, Path]], points: PointSet, images_dir: str | os.PathLike[str]
) -> None:
    """Make sure that no image is held out: not by its name, not as a copy, not through its group.

    Args:
        images: the name and the file of each image that is to be used.
        points: say which split and group each image is of.
        images_dir: the folder that they name images in.

    Raises:
        PointsError: an image is of val or test there, has the same bytes as one that is, or is of a group
            (slide, patient) that occurs in val or test.
    """
    paths = {resolve_inside(images_dir, name): index for index, name in enumerate(points.images)}
    names = {name: index for index, name in enumerate(points.images)}
    held = {index for index, split in enumerate(points.splits) if split in HELD_OUT}
    groups = {points.groups[index] for index in held} - {""}
    there = {path for path, index in paths.items() if index in held and path.is_file()}
    digests = {file_digest(path) for path in there}
    found: dict[str, list[str]] = {}
    for name, path in images:
        # A file that the points list is that image; only of others the name alone has to tell.
        index = paths.get(path.resolve(), names.get(name))
        if index in held:
            reason = "are of val or test"
        elif file_digest(path) in digests:
            reason = "have the same bytes as images of val or test"
        elif index is not None and points.groups[index] in groups:
            reason = "are of a slide or patient (group) that occurs in val or test"
        else:
            continue
        found.setdefault(reason, []).append(name)
    for reason, shown in found.items():
        raise PointsError(
            f"{len(shown)} of the images {reason}, which is what the network is judged on",
            file=images_dir,
            value=", ".join(shown[:3]),
            remedy="name images of train, or others that nothing is measured on",
        )
