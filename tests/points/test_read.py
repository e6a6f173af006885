from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from synthmed.errors import PointsError, ProblemLog
from synthmed.points import PointSet, read_points

from .conftest import WriteText

COCO = {
    "images": [{"id": 1, "file_name": "a.png"}],
    "annotations": [{"id": 4, "image_id": 1, "category_id": 1, "bbox": [10, 20, 8, 4]}],
    "categories": [{"id": 1, "name": "RBC"}],
}


@pytest.mark.parametrize("name", ["points.csv", "points.json", "points"])
@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("image,x,y,label\na.png,14,22,RBC\n", None),
        (json.dumps(COCO), None),
        ("\n " + json.dumps(COCO), "val"),
    ],
)
def test_the_content_decides_not_the_name(
    images_dir: Path, tmp_path: Path, name: str, text: str, split: str | None
) -> None:
    (tmp_path / name).write_text(text)
    points = read_points(tmp_path / name, images_dir, split=split)
    assert points.centers_px.tolist() == [[22, 14]]
    assert points.splits == (split or "train",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not UTF-8"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("image,x,y,label\na.png,1,1,Zelle µ".encode("latin-1"), "not UTF-8"),
        (b"\0\0\0\0", "not text"),
    ],
)
def test_what_is_not_text_is_an_error(images_dir: Path, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "points.csv").write_bytes(content)
    with pytest.raises(PointsError, match=message):
        read_points(tmp_path / "points.csv", images_dir)


@pytest.mark.parametrize("name", ["none.csv", "images", "a\0b"])
def test_a_file_that_is_not_there_is_an_error(images_dir: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(PointsError):
        read_points(tmp_path / name, images_dir)


def test_a_missing_image_folder_is_an_error(images_dir: Path, write: WriteText) -> None:
    with pytest.raises(PointsError, match="image folder does not exist"):
        read_points(write("image,x,y,label\na.png,1,1,RBC\n"), images_dir / "none")


def test_progress_ends_complete(images_dir: Path, write: WriteText) -> None:
    calls: list[tuple[int, int]] = []
    path = write("image,x,y,label\na.png,1,1,RBC\nsub/b.jpg,1,1,RBC\n")
    read_points(path, images_dir, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize("folder", ["bccd_txl", "ldc_small", "dsb_fixture"])
def test_real_csv_and_coco_files_agree(shared_data: Path, folder: str) -> None:
    data, log = shared_data / folder, ProblemLog(strict=True)
    clicked = read_points(data / "points.csv", data / "images", log=log).of_split("train")
    boxed = read_points(data / "boxes_train.json", data / "images", classes=clicked.classes, log=log)
    assert boxed.has_sizes

    def features(points: PointSet) -> np.ndarray:
        names = [boxed.images.index(points.images[i]) for i in points.image_index]
        return 1000.0 * np.column_stack([names, points.labels, points.edge, points.centers_px / 1000])

    assert len(clicked) == len(boxed)
    for one, other in ((clicked, boxed), (boxed, clicked)):
        distances, _ = cKDTree(features(one)).query(features(other))
        assert distances.max() < 0.1  # the CSV has one decimal
    assert set(clicked.images) <= set(boxed.images)


def test_clicks_of_experts_are_all_usable(shared_data: Path) -> None:
    data = shared_data / "chula_rbc12_dense"
    points = read_points(data / "points.csv", data / "images", log=ProblemLog(strict=True))
    assert (len(points), len(points.images), len(points.classes)) == (8119, 92, 13)


def test_rows_that_are_skipped_are_told_also_without_a_log(
    images_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "points.csv"
    file.write_text("image,x,y,label\na.png,14,22,RBC\n")
    read_points(file, images_dir)
    assert not caplog.messages
    with file.open("a") as table:
        table.write("a.png,14,nan,RBC\n")
    assert len(read_points(file, images_dir)) == 1
    assert [message.partition(": ")[0] for message in caplog.messages] == [str(file)]
    assert "1 row skipped" in caplog.text
    read_points(file, images_dir, log=ProblemLog())
    assert len(caplog.messages) == 1
