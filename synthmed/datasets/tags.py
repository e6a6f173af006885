"""Multi-label tags: which classes a scene shows, one column each. They lie beside every loose image."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from synthmed.datasets.formats import Document, Format, Pieces, Whole
from synthmed.datasets.record import SceneRecord

_ROWS = "tags"


def tags_row(values: list[object]) -> str:
    """A row of a CSV file.

    Examples:
        >>> tags_row(["a, b", 1])
        '"a, b",1'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()[:-1]


def _encode(scene: SceneRecord, _: bytes) -> Pieces:
    present = set(scene.labels)
    row = (int(label in present) for label in range(len(scene.classes)))
    return Pieces(lines={_ROWS: [tags_row([scene.file_name, *row])]})


def _join(whole: Whole) -> Iterator[Document]:
    yield "tags.csv", _table(whole)


def _table(whole: Whole) -> Iterator[str]:
    yield tags_row(["image", *whole.spec["classes"]]) + "\n"
    for row in whole.lines(_ROWS):
        yield row + "\n"


TAGS = Format("tags", _encode, _join)
