from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.errors import PointsError
from synthmed.points import PointSet, evenly, read_points, refuse_held_out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of two slides, of which one is in train and in val, and one image of test without a slide."""
    rows = ["image,x,y,label,split,group"]
    images = tmp_path / "images"
    for number, (name, split, group) in enumerate(
        [
            ("a/1.png", "train", "s1"),
            ("a/2.png", "train", "s2"),
            ("b/1.png", "val", "s2"),
            ("c.png", "test", ""),
        ]
    ):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(images / name)
        rows.append(f"{name},1,1,cell,{split},{group}")
    (tmp_path / "points.csv").write_text("\n".join(rows))
    return images


@pytest.fixture
def points(folder: Path) -> PointSet:
    return read_points(folder.parent / "points.csv", folder)


def test_no_images_and_images_of_train_pass(folder: Path, points: PointSet) -> None:
    refuse_held_out([], points, folder)
    refuse_held_out([("a/1.png", folder / "a/1.png")], points, folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("b/1.png", "1 of the images are of val or test"),
        ("c.png", "are of val or test"),
        ("a/2.png", r"slide or patient \(group\) that occurs in val or test"),
    ],
)
def test_what_is_held_out_is_refused(folder: Path, points: PointSet, name: str, message: str) -> None:
    with pytest.raises(PointsError, match=message):
        refuse_held_out([("a/1.png", folder / "a/1.png"), (name, folder / name)], points, folder)


def test_a_copy_is_refused_by_its_bytes_and_another_image_by_its_name(
    folder: Path, points: PointSet, tmp_path: Path
) -> None:
    copy = tmp_path / "innocent.png"
    shutil.copy(folder / "c.png", copy)
    with pytest.raises(PointsError, match=r"same bytes as images of val or test.*innocent.png"):
        refuse_held_out([("innocent.png", copy)], points, folder)
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(copy)
    refuse_held_out([("innocent.png", copy)], points, folder)
    with pytest.raises(PointsError, match="are of val or test"):
        refuse_held_out([("c.png", copy)], points, folder)


def test_a_file_name_that_train_and_val_share_is_told_apart_by_its_folder(
    folder: Path, points: PointSet
) -> None:
    refuse_held_out([("1.png", folder / "a/1.png")], points, folder)
    with pytest.raises(PointsError, match="are of val or test"):
        refuse_held_out([("1.png", folder / "b/1.png")], points, folder)
    link = folder.parent / "link.png"
    link.symlink_to(folder / "b/1.png")
    with pytest.raises(PointsError, match="are of val or test"):
        refuse_held_out([("link.png", link)], points, folder)


@pytest.mark.parametrize("count", [0, 1, 2, 10, 552])
@pytest.mark.parametrize("most", [None, 1, 2, 3, 64, 1000])
def test_evenly(count: int, most: int | None) -> None:
    chosen = list(evenly(range(count), most))
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, most or count)
    if count and most and 1 < most:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
