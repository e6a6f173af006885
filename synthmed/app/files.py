"""Image files of samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthmed.points.folder import FoundImage, ImageFolder, Progress


def common_folder(paths: Sequence[str]) -> tuple[Path, list[str]]:
    """The folder that all files lie in, and their names relative to it.

    Examples:
        >>> folder, names = common_folder(["/data/a/1.png", "/data/b/1.png"])
        >>> folder.as_posix(), names
        ('/data', ['a/1.png', 'b/1.png'])
    """
    folder = Path(os.path.commonpath([os.path.dirname(path) for path in paths]))
    return folder, [Path(path).relative_to(folder).as_posix() for path in paths]


def look_at(folder: Path, names: Sequence[str], progress: Progress | None = None) -> list[FoundImage]:
    """Read every image to its end, and say what is wrong with those that cannot be used.

    Raises:
        PointsError: there is no such folder.
    """
    images = ImageFolder(folder)
    found = []
    for done, name in enumerate(names, 1):
        # Two names may lead to one file; each sample keeps its own.
        found.append(replace(images.look(name), name=name))
        if progress is not None:
            progress(done, len(names))
    return found
