from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from synthmed.datasets.tags import TAGS
from synthmed.scenes import Scene


class Whole:
    spec: dict[str, Any]

    def __init__(self, classes: list[str], rows: list[str]) -> None:
        self.spec, self.rows = {"classes": classes}, rows

    def lines(self, part: str) -> list[str]:
        return self.rows


@pytest.mark.parametrize("classes", [[], ["a"], ["a", 'b, "c"', "d\ne"]])
def test_without_scenes(classes: list[str]) -> None:
    ((path, text),) = TAGS.join(Whole(classes, []))
    assert path == "tags.csv"
    assert list(csv.reader(io.StringIO("".join(text)))) == [["image", *classes]]


def test_rows_say_what_scenes_show(rendered: Any, scenes: list[Scene]) -> None:
    rows = list(csv.reader((rendered / "tags.csv").read_text().splitlines()))[1:]
    assert len(rows) == len(scenes)
    for (name, *row), scene in zip(rows, scenes, strict=True):
        assert name == f"{scene.plan.index:08d}.png"
        assert row == [str(int(label in scene.labels)) for label in range(len(row))]
