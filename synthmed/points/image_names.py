"""Which image of the folder a tool's file means: tools write titles, URLs and stems, or nothing at all."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from synthmed.errors import PointsError
from synthmed.points.images import resolve_inside

IMAGE_SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .tif .tiff .bmp .webp .gif .pgm .ppm .jp2 .svs .ndpi .mrxs .scn .vms .bif".split()
)
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
_SLICE = re.compile(r":.*$")


class ImageNames:
    """The images of a folder by name, file name and stem.

    Args:
        root: the image folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.names = sorted(images_below(self.root))
        self._by_tail: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            path = PurePosixPath(name)
            for tail in {path.name, path.stem, path.stem.removesuffix(".ome")}:
                self._by_tail[tail.casefold()].append(name)

    def named(self, said: str) -> list[str]:
        """The images that a name in a file may mean, the name itself where it leads to a file.

        An absolute path, a URL or a path that climbs is never followed: its last part is looked up among
        the images of the folder.
        """
        said = said.strip().replace("\\", "/")
        if _is_file_inside(self.root, said):
            return [said]
        last = said.rstrip("/").rpartition("/")[2]
        for word in dict.fromkeys((last, _UPLOAD.sub("", last), _SLICE.sub("", last))):
            for tail in (word, PurePosixPath(word).stem if word else ""):
                if found := self._by_tail.get(tail.casefold()):
                    return self._closest(found, said)
        return []

    def of_file(self, relative: PurePosixPath) -> list[str]:
        """The images that a file without image names may belong to, by its own path below its folder.

        Either names agree (``a.csv``, ``a.tif.csv``), or the file's begins with the image's, a sign that is
        neither letter nor digit after it (``a_points.csv``); or there is one image alone.
        """
        stem = relative.name.removesuffix(".gz")
        stem = stem.rpartition(".")[0] or stem
        if found := self._by_tail.get(stem.casefold()):
            return self._closest(found, (relative.parent / stem).as_posix())
        longer = [t for t in self._by_tail if stem.casefold().startswith(t) and not stem[len(t)].isalnum()]
        if longer:
            return self._by_tail[max(longer, key=len)]
        return self.names if len(self.names) == 1 else []

    @staticmethod
    def _closest(found: list[str], said: str) -> list[str]:
        """Of several images those whose last folders agree best with what was said."""
        if len(found) < 2:
            return found
        parts = PurePosixPath(said).with_suffix("").parts[::-1] if said.strip("./") else ()

        def agreeing(name: str) -> int:
            own = PurePosixPath(name).with_suffix("").parts[::-1]
            same = [a == b for a, b in zip(own, parts, strict=False)]
            return same.index(False) if False in same else len(same)

        best = max(map(agreeing, found))
        return [name for name in found if agreeing(name) == best]


def _is_file_inside(root: Path, name: str) -> bool:
    try:
        return resolve_inside(root, name).is_file()
    except (PointsError, OSError):
        return False


def images_below(root: Path) -> list[str]:
    """The image files of a folder and the folders in it, as paths below it; hidden ones are left out."""
    found = []
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:
                found.append((Path(folder) / name).relative_to(root).as_posix())
    return found
