"""What a format is: a pure function from one scene to pieces, and one that joins the pieces of all scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from synthmed.datasets.record import SceneRecord
from synthmed.errors import DatasetError

# A document: its path in the folder, and its text piece by piece, so that none is ever whole in memory.
Document = tuple[str, Iterable[str]]


@dataclass(frozen=True)
class Pieces:
    """What one scene adds to a folder.

    Attributes:
        files: whole files, by their path in the folder.
        lines: lines of documents, by the name of the document's part.
        members: files of the shard that the scene's chunk makes.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    lines: Mapping[str, list[str]] = field(default_factory=dict)
    members: Mapping[str, bytes] = field(default_factory=dict)


class Whole(Protocol):
    """What a finished series offers to those who join its pieces."""

    @property
    def spec(self) -> dict[str, Any]:
        """What decides the bytes of the rendering."""

    def lines(self, part: str) -> Iterator[str]:
        """All lines of a document's part, scene after scene."""


@dataclass(frozen=True)
class Format:
    """A way to write scenes.

    Attributes:
        name: how a user calls it.
        encode: what a scene adds, from its labels and the bytes of its image file.
        join: the documents that are written when all scenes are there.
        loose: whether its reader wants the images as files in ``images/``.
    """

    name: str
    encode: Callable[[SceneRecord, bytes], Pieces]
    join: Callable[[Whole], Iterator[Document]]
    loose: bool = True


def all_formats() -> dict[str, Format]:
    """Every format by its name, in the order in which their files are written."""
    from synthmed.datasets.coco import COCO
    from synthmed.datasets.fiftyone_dataset import FIFTYONE
    from synthmed.datasets.voc import VOC
    from synthmed.datasets.webdataset import WEBDATASET
    from synthmed.datasets.yolo import YOLO

    return {each.name: each for each in (COCO, YOLO, VOC, FIFTYONE, WEBDATASET)}


def check_formats(names: Iterable[str]) -> tuple[str, ...]:
    """The names in their usual order, each once.

    Raises:
        DatasetError: one of them is no format, or there is none.
    """
    known, wanted = all_formats(), set(names)
    if not wanted or wanted - known.keys():
        raise DatasetError(
            "there is no such format" if wanted else "no format is named",
            value=", ".join(sorted(wanted - known.keys())) or None,
            remedy=f"choose among {', '.join(known)}",
        )
    return tuple(name for name in known if name in wanted)


def separated(lines: Iterable[str], separator: str = ", ") -> Iterator[str]:
    """The lines with a separator between them.

    Examples:
        >>> "".join(separated(["a", "b"]))
        'a, b'
    """
    before = ""
    for line in lines:
        yield before + line
        before = separator
