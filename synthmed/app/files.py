"""Image files of samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthmed.points.folder import FoundImage, ImageFolder, Progress


def common_folder(paths: Sequence[str]) -> tuple[Path, list[str]]:
    """The folder that all files lie in, and their names relative to it.

    Links to folders are followed: it is the dataset that names these files, not a file from elsewhere.

    Examples:
        >>> folder, names = common_folder(["/data/a/1.png", "/data/b/1.png"])
        >>> folder.as_posix(), names
        ('/data', ['a/1.png', 'b/1.png'])
    """
    folders = {given: os.path.realpath(given) for given in {os.path.dirname(path) for path in paths}}
    whole = Path(os.path.commonpath(folders.values()))
    names = [Path(folders[os.path.dirname(path)], os.path.basename(path)) for path in paths]
    return whole, [name.relative_to(whole).as_posix() for name in names]


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
