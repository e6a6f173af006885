"""The image folder, with each image looked at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from synthmed.errors import PointsError
from synthmed.points.image_names import ImageNames
from synthmed.points.images import check_image, resolve_inside
from synthmed.points.problems import Reason

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FoundImage:
    """What a name in an annotation file leads to.

    Attributes:
        name: the relative POSIX path by which the image goes; the same for all spellings of one file.
        shape_px: ``(height, width)``, ``(0, 0)`` where it cannot be used.
        problem: why it cannot be used, or ``None``.
    """

    name: str
    shape_px: tuple[int, int]
    problem: Reason | None = None


class ImageFolder:
    """Looks images up by name and decodes each file once, however often it is asked for.

    Args:
        root: the image folder.

    Raises:
        PointsError: if ``root`` is no folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise PointsError(
                "the image folder does not exist", file=root, remedy="check the path of the images"
            )
        self._by_name: dict[str, FoundImage] = {}
        self._by_path: dict[Path, FoundImage] = {}

    def look(self, name: str) -> FoundImage:
        """The image of that name.

        Raises:
            PointsError: if the name leads out of the folder.
        """
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = self._look_at_file(name)
        return found

    def _look_at_file(self, name: str) -> FoundImage:
        if not name:
            return FoundImage(name, (0, 0), Reason.IMAGE_EMPTY)
        path = resolve_inside(self.root, name)
        if not os.path.lexists(path):
            name = self._by_stem(name) or name
            path = resolve_inside(self.root, name)
        file = path.resolve()
        found = self._by_path.get(file)
        if found is None:
            found = _checked(path, PurePosixPath(name).as_posix())
            if found.problem is Reason.IMAGE_MISSING and self._has_in_other_case(found.name):
                found = replace(found, problem=Reason.IMAGE_CASE)
            self._by_path[file] = found
        return found

    def _by_stem(self, name: str) -> str | None:
        """The one image that has this path but for its suffix; ``None`` where there is none or several."""
        found = self._names_by_stem.get(PurePosixPath(name).as_posix(), [])
        return found[0] if len(found) == 1 else None

    def _has_in_other_case(self, name: str) -> bool:
        """Whether an image has this name but for upper and lower case."""
        # A link that leads nowhere has the very name, and another fault.
        return self._names_by_folded.get(name.casefold(), name) != name

    @cached_property
    def _names(self) -> ImageNames:
        return ImageNames(self.root)

    @cached_property
    def _names_by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for name in self._names.names:
            stems.setdefault(name.rpartition(".")[0], []).append(name)
        return stems

    @cached_property
    def _names_by_folded(self) -> dict[str, str]:
        return {name.casefold(): name for name in self._names.names}


def _checked(path: Path, name: str) -> FoundImage:
    try:
        if not path.is_file():
            return FoundImage(name, (0, 0), Reason.IMAGE_MISSING)
        return FoundImage(name, check_image(path))
    except PointsError as error:
        too_large = error.what == Reason.IMAGE_TOO_LARGE.text
        return FoundImage(name, (0, 0), Reason.IMAGE_TOO_LARGE if too_large else Reason.IMAGE_UNREADABLE)
    except OSError:  # a name longer than the file system allows
        return FoundImage(name, (0, 0), Reason.IMAGE_MISSING)
