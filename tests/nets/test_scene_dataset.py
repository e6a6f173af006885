from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from synthmed.bank import open_bank
from synthmed.errors import BankError, DatasetError, RecipeError
from synthmed.nets.scene_dataset import SceneDataset
from synthmed.nets.scene_sampler import SceneSampler
from synthmed.scenes import Recipe, draw_plan, render, scene_scale

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]

PIPELINE = [dict(type="PhotometricJitter"), dict(type="PackDetInputs")]
SMALL = dict(canvas=dict(size_px=(96, 128)))


def make(bank_dir: Path, **kwargs: Any) -> SceneDataset:
    return SceneDataset(**{"bank": bank_dir, "recipe": SMALL, "length": 4, "pipeline": PIPELINE, **kwargs})


def test_classes_that_find_no_place_are_told_once(bank_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(bank_dir)
    assert not caplog.messages
    crowded = dict(
        canvas=dict(size_px=(256, 256)),
        scale=1.0,
        counts=dict(by_area=False),
        placement=dict(max_overlap=0, tries=1),
    )
    dataset = make(bank_dir, recipe=crowded)
    said = len(caplog.messages)
    assert said >= 1
    assert all(
        "objects found no place, so that scenes show too few of them" in text for text in caplog.messages
    )
    assert dataset[0] is not None and len(caplog.messages) == said


def test_an_item_is_the_scene_in_the_terms_of_mmdetection(bank_dir: Path) -> None:
    dataset = make(bank_dir, pipeline=[], min_visible=0.5, seed=3)
    info = dataset[9]
    bank = open_bank(bank_dir)
    recipe = Recipe.model_validate(SMALL)
    scene = render(draw_plan(recipe, bank, 3, 9), bank)
    assert len(scene) > 0
    np.testing.assert_array_equal(info["img"][..., ::-1], scene.image)
    np.testing.assert_allclose(info["gt_bboxes"].tensor.numpy()[:, [1, 0, 3, 2]], scene.boxes_px)
    np.testing.assert_array_equal(info["gt_bboxes_labels"], scene.labels)
    np.testing.assert_array_equal(info["gt_ignore_flags"], scene.visible_fraction < 0.5)
    assert info["img_shape"] == info["ori_shape"] == (96, 128)
    assert info["img_id"] == 9
    assert "instances" not in info


def test_packing(bank_dir: Path) -> None:
    item = make(bank_dir, pipeline=[dict(type="PackDetInputs")], min_visible=2.0)[0]
    assert item["inputs"].shape == (3, 96, 128)
    assert item["inputs"].dtype == torch.uint8
    sample = item["data_samples"]
    assert len(sample.gt_instances) == 0, "every object is ignored where none can be visible enough"
    assert len(sample.ignored_instances) > 0


def test_instances_in_test_mode(bank_dir: Path) -> None:
    info = make(bank_dir, pipeline=[], test_mode=True)[1]
    assert [i["bbox_label"] for i in info["instances"]] == info["gt_bboxes_labels"].tolist()
    np.testing.assert_allclose([i["bbox"] for i in info["instances"]], info["gt_bboxes"].tensor.numpy())


def test_an_empty_scene_is_kept(bank_dir: Path) -> None:
    recipe = {**SMALL, "counts": dict(kind="decorrelated", presence=0.0)}
    item = make(bank_dir, recipe=recipe, test_mode=True)[0]
    assert item["data_samples"].gt_instances.bboxes.shape == (0, 4)


def test_metainfo_comes_from_the_bank(bank_dir: Path) -> None:
    dataset = make(bank_dir, metainfo=dict(source="bank"))
    bank = open_bank(bank_dir)
    assert dataset.metainfo["classes"] == bank.classes
    assert dataset.metainfo["has_boxes"] is True
    assert dataset.metainfo["source"] == "bank"
    assert len(set(dataset.metainfo["palette"])) == len(bank.classes)
    assert len(dataset) == 4
    assert dataset.get_cat_ids(2) == dataset.scene(2).labels.tolist()


@pytest.mark.parametrize("scale", [0.5, 1.0, "fit"])
def test_class_sizes_are_those_of_the_boxes(bank_dir: Path, scale: float | str) -> None:
    bank = open_bank(bank_dir)
    dataset = make(bank_dir, recipe={**SMALL, "scale": scale})
    sizes_px = np.array(dataset.metainfo["class_sizes_px"])
    expected = scene_scale(dataset.recipe, bank)
    assert expected != 1 or scale == 1
    np.testing.assert_allclose(sizes_px, bank.sizes_px * expected)
    sides = [
        (label, max(box[2] - box[0], box[3] - box[1]))
        for scene in map(dataset.scene, range(30))
        for box, label in zip(scene.boxes_px, scene.labels, strict=True)
    ]
    for label, size_px in enumerate(sizes_px):
        own = [side for of, side in sides if of == label]
        assert np.median(own) == pytest.approx(size_px, rel=0.25), dataset.metainfo["classes"][label]


def batches(bank_dir: Path, workers: int, epoch: int = 0, method: str = "fork") -> list[Any]:
    dataset = make(bank_dir)
    sampler = SceneSampler(dataset)
    sampler.set_epoch(epoch)
    loader = DataLoader(
        dataset,
        batch_size=2,
        sampler=sampler,
        num_workers=workers,
        collate_fn=list,
        multiprocessing_context=method if workers else None,
    )
    return [item for batch in loader for item in batch]


def test_any_worker_composes_the_same_also_after_jitter(bank_dir: Path) -> None:
    alone = batches(bank_dir, 0)
    for item, other in zip(alone, batches(bank_dir, 2), strict=True):
        assert torch.equal(item["inputs"], other["inputs"])
    following = batches(bank_dir, 0, epoch=1)
    assert not any(torch.equal(a["inputs"], b["inputs"]) for a in alone for b in following)
    assert [item["data_samples"].img_id for item in following] == [4, 5, 6, 7]


def test_another_seed_is_another_series(bank_dir: Path) -> None:
    first, second = make(bank_dir)[0], make(bank_dir, seed=1)[0]
    assert not torch.equal(first["inputs"], second["inputs"])


def test_the_global_generators_are_left_as_they_were(bank_dir: Path) -> None:
    dataset = make(bank_dir)
    np.random.seed(5)
    random.seed(5)
    expected = np.random.RandomState(5).rand(), random.Random(5).random()
    dataset[0]
    assert (np.random.rand(), random.random()) == expected


def test_a_pickle_does_not_carry_the_pixels(bank_dir: Path) -> None:
    dataset = make(bank_dir)
    item = dataset[0]
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy._bank is None
    assert torch.equal(copy[0]["inputs"], item["inputs"])


def test_a_recipe_file_and_another_size(bank_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("counts: {kind: decorrelated}\ncanvas: {size_px: [64, 64]}\n")
    dataset = make(bank_dir, recipe=path, size_px=[48, 80])
    assert dataset.recipe.counts.kind == "decorrelated"
    assert dataset.scene(0).image.shape == (48, 80, 3)
    assert make(bank_dir, recipe="").recipe == make(bank_dir, recipe=None).recipe == Recipe()


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"bank": "/nowhere"}, BankError, "no patch bank"),
        ({"recipe": {"canvas": {"siez_px": 1}}}, RecipeError, "siez_px"),
        ({"size_px": (1, 1)}, RecipeError, "size_px"),
        ({"size_px": [64]}, RecipeError, "size_px"),
        ({"length": 0}, DatasetError, "length is too small"),
        ({"seed": -1}, DatasetError, "seed is too small"),
    ],
)
def test_mistakes(bank_dir: Path, kwargs: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(bank_dir, **kwargs)


def test_a_pipeline_that_drops_a_scene(bank_dir: Path) -> None:
    with pytest.raises(DatasetError, match="drops the scene"):
        make(bank_dir, pipeline=[lambda results: None])[0]


def test_negative_indices_are_refused(bank_dir: Path) -> None:
    with pytest.raises(IndexError):
        make(bank_dir)[-1]
