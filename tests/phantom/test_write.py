from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.errors import DatasetError
from synthmed.phantom import CLASSES, write_phantom

SMALL = (180, 240)


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "points.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _coco(folder: Path, split: str) -> dict:
    return json.loads((folder / f"boxes_{split}.json").read_text())


def test_the_folder_is_complete(phantom_dir: Path) -> None:
    names = sorted(path.name for path in (phantom_dir / "images").iterdir())
    assert len(names) == 9
    assert names == sorted(path.name for path in (phantom_dir / "masks").iterdir())
    listed = [
        image["file_name"] for split in ("train", "val") for image in _coco(phantom_dir, split)["images"]
    ]
    assert sorted(listed) == names
    assert [len(_coco(phantom_dir, split)["images"]) for split in ("train", "val")] == [6, 3]
    rows = _rows(phantom_dir)
    assert list(rows[0]) == ["image", "x", "y", "label", "split", "group", "edge"]
    assert {row["image"] for row in rows} <= set(names)
    assert {row["label"] for row in rows} == set(CLASSES)
    for name in names:
        with Image.open(phantom_dir / "images" / name) as image:
            assert (image.mode, image.size) == ("RGB", (480, 360))


def test_splits_share_no_slide(phantom_dir: Path) -> None:
    groups = {
        split: {r["group"] for r in _rows(phantom_dir) if r["split"] == split} for split in ("train", "val")
    }
    assert all(len(names) == 2 for names in groups.values())
    assert not groups["train"] & groups["val"]


def test_every_split_has_every_class(phantom_dir: Path) -> None:
    for split in ("train", "val"):
        assert {row["label"] for row in _rows(phantom_dir) if row["split"] == split} == set(CLASSES)


def test_boxes_masks_and_points_agree(phantom_dir: Path) -> None:
    for split in ("train", "val"):
        coco = _coco(phantom_dir, split)
        names = {image["id"]: image["file_name"] for image in coco["images"]}
        classes = {category["id"]: category["name"] for category in coco["categories"]}
        rows = [row for row in _rows(phantom_dir) if row["split"] == split]
        assert len(rows) == len(coco["annotations"])
        off = []
        for row, item in zip(rows, coco["annotations"], strict=True):
            assert (row["image"], row["label"]) == (names[item["image_id"]], classes[item["category_id"]])
            assert int(row["edge"]) == item["edge"]
            assert item["iscrowd"] == 0
            x, y, width, height = item["bbox"]
            assert 0 < item["area"] <= width * height
            off.append((float(row["x"]) - x - width / 2, float(row["y"]) - y - height / 2))
            mask = np.array(Image.open(phantom_dir / "masks" / row["image"])) == item["id"] % 1000
            rows_in, cols_in = np.nonzero(mask)
            assert x <= cols_in.min()
            assert cols_in.max() < x + width
            assert y <= rows_in.min()
            assert rows_in.max() < y + height
        if split == "val":
            assert np.abs(off).max() <= 0.01
        else:
            assert 0.7 < np.std(off) < 1.3


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_phantom(tmp_path / "a", train=2, val=1, seed=5, shape_px=SMALL)
    second = write_phantom(tmp_path / "b", train=2, val=1, seed=5, shape_px=SMALL)
    other = write_phantom(tmp_path / "c", train=2, val=1, seed=6, shape_px=SMALL)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)
    assert (first / "points.csv").read_bytes() != (other / "points.csv").read_bytes()


def test_jitter_moves_clicks_of_train_and_nothing_else(tmp_path: Path) -> None:
    exact = write_phantom(tmp_path / "a", train=1, val=1, click_jitter_px=0, shape_px=SMALL)
    shaken = write_phantom(tmp_path / "b", train=1, val=1, click_jitter_px=3, shape_px=SMALL)
    for name in ("boxes_train.json", "boxes_val.json", "images/slide00_field0.png"):
        assert (exact / name).read_bytes() == (shaken / name).read_bytes()
    moved = {"train": 0, "val": 0}
    for before, after in zip(_rows(exact), _rows(shaken), strict=True):
        moved[before["split"]] += (before["x"], before["y"]) != (after["x"], after["y"])
        assert 0 < float(after["x"]) < SMALL[1]
        assert 0 < float(after["y"]) < SMALL[0]
    assert moved["train"] > 0
    assert moved["val"] == 0


@pytest.mark.parametrize(("train", "val", "groups"), [(0, 1, 1), (1, 0, 1), (17, 9, 5)])
def test_slides_by_count(tmp_path: Path, train: int, val: int, groups: int) -> None:
    out = write_phantom(tmp_path / "out", train=train, val=val, shape_px=(64, 64))
    images = _coco(out, "train")["images"] + _coco(out, "val")["images"]
    assert len(images) == train + val
    assert len({image["group"] for image in images}) == groups


def test_progress_counts_images(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_phantom(
        tmp_path / "out",
        train=2,
        val=1,
        shape_px=(64, 64),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_empty_folder_is_filled_and_a_full_one_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_phantom(out, train=1, val=0, shape_px=(64, 64))
    before = (out / "points.csv").read_bytes()
    with pytest.raises(DatasetError, match="not empty") as error:
        write_phantom(out, train=1, val=0, seed=1)
    assert error.value.remedy
    assert (out / "points.csv").read_bytes() == before


@pytest.mark.parametrize(("train", "val"), [(0, 0), (-1, 2), (2, -1)])
def test_impossible_counts_are_refused(tmp_path: Path, train: int, val: int) -> None:
    with pytest.raises(DatasetError, match="at least one"):
        write_phantom(tmp_path / "out", train=train, val=val)
    assert not any(tmp_path.iterdir())


def test_an_interrupted_writing_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(tmp_path / "out", train=1, val=1, shape_px=(64, 64), progress=stop)
    assert not any(tmp_path.iterdir())


def test_images_without_objects_stay_in_as_negatives(tmp_path: Path) -> None:
    out = write_phantom(tmp_path / "out", train=8, val=0, shape_px=(48, 48))
    coco = _coco(out, "train")
    with_objects = {item["image_id"] for item in coco["annotations"]}
    assert len(coco["images"]) == 8 > len(with_objects) > 0
