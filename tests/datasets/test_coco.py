from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synthmed.bank import PatchBank, open_bank
from synthmed.datasets.coco import coco_document, image_name, scene_record
from synthmed.scenes import Recipe, Scene, draw_plan, make_recipe, render


@pytest.fixture
def bank(phantom_bank_dir: Path) -> PatchBank:
    return open_bank(phantom_bank_dir)


def scenes_of(bank: PatchBank, recipe: Recipe, count: int) -> list[Scene]:
    return [render(draw_plan(recipe, bank, 3, index), bank) for index in range(count)]


def test_no_scenes(bank: PatchBank) -> None:
    document = coco_document([], bank)
    assert document["images"] == document["annotations"] == []
    assert document["categories"] == [
        {"id": 1, "name": "Bacteria"},
        {"id": 2, "name": "RBC"},
        {"id": 3, "name": "WBC"},
    ]


def test_a_scene_without_objects_stays_in(bank: PatchBank) -> None:
    recipe = make_recipe({"counts": {"kind": "fixed", "fixed": {"RBC": 0}}})
    document = coco_document(map(scene_record, scenes_of(bank, recipe, 2)), bank)
    assert [image["tags"] for image in document["images"]] == [[], []]
    assert document["annotations"] == []


def test_documents_say_what_the_scenes_show(bank: PatchBank, recipe: Recipe) -> None:
    scenes = scenes_of(bank, recipe, 12)
    document = json.loads(json.dumps(coco_document(map(scene_record, scenes), bank)))
    names = {category["id"]: category["name"] for category in document["categories"]}
    assert [image["file_name"] for image in document["images"]] == [image_name(k) for k in range(12)]
    assert len({annotation["id"] for annotation in document["annotations"]}) == sum(map(len, scenes)) > 12
    for image, scene in zip(document["images"], scenes, strict=True):
        assert (image["height"], image["width"]) == scene.image.shape[:2] == (96, 128)
        assert image["tags"] == [bank.classes[label] for label in np.unique(scene.labels)]
        own = [a for a in document["annotations"] if a["image_id"] == image["id"]]
        assert [names[a["category_id"]] for a in own] == [bank.classes[label] for label in scene.labels]
        for k, annotation in enumerate(own):
            x, y, width, height = annotation["bbox"]
            assert [y, x, y + height, x + width] == scene.boxes_px[k].tolist()
            assert annotation["area"] == (scene.instance_mask == k + 1).sum()
            assert annotation["visible_fraction"] == pytest.approx(scene.visible_fraction[k], abs=1e-4)
            patch = annotation["patch"]
            assert patch == scene.patch_index[k]
            assert annotation["source_image"] == bank.source_images[patch]
            assert annotation["source_annotation_id"] == bank.annotation_ids[patch]
            assert annotation["iscrowd"] == 0


@pytest.mark.parametrize(("index", "name"), [(0, "00000000.png"), (12345678, "12345678.png")])
def test_names_sort_as_numbers_do(index: int, name: str) -> None:
    assert image_name(index) == name
