from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.errors import ProblemLog, SynthmedError
from synthmed.metrics.coco_results import read_coco_results
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.truth_file import TruthFile, overlap, read_truth_file
from synthmed.points import read_points

BOX = [10, 20, 30, 40]
Read = Callable[..., Predictions]


def coco(**change: Any) -> dict[str, Any]:
    """Two images of 100 x 200 px, with ids and file names that disagree."""
    return {
        "images": [
            {"id": 5, "file_name": "7.png", "width": 200, "height": 100},
            {"id": 7, "file_name": "sub/b.png", "width": 200, "height": 100},
        ],
        "categories": [{"id": 1, "name": "RBC"}, {"id": 2, "name": "WBC"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 1, "bbox": BOX},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": BOX},
        ],
    } | change


def truth_of(path: Path, content: dict[str, Any], split: str | None = None) -> TruthFile:
    path.write_text(json.dumps(content))
    return read_truth_file(
        path, lambda names: read_points(path, None, classes=names, split="val"), split=split
    )


def entry(**change: Any) -> dict[str, Any]:
    return {"image_id": 5, "category_id": 1, "bbox": BOX, "score": 0.5} | change


@pytest.fixture
def found(tmp_path: Path) -> Read:
    def read(entries: Any, log: ProblemLog | None = None, **options: Any) -> Predictions:
        file = tmp_path / "predictions.json"
        file.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        truth = truth_of(tmp_path / "truth.json", coco())
        return read_coco_results(file, truth, log=log or ProblemLog(), **options)

    return read


def test_without_images_their_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    truth = truth_of(tmp_path / "truth.json", coco())
    assert truth.points.images == ("7.png", "sub/b.png")
    assert truth.points.image_shapes_px.tolist() == [[100, 200]] * 2
    assert truth.points.boxes_px().tolist() == [[20, 10, 60, 40]] * 2
    (tmp_path / "points.csv").write_text("image,x,y,label\na.png,1,1,RBC\n")
    with pytest.raises(SynthmedError, match="--images"):
        read_points(tmp_path / "points.csv", None)


@pytest.mark.parametrize(
    ("entries", "images", "labels"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([entry(), entry(image_id=7, category_id=2)], [0, 1], [0, 1], id="ids"),
        pytest.param([entry(image_id="7"), entry(image_id="b")], [0, 1], [0, 0], id="stems"),
        pytest.param([entry(image_id=7, file_name="7.png")], [0], [0], id="file names before ids"),
        pytest.param([entry(image_id="sub/b.png")], [1], [0], id="path"),
        pytest.param(
            {
                "images": [{"id": 1, "file_name": "b.png"}],
                "categories": [{"id": 0, "name": "WBC"}],
                "annotations": [entry(image_id=1, category_id=0)],
            },
            [1],
            [1],
            id="a COCO file of its own",
        ),
    ],
)
def test_images_and_classes(found: Read, entries: Any, images: list[int], labels: list[int]) -> None:
    predictions = found(entries)
    assert predictions.image_index.tolist() == images
    assert predictions.labels.tolist() == labels
    assert predictions.boxes_px.tolist() == [[20, 10, 60, 40]] * len(images)


def test_ids_of_categories_may_be_named(found: Read) -> None:
    with pytest.raises(SynthmedError, match=r"category") as error:
        found([entry(category_id=0), entry(category_id=1)])
    assert "--category 0=RBC" in str(error.value) and "1=RBC, 2=WBC" in str(error.value)
    named = found([entry(category_id=0), entry(category_id=1)], categories={"0": "RBC", "1": "WBC"})
    assert named.labels.tolist() == [0, 1]


def test_images_and_classes_that_are_not_judged_are_left_out(tmp_path: Path) -> None:
    content = coco()
    content["images"][0]["split"], content["images"][1]["split"] = "train", "val"
    truth = truth_of(tmp_path / "truth.json", content, split="val")
    (tmp_path / "p.json").write_text(json.dumps([entry(), entry(image_id=7)]))
    log = ProblemLog()
    predictions = read_coco_results(tmp_path / "p.json", truth, log=log)
    assert predictions.image_index.tolist() == [0]
    assert "1 boxes on images or of classes that are not judged" in log.notes[0]
    with pytest.raises(SynthmedError, match="no image is of the split"):
        truth_of(tmp_path / "truth.json", content, split="test")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param("{", "not valid JSON", id="cut off"),
        pytest.param({"info": 1}, "no COCO results", id="no results"),
        pytest.param([1], "not a JSON object", id="no objects"),
        pytest.param([{"image_id": 5, "category_id": 1, "bbox": BOX}], "no score", id="the truth itself"),
        pytest.param([entry(bbox=[1, 2, 3])], "no bbox of four", id="three numbers"),
        pytest.param([entry(bbox=None)], "no bbox of four", id="no box"),
        pytest.param(
            [entry(), entry(score=float("nan"))], "score of entry 2 .* not a finite", id="NaN score"
        ),
        pytest.param([entry(score=90)], r"not in 0\.\.1", id="percent"),
        pytest.param([entry(bbox=[1, 2, float("inf"), 4])], "not x, y, width, height", id="infinite"),
        pytest.param([entry(bbox=[30, 20, -10, 4])], "not x, y, width, height", id="negative"),
        pytest.param([entry(image_id=6)], "1 image ids are not among", id="unknown image"),
        pytest.param([entry(), entry(image_id=9)], "1 image ids are not among", id="one unknown image"),
        pytest.param([entry(category_id=3)], "categories of the predictions", id="unknown category"),
        pytest.param([entry(bbox=[0.2, 0.2, 0.1, 0.1])], "shares of the image", id="shares"),
        pytest.param([entry(bbox=[150, 60, 180, 90])], "centre outside the image", id="two corners"),
        pytest.param([entry(bbox=[600, 300, 30, 30])], "centre outside the image", id="resized image"),
    ],
)
def test_what_cannot_be_right_is_told(found: Read, entries: Any, message: str) -> None:
    with pytest.raises(SynthmedError, match=message) as error:
        found(entries)
    assert "Remedy" in str(error.value) and "predictions.json" in str(error.value)


def test_a_few_boxes_outside_count_as_wrong(found: Read) -> None:
    log = ProblemLog()
    predictions = found([*[entry()] * 9, entry(bbox=[300, 20, 30, 30])], log)
    assert len(predictions) == 10
    assert any("1 boxes have their centre outside" in note for note in log.notes)
    assert any("nothing is predicted on 1 of 2 images" in note for note in log.notes)


def test_the_same_images_are_known_by_their_objects(tmp_path: Path) -> None:
    judged = truth_of(tmp_path / "a.json", coco()).points
    assert overlap(judged, judged) == ["7.png", "sub/b.png"]
    other = coco()
    other["annotations"][0]["bbox"] = [50, 20, 30, 40]
    assert overlap(truth_of(tmp_path / "b.json", other).points, judged) == ["sub/b.png"]
    # Slides often have files of the same names.
    twice = coco()
    twice["images"].append({"id": 9, "file_name": "z/b.png", "width": 200, "height": 100})
    twice["annotations"].append({"id": 3, "image_id": 9, "category_id": 2, "bbox": [90, 50, 9, 9]})
    assert overlap(truth_of(tmp_path / "c.json", twice).points, judged) == ["7.png", "sub/b.png"]
    assert overlap(judged, truth_of(tmp_path / "c.json", twice).points) == ["7.png", "sub/b.png"]


def test_corners_are_rows_and_columns(found: Read) -> None:
    np.testing.assert_array_equal(found([entry(bbox=[1, 2, 3, 5])]).boxes_px, [[2, 1, 7, 4]])
