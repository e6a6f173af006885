from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from synthmed.datasets.coco import ObjectRecord, SceneRecord
from synthmed.datasets.tags import tags_csv


def scene(index: int, labels: Sequence[int]) -> SceneRecord:
    objects: list[ObjectRecord] = [
        {"label": label, "box_px": [0, 0, 1, 1], "area_px": 1, "visible_fraction": 1.0, "patch": 0}
        for label in labels
    ]
    return {"index": index, "shape_px": [8, 8], "objects": objects, "unplaced": []}


@pytest.mark.parametrize(
    ("classes", "labels", "rows"),
    [
        ([], [], []),
        (["a"], [[]], [["0"]]),
        (["a", 'b, "c"', "d"], [[2, 0, 2], [1]], [["1", "0", "1"], ["0", "1", "0"]]),
    ],
)
def test_tags(classes: list[str], labels: list[list[int]], rows: list[list[str]]) -> None:
    text = tags_csv([scene(index, present) for index, present in enumerate(labels)], classes)
    table = list(csv.reader(io.StringIO(text)))
    assert table[0] == ["image", *classes]
    assert table[1:] == [[f"{index:08d}.png", *row] for index, row in enumerate(rows)]
