from __future__ import annotations

import dataclasses
import json

import pytest

from synthmed.bank import PatchBank
from synthmed.datasets.coco import COCO, coco_annotations, coco_image
from synthmed.datasets.record import scene_record, scene_stem
from synthmed.scenes import Scene, draw_plan, make_recipe, render


class Whole:
    def __init__(self, lines: dict[str, list[str]]) -> None:
        self.spec = {"classes": ["a", "b"]}
        self.parts = lines

    def lines(self, part: str) -> list[str]:
        return self.parts.get(part, [])


def test_no_scenes() -> None:
    ((path, text),) = COCO.join(Whole({}))
    assert path == "coco.json"
    assert json.loads("".join(text)) == {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }


def test_a_scene_without_objects_stays_in(bank: PatchBank) -> None:
    recipe = make_recipe({"counts": {"kind": "fixed", "fixed": {"RBC": 0}}})
    scene = scene_record(render(draw_plan(recipe, bank, 3, 0), bank), bank)
    assert json.loads(coco_image(scene))["tags"] == []
    assert coco_annotations(scene) == []


@pytest.mark.parametrize("name", ['a"b', "\\", "a\nb", "Ärzte", "\x01"])
def test_names_are_quoted(bank: PatchBank, scenes: list[Scene], name: str) -> None:
    scene = scene_record(next(scene for scene in scenes if len(scene)), bank)
    scene = dataclasses.replace(scene, source_images=[name] * len(scene))
    for line in coco_annotations(scene):
        assert "\n" not in line
        assert json.loads(f"{{{line}}}")["source_image"] == name


@pytest.mark.parametrize(("index", "stem"), [(0, "00000000"), (12345678, "12345678")])
def test_names_sort_as_numbers_do(index: int, stem: str) -> None:
    assert scene_stem(index) == stem
