"""What others read from a rendered folder is what the scenes show."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webdataset
from PIL import Image
from pycocotools.coco import COCO

from synthmed.bank import PatchBank
from synthmed.scenes import Scene


def test_pycocotools(rendered: Path, scenes: list[Scene], bank: PatchBank) -> None:
    coco = COCO(rendered / "coco.json")
    names = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    assert len(coco.getImgIds()) == len(scenes)
    assert any(backdrop_of(scene, bank) for scene in scenes)
    assert sorted(coco.getAnnIds()) == list(range(1, sum(map(len, scenes)) + 1))
    for index, scene in enumerate(scenes):
        (image,) = coco.loadImgs(index + 1)
        assert image["tags"] == [bank.classes[label] for label in np.unique(scene.labels)]
        assert image["backdrop"] == backdrop_of(scene, bank)
        assert (image["height"], image["width"]) == scene.image.shape[:2]
        assert image["distractors"] == len(scene.plan.distractors)
        with Image.open(rendered / "images" / image["file_name"]) as read:
            assert np.array_equal(np.asarray(read), scene.image)
        own = coco.loadAnns(coco.getAnnIds(imgIds=[index + 1]))
        assert len(own) == len(scene)
        for k, annotation in enumerate(own):
            check_annotation(annotation, scene, k, bank)
            assert names[annotation["category_id"]] == bank.classes[scene.labels[k]]
            assert np.array_equal(coco.annToMask(annotation), scene.instance_mask == k + 1)


def backdrop_of(scene: Scene, bank: PatchBank) -> str:
    """The image that the canvas of a scene is from."""
    window = scene.plan.canvas.window
    return "" if window is None else bank.images[bank.backdrops.image_index[window.number]]


def check_annotation(annotation: dict[str, Any], scene: Scene, k: int, bank: PatchBank) -> None:
    """Boxes, areas, visible fractions and provenance are those of object ``k``."""
    x, y, width, height = annotation["bbox"]
    assert [y, x, y + height, x + width] == scene.boxes_px[k].tolist()
    assert annotation["area"] == (scene.instance_mask == k + 1).sum()
    assert annotation["visible_fraction"] == pytest.approx(scene.visible_fraction[k], abs=1e-4)
    assert annotation["patch"] == scene.patch_index[k]
    assert annotation["source_image"] == bank.source_images[scene.patch_index[k]]
    assert annotation["source_annotation_id"] == bank.annotation_ids[scene.patch_index[k]]


# webdataset leaves the closing of its files to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_webdataset(rendered: Path, scenes: list[Scene], bank: PatchBank) -> None:
    shards = sorted(str(path) for path in (rendered / "shards").glob("*.tar"))
    assert len(shards) == 3
    samples = list(webdataset.WebDataset(shards, shardshuffle=False))
    gc.collect()
    assert [sample["__key__"] for sample in samples] == [f"{index:08d}" for index in range(len(scenes))]
    for sample, scene in zip(samples, scenes, strict=True):
        with Image.open(io.BytesIO(sample["png"])) as read:
            assert np.array_equal(np.asarray(read), scene.image)
        labels = json.loads(sample["json"])
        assert len(labels["annotations"]) == len(scene)
        for k, annotation in enumerate(labels["annotations"]):
            check_annotation(annotation, scene, k, bank)


@pytest.fixture
def datasets() -> Iterator[Any]:
    import fiftyone as fo

    made: list[fo.Dataset] = []

    def load(kind: str, **options: Any) -> fo.Dataset:
        made.append(fo.Dataset.from_dir(dataset_type=getattr(fo.types, kind), progress=False, **options))
        return made[-1]

    yield load
    for dataset in made:
        dataset.delete()


@pytest.mark.fiftyone
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("COCODetectionDataset", {"data_path": "images", "labels_path": "coco.json"}),
        ("YOLOv5Dataset", {"split": "train"}),
        ("VOCDetectionDataset", {"data_path": "images", "labels_path": "voc"}),
        ("FiftyOneDataset", {}),
    ],
)
def test_fiftyone(
    datasets: Any, rendered: Path, scenes: list[Scene], bank: PatchBank, kind: str, options: dict[str, str]
) -> None:
    dataset = datasets(kind, dataset_dir=str(rendered), **options)
    assert len(dataset) == len(scenes)
    field = next(name for name in ("ground_truth", "detections") if dataset.has_field(name))
    for sample, scene in zip(dataset.sort_by("filepath"), scenes, strict=True):
        assert Path(sample.filepath) == rendered / "images" / f"{scene.plan.index:08d}.png"
        found = sample[field].detections if sample[field] is not None else []
        assert len(found) == len(scene)
        for k, detection in enumerate(found):
            assert detection.label == bank.classes[scene.labels[k]]
            x, y, width, height = detection.bounding_box
            box = np.array([y, x, y + height, x + width]) * (scene.image.shape[:2] * 2)
            assert box == pytest.approx(scene.boxes_px[k], abs=1e-4)
            if kind != "YOLOv5Dataset":
                assert detection["visible_fraction"] == pytest.approx(scene.visible_fraction[k], abs=1e-4)
                assert detection["patch"] == scene.patch_index[k]
                assert detection["source_image"] == bank.source_images[scene.patch_index[k]]


@pytest.mark.fiftyone
def test_fiftyone_datasets_keep_all(
    datasets: Any, rendered: Path, scenes: list[Scene], bank: PatchBank
) -> None:
    dataset = datasets("FiftyOneDataset", dataset_dir=str(rendered))
    assert dataset.default_classes == list(bank.classes)
    for sample, scene in zip(dataset.sort_by("scene_index"), scenes, strict=True):
        assert sample.tags == ["synthetic"]
        assert sample.backdrop == backdrop_of(scene, bank)
        assert (sample.metadata.height, sample.metadata.width) == scene.image.shape[:2]
        present = [bank.classes[label] for label in np.unique(scene.labels)]
        assert [tag.label for tag in sample.present.classifications] == present
        for k, detection in enumerate(sample.ground_truth.detections):
            row0, column0, row1, column1 = scene.boxes_px[k].astype(int)
            assert np.array_equal(detection.mask, scene.instance_mask[row0:row1, column0:column1] == k + 1)
            assert detection["annotation_id"] == bank.annotation_ids[scene.patch_index[k]]


@pytest.mark.fiftyone
def test_coco_masks_in_fiftyone(datasets: Any, rendered: Path, scenes: list[Scene]) -> None:
    dataset = datasets(
        "COCODetectionDataset",
        dataset_dir=str(rendered),
        data_path="images",
        labels_path="coco.json",
        label_types="segmentations",
    )
    field = next(name for name in ("ground_truth", "detections") if dataset.has_field(name))
    pixels = sum(d.mask.sum() for found in dataset.values(f"{field}.detections") for d in found or [])
    assert pixels == sum(np.count_nonzero(scene.instance_mask) for scene in scenes)


def test_a_dataset_for_yolo_names_its_classes(rendered: Path, bank: PatchBank) -> None:
    import yaml

    values = yaml.safe_load((rendered / "dataset.yaml").read_text())
    assert values["names"] == dict(enumerate(bank.classes))
