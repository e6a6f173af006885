from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import open_bank
from synthmed.errors import DatasetError
from synthmed.nets.real_dataset import RealDataset
from synthmed.nets.real_truth import read_truth
from synthmed.points import read_points

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of 40 x 60 px: two of train, one of val, and one negative that only the boxes list."""
    (tmp_path / "images").mkdir()
    for name in ("a", "b", "c", "negative"):
        Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "images" / f"{name}.png")
    rows = ["image,x,y,label,split,edge", "a.png,5,6,RBC,train,0", "b.png,7,8,WBC,train,0"]
    rows += ["c.png,20.5,10,RBC,val,0", "c.png,50,30,WBC,val,1"]
    (tmp_path / "points.csv").write_text("\n".join(rows))
    write_boxes(
        tmp_path / "boxes_val.json", {"c": [(1, [17, 6, 7, 8], 0), (2, [45, 20, 15, 20], 1)], "negative": []}
    )
    return tmp_path


def write_boxes(path: Path, objects: dict[str, list[tuple[int, list[float], int]]]) -> None:
    names = list(objects)
    content = {
        "images": [
            {"id": i, "file_name": f"{name}.png", "height": 40, "width": 60} for i, name in enumerate(names)
        ],
        "annotations": [
            {"id": 10 * i + k, "image_id": i, "category_id": category, "bbox": box, "edge": edge}
            for i, name in enumerate(names)
            for k, (category, box, edge) in enumerate(objects[name])
        ],
        "categories": [{"id": 1, "name": "RBC"}, {"id": 2, "name": "WBC"}],
    }
    path.write_text(json.dumps(content))


def truth(folder: Path, **kwargs: Any) -> Any:
    return read_truth(folder / "images", folder / "points.csv", **{"split": "val", **kwargs})


def test_points_alone(folder: Path) -> None:
    found = truth(folder)
    assert found.images == ("c.png",)
    assert found.centers_px.tolist() == [[10, 20.5], [30, 50]]
    assert found.edge.tolist() == [False, True]
    assert np.isnan(found.sizes_px).all()
    assert truth(folder, split="train").images == ("a.png", "b.png")


def test_boxes_of_the_split_bring_sizes_and_negatives(folder: Path) -> None:
    found = truth(folder, boxes=folder / "boxes_{split}.json", classes=("WBC", "Bacteria", "RBC"))
    assert found.images == ("c.png", "negative.png")
    assert found.boxes_px().tolist() == [[6, 17, 14, 24], [20, 45, 40, 60]]
    assert [found.classes[label] for label in found.labels] == ["RBC", "WBC"]
    assert found.classes == ("WBC", "Bacteria", "RBC")
    assert found.edge.tolist() == [False, True]


def test_boxes_of_all_splits_give_only_this_one(folder: Path) -> None:
    box = [(1, [1, 2, 8, 8], 0)]
    write_boxes(folder / "all.json", {"a": box, "b": box, "c": box, "negative": []})
    assert truth(folder, boxes=folder / "all.json").images == ("c.png",)
    assert truth(folder, boxes=folder / "all.json", split="train").images == ("a.png", "b.png")


def test_boxes_of_one_named_file_add_no_image(folder: Path) -> None:
    assert truth(folder, boxes=folder / "boxes_val.json").images == ("c.png",)


def test_coco_points_of_all_splits_share_no_image(folder: Path) -> None:
    box = [(1, [1, 2, 8, 8], 0)]
    write_boxes(folder / "all.json", {"a": box, "b": box, "c": box, "negative": []})
    found = [
        read_truth(folder / "images", folder / "all.json", split=split).images for split in ("train", "val")
    ]
    assert all(found)
    assert sorted(found[0] + found[1]) == ["a.png", "b.png", "c.png", "negative.png"]
    with pytest.raises(DatasetError, match="no image is of the split 'test'"):
        read_truth(folder / "images", folder / "all.json", split="test")


def test_coco_points_of_one_split_are_the_split(folder: Path) -> None:
    found = read_truth(folder / "images", folder / "boxes_{split}.json", split="val")
    assert found.images == ("c.png", "negative.png")
    assert found.has_sizes


def test_boxes_that_lack_an_image(folder: Path) -> None:
    write_boxes(folder / "boxes_val.json", {"negative": [(1, [1, 2, 8, 8], 0)]})
    with pytest.raises(DatasetError, match=r"1 of 1 images of the split have no entry .*c\.png"):
        truth(folder, boxes=folder / "boxes_val.json")


def test_an_empty_split(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"no image is of the split 'test' \(got 'train, val'\)"):
        truth(folder, split="test")


@pytest.mark.parametrize("classes", [("rbc", "WBC"), ("rbc",)])
def test_a_class_that_the_bank_spells_differently(folder: Path, classes: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r"labelled 'RBC', which is not a class of the bank"):
        truth(folder, classes=classes)


def test_classes_without_any_object_are_an_error(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"'RBC', 'WBC', which is not .* \(got 'Yeast'\)"):
        truth(folder, classes=("Yeast",))


@pytest.mark.parametrize("boxes", [None, "boxes_{split}.json"])
def test_a_bank_of_some_classes_is_judged_on_these(
    folder: Path, boxes: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    found = truth(folder, boxes=boxes and folder / boxes, classes=("WBC",))
    assert found.classes == ("WBC",)
    assert found.centers_px.tolist() == [[30, 50] if boxes is None else [30, 52.5]]
    assert found.images[0] == "c.png"
    assert "left out are objects of classes that the bank lacks: RBC (1)" in caplog.text


def test_what_was_chosen_for_points_without_splits_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "points.csv").write_text("image,x,y,label\na.png,5,6,RBC\nb.png,7,8,WBC\nc.png,9,9,RBC\n")
    truth(folder)
    assert "points.csv names no splits" in caplog.text
    assert "points.csv: " not in caplog.text, "the file is named once"


def make(folder: Path, **kwargs: Any) -> RealDataset:
    values = {"images": folder / "images", "points": folder / "points.csv", **kwargs}
    return RealDataset(**values)


def test_the_dataset_has_class_sizes_where_there_are_no_boxes(folder: Path, bank_dir: Path) -> None:
    dataset = make(folder, bank=bank_dir)
    bank = open_bank(bank_dir)
    assert dataset.metainfo["classes"] == bank.classes
    assert dataset.metainfo["has_boxes"] is False
    info = dataset.get_data_info(0)
    assert (info["height"], info["width"]) == (40, 60)
    assert Path(info["img_path"]).name == "c.png"
    red, white = bank.classes.index("RBC"), bank.classes.index("WBC")
    assert [(i["bbox_label"], i["ignore_flag"]) for i in info["instances"]] == [(red, 0), (white, 1)]
    half = bank.sizes_px[red] / 2
    assert info["instances"][0]["bbox"] == pytest.approx([20.5 - half, 10 - half, 20.5 + half, 10 + half])


def test_the_dataset_with_boxes(folder: Path) -> None:
    dataset = make(folder, boxes=folder / "boxes_{split}.json")
    assert dataset.metainfo["classes"] == ("RBC", "WBC")
    assert dataset.metainfo["has_boxes"] is True
    assert len(dataset) == 2
    assert dataset.get_data_info(0)["instances"][0]["bbox"] == [17, 6, 24, 14]
    assert dataset.get_data_info(1)["instances"] == []


def test_a_dataset_without_boxes_and_bank(folder: Path) -> None:
    with pytest.raises(DatasetError, match="some objects have no box"):
        make(folder)


def test_boxes_that_are_required(folder: Path, bank_dir: Path) -> None:
    with pytest.raises(DatasetError, match=r"points\.csv: some objects have no box.*SYNTHMED_BOXES"):
        make(folder, bank=bank_dir, require_boxes=True)
    dataset = make(folder, bank=bank_dir, boxes=folder / "boxes_{split}.json", require_boxes=True)
    assert dataset.metainfo["has_boxes"] is True


@pytest.mark.parametrize("boxed", [False, True])
def test_a_dataset_of_images_that_the_bank_was_cut_from(
    phantom_dir: Path, bank_dir: Path, tmp_path: Path, boxed: bool
) -> None:
    values: dict[str, Any] = {"images": phantom_dir / "images", "bank": bank_dir}
    clicked = (phantom_dir / "points.csv").read_text()
    (tmp_path / "points.csv").write_text(clicked.replace(",train,", ",test,"))
    values["points"] = phantom_dir / "boxes_train.json" if boxed else tmp_path / "points.csv"
    with pytest.raises(
        DatasetError, match=r"cut from \d of the \d images of the split '(test|val)'"
    ) as caught:
        RealDataset(**values, split="val" if boxed else "test")
    assert "split='train'" in str(caught.value)
    assert 1 <= str(caught.value.value).count(".png") <= 3
    assert len(RealDataset(**{**values, "points": phantom_dir / "points.csv"}, split="train"))
    assert len(RealDataset(**{**values, "points": phantom_dir / "points.csv"}, split="val"))


@pytest.mark.parametrize("way", ["renamed", "folder", "linked", "other case"])
def test_the_same_image_under_another_name(
    phantom_dir: Path, bank_dir: Path, tmp_path: Path, way: str
) -> None:
    """The bank's first image, in the split test of another folder; without it the split is fine."""
    own = open_bank(bank_dir).images[0]
    name = {"renamed": "new.png", "folder": f"deep/{own}", "linked": "link.png", "other case": own.upper()}[
        way
    ]
    (tmp_path / "deep").mkdir()
    shutil.copy(phantom_dir / "images" / own, tmp_path / "real.png")
    if way == "linked":
        (tmp_path / name).symlink_to(tmp_path / "real.png")
    else:
        shutil.copy(tmp_path / "real.png", tmp_path / name)
    Image.new("RGB", (64, 64)).save(tmp_path / "other.png")
    points = tmp_path / "points.csv"
    header = "image,x,y,label,split\n"
    points.write_text(f"{header}other.png,20,20,RBC,test\n")
    assert len(RealDataset(tmp_path, points, split="test", bank=bank_dir)) == 1
    points.write_text(f"{header}other.png,20,20,RBC,test\n{name},20,20,RBC,test\n")
    with pytest.raises(DatasetError, match="cut from 1 of the 2 images of the split 'test'"):
        RealDataset(tmp_path, points, split="test", bank=bank_dir)


def test_another_image_of_the_same_slide(bank_dir: Path, tmp_path: Path) -> None:
    group = open_bank(bank_dir).groups[0]
    assert group
    Image.new("RGB", (64, 64)).save(tmp_path / "other.png")
    points = tmp_path / "points.csv"
    points.write_text(f"image,x,y,label,split,group\nother.png,20,20,RBC,test,{group}\n")
    with pytest.raises(DatasetError, match=r"1 group\(s\) of the split 'test': slides or patients") as caught:
        RealDataset(tmp_path, points, split="test", bank=bank_dir)
    assert group in str(caught.value)


def test_the_test_pipeline(folder: Path, bank_dir: Path) -> None:
    keys = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "instances")
    pipeline = [
        dict(type="ReadMicrograph"),
        dict(type="Resize", scale=(96, 96), keep_ratio=True),
        dict(type="PadWithBackground", size_divisor=32),
        dict(type="LoadAnnotations", with_bbox=True),
        dict(type="PackDetInputs", meta_keys=keys),
    ]
    item = make(folder, bank=bank_dir, pipeline=pipeline, test_mode=True)[0]
    assert item["inputs"].shape == (3, 64, 96)
    sample = item["data_samples"]
    assert sample.ori_shape == (40, 60)
    assert sample.img_shape == (64, 96)
    assert sample.scale_factor == (1.6, 1.6)
    assert len(sample.instances) == 2
    assert len(sample.gt_instances) == len(sample.ignored_instances) == 1


def test_real_data_with_and_without_boxes(shared_data: Path) -> None:
    data = shared_data / "ldc_small"
    arguments = {"images": data / "images", "points": data / "points.csv"}
    clicked = read_points(data / "points.csv", data / "images").of_split("val")
    boxed = read_truth(**arguments, split="val", boxes=data / "boxes_{split}.json")
    assert len(boxed.images) == 104
    assert set(clicked.images) < set(boxed.images), "negatives are listed in the file of boxes alone"
    assert len(boxed) == len(clicked) == 383
    assert boxed.has_sizes
    assert not clicked.has_sizes


def test_points_that_were_read_are_not_read_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    again = truth(folder)
    caplog.clear()
    (folder / "points.csv").rename(folder / "moved.csv")
    points = read_points(folder / "moved.csv", folder / "images")
    found = read_truth(folder / "images", points, split="val")
    assert (found.images, found.classes) == (again.images, again.classes)
    np.testing.assert_array_equal(found.centers_px, again.centers_px)
    with pytest.raises(DatasetError, match="no image is of the split 'test'"):
        read_truth(folder / "images", points, split="test")
    assert not caplog.messages
