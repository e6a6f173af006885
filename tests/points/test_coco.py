from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed.errors import PointsError, ProblemLog
from synthmed.points import read_points
from synthmed.points.coco import read_coco
from synthmed.points.problems import Reason

from .conftest import WriteText


def content(*annotations: Any, images: list[Any] | None = None) -> dict[str, Any]:
    """A COCO file with a good box on the first of two images, and more annotations."""
    good = {"id": 1, "image_id": 1, "category_id": 5, "bbox": [10, 20, 8, 4], "iscrowd": 0}
    return {
        "images": images
        or [{"id": 1, "file_name": "a.png", "width": 60}, {"id": 2, "file_name": "sub/b.jpg"}],
        "annotations": [good, *annotations],
        "categories": [{"id": 5, "name": "RBC"}, {"id": 3, "name": "WBC"}],
    }


def box(**changes: Any) -> dict[str, Any]:
    return {"id": 9, "image_id": 1, "category_id": 5, "bbox": [0, 0, 2, 2], **changes}


def test_boxes_become_centres_with_sizes(images_dir: Path, write: WriteText) -> None:
    points = read_coco(write(json.dumps(content(box(edge=1, category_id=3)))), images_dir, split="val")
    assert points.classes == ("RBC", "WBC")
    assert points.images == ("a.png", "sub/b.jpg")
    assert points.splits == ("val", "val")
    assert points.centers_px.tolist() == [[22, 14], [1, 1]]
    assert points.sizes_px.tolist() == [[4, 8], [2, 2]]
    assert points.boxes_px()[0].tolist() == [20, 10, 24, 18]
    assert points.edge.tolist() == [False, True]
    assert points.annotation_ids.tolist() == ["1", "9"]
    assert points.counts().tolist() == [[1, 1], [0, 0]]


def test_visible_keypoints_become_points_without_size(images_dir: Path, write: WriteText) -> None:
    annotation = box(keypoints=[5, 6, 2, 0, 0, 0, 7.5, 8, 1])
    points = read_coco(write(json.dumps(content(annotation))), images_dir)
    assert points.centers_px.tolist() == [[22, 14], [6, 5], [8, 7.5]]
    assert np.isnan(points.sizes_px[1:]).all()


@pytest.mark.parametrize(
    "annotation",
    [
        box(image_id="1", category_id="5"),
        box(bbox=["0", "0", "2.0", "2"]),
        box(bbox=None, keypoints=[1, 1, 2]),
        box(keypoints=[0, 0, 0]),
        box(keypoints="none"),
        box(edge=None, iscrowd="0", segmentation=[[1, 2]]),
    ],
)
def test_other_spellings_of_the_same_point(images_dir: Path, write: WriteText, annotation: Any) -> None:
    points = read_coco(write(json.dumps(content(annotation))), images_dir, log=ProblemLog(strict=True))
    assert points.centers_px[1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (None, Reason.NOT_AN_OBJECT),
        ([], Reason.NOT_AN_OBJECT),
        (box(image_id=7), Reason.IMAGE_UNKNOWN),
        (box(image_id=[1]), Reason.IMAGE_UNKNOWN),
        (box(category_id=7), Reason.CATEGORY_UNKNOWN),
        (box(category_id=3), Reason.LABEL_UNKNOWN),
        (box(iscrowd=1), Reason.CROWD),
        (box(bbox=[]), Reason.BOX),
        (box(bbox=[1, 1, 0, 5]), Reason.BOX),
        (box(bbox=[1, 1, 5, -5]), Reason.BOX),
        (box(bbox=[1, "x", 5, 5]), Reason.BOX),
        (box(bbox=[1, float("nan"), 5, 5]), Reason.BOX),
        (box(bbox=[1, 1, float("inf"), 5]), Reason.BOX),
        (box(bbox=[1, 1, 5, 10**400]), Reason.BOX),
        (box(bbox={"x": 1}), Reason.BOX),
        ({"id": 9, "image_id": 1, "category_id": 5, "keypoints": [1, 1, 0]}, Reason.KEYPOINTS),
        ({"id": 9, "image_id": 1, "category_id": 5, "keypoints": ["x", 1, 2]}, Reason.KEYPOINTS),
        (box(bbox=[59, 1, 5, 5]), Reason.OUTSIDE),
        (box(keypoints=[60, 1, 2]), Reason.OUTSIDE),
        (box(edge="maybe"), Reason.EDGE),
        (box(id="9" * 201), Reason.ID_TOO_LONG),
    ],
)
def test_a_bad_annotation_is_skipped_with_its_reason(
    images_dir: Path, write: WriteText, annotation: Any, reason: Reason
) -> None:
    log = ProblemLog()
    path = write(json.dumps(content(annotation)))
    points = read_coco(path, images_dir, classes=("RBC",), log=log)
    assert points.centers_px.tolist() == [[22, 14]]
    assert log.summary() == f"1 row skipped: 1 × {reason.text}"
    assert (log.problems[0].file, log.problems[0].remedy) == (str(path), reason.remedy)
    with pytest.raises(PointsError, match=reason.text):
        read_coco(path, images_dir, classes=("RBC",), log=ProblemLog(strict=True))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"id": 2, "file_name": "none.png"}, Reason.IMAGE_MISSING),
        ({"id": 2, "file_name": "cut.jpg"}, Reason.IMAGE_UNREADABLE),
        ({"id": 2}, Reason.IMAGE_EMPTY),
        ({"id": 2, "file_name": {"deep": []}}, Reason.IMAGE_EMPTY),
        ({"id": 2, "file_name": "sub/b.jpg", "width": 40, "height": 60}, Reason.IMAGE_SHAPE),
    ],
)
def test_a_bad_image_is_skipped_with_its_annotations(
    images_dir: Path, write: WriteText, image: Any, reason: Reason
) -> None:
    log = ProblemLog()
    images = [{"id": 1, "file_name": "a.png"}, image]
    path = write(json.dumps(content(box(image_id=2), box(image_id=2), images=images)))
    points = read_coco(path, images_dir, log=log)
    assert (points.images, len(points)) == (("a.png",), 1)
    (problem,) = log.problems
    assert problem.reason == reason.text
    assert problem.value.endswith(", 2 annotations")


def test_an_image_id_listed_twice_keeps_its_first_image(images_dir: Path, write: WriteText) -> None:
    images = [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "sub/b.jpg"}]
    log = ProblemLog()
    points = read_coco(write(json.dumps(content(images=images))), images_dir, log=log)
    assert points.images == ("a.png",)
    assert [problem.reason for problem in log.problems] == [Reason.IMAGE_REPEATED.text]


def test_missing_ids_never_match(images_dir: Path, write: WriteText) -> None:
    images = [{"id": 1, "file_name": "a.png"}, {"file_name": "sub/b.jpg"}]
    annotation = {"category_id": 5, "bbox": [0, 0, 2, 2]}
    log = ProblemLog()
    points = read_coco(write(json.dumps(content(annotation, images=images))), images_dir, log=log)
    assert (points.images, len(points)) == (("a.png",), 1)
    assert [problem.reason for problem in log.problems] == [Reason.IMAGE_ID.text, Reason.IMAGE_UNKNOWN.text]


def test_an_image_with_bad_annotations_alone_is_no_negative(images_dir: Path, write: WriteText) -> None:
    points = read_coco(write(json.dumps(content(box(image_id=2, iscrowd=1)))), images_dir)
    assert points.images == ("a.png",)


def test_crowds_are_kept_as_regions_to_ignore_where_asked_for(images_dir: Path, write: WriteText) -> None:
    path = write(json.dumps(content(box(iscrowd=1, bbox=[0, 0, 12, 10]))))
    log = ProblemLog()
    points = read_coco(path, images_dir, keep_crowds=True, log=log)
    assert not log.problems
    assert points.edge.tolist() == [False, True]
    assert points.sizes_px[1].tolist() == [10, 12]
    assert "edge" not in points.unsaid
    assert read_coco(path, images_dir).edge.tolist() == [False]


def with_places(first: dict[str, Any], second: dict[str, Any], name: str = "sub/b.jpg") -> str:
    """A COCO file whose two images have other entries, and a box each."""
    images = [{"id": 1, "file_name": "a.png", **first}, {"id": 2, "file_name": name, **second}]
    return json.dumps(content(box(image_id=2), images=images))


@pytest.mark.parametrize(
    ("first", "second", "split", "expected"),
    [
        ({}, {}, None, {"train", "val"}),
        ({}, {}, "test", {"test"}),
        ({"group": "s"}, {"group": " s "}, None, {"train"}),
        ({"group": "s"}, {"group": "t"}, None, {"train", "val"}),
        ({"split": "test"}, {"split": "TEST "}, None, {"test"}),
        ({"split": "train"}, {"split": "val"}, "test", {"train", "val"}),
    ],
)
def test_splits_come_from_the_file_or_the_caller_or_names(
    images_dir: Path,
    write: WriteText,
    first: dict[str, Any],
    second: dict[str, Any],
    split: str | None,
    expected: set[str],
) -> None:
    log = ProblemLog(strict=True)
    points = read_coco(write(with_places(first, second)), images_dir, split=split, log=log)
    assert set(points.splits) == expected
    assert points.groups == tuple(str(entry.get("group", "")).strip() for entry in (first, second))
    chosen = split is None and "split" not in first
    assert ["names no splits" in note for note in log.notes] == [True] * chosen


def test_the_splits_of_names_are_those_of_the_same_csv_file(images_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "points.json").write_text(with_places({}, {}))
    (tmp_path / "points.csv").write_text("image,x,y,label\na.png,1,1,RBC\nsub/b.jpg,1,1,RBC\n")
    log = ProblemLog()
    one, other = (read_points(tmp_path / f"points.{end}", images_dir, log=log) for end in ("json", "csv"))
    assert (one.images, one.splits) == (other.images, other.splits)
    assert len({note.partition("names no splits")[2] for note in log.notes}) == 1


@pytest.mark.parametrize(
    ("first", "second", "name", "reason"),
    [
        ({"split": "train"}, {}, "sub/b.jpg", Reason.SPLIT),
        ({"split": "train"}, {"split": "holdout"}, "sub/b.jpg", Reason.SPLIT),
        ({"split": "train"}, {"split": "val"}, "a.png", Reason.TWO_SPLITS),
        ({"group": "s"}, {"group": "t"}, "./a.png", Reason.TWO_GROUPS),
    ],
)
def test_an_image_without_a_place_is_skipped(
    images_dir: Path,
    write: WriteText,
    first: dict[str, Any],
    second: dict[str, Any],
    name: str,
    reason: Reason,
) -> None:
    log = ProblemLog()
    points = read_coco(write(with_places(first, second, name)), images_dir, log=log)
    assert (points.images, points.splits, len(points)) == (("a.png",), ("train",), 1)
    assert [(p.reason, p.value) for p in log.problems] == [(reason.text, f"{name}, 1 annotations")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "not valid JSON"),
        ("[]", "no list 'images'"),
        ('{"images": []}', "no list 'annotations'"),
        ('{"images": [], "annotations": {}, "categories": []}', "no list 'annotations'"),
        ('{"images": [], "annotations": [], "categories": []}', "no usable point"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "not valid JSON"),
        ('{"images": ' + "9" * 5_000 + "}", "not valid JSON"),
        (json.dumps(content(images=[{"id": 1, "file_name": "../a.png"}])), "leaves the image folder"),
        (json.dumps(content(images=[{"id": 1, "file_name": "/etc/hosts"}])), "leaves the image folder"),
        (json.dumps(content(images=[{"id": 1, "file_name": "\ud800.png"}])), "no usable point"),
    ],
    ids=range(12),
)
def test_a_file_that_cannot_be_used_is_an_error(
    images_dir: Path, write: WriteText, text: str, message: str
) -> None:
    with pytest.raises(PointsError) as caught:
        read_coco(write(text), images_dir)
    assert re.search(message, str(caught.value))
    assert caught.value.remedy


def test_deep_values_within_the_limit_of_json_are_skipped(images_dir: Path, write: WriteText) -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    annotations = [box(id=deep), box(bbox=deep), box(image_id=deep), box(category_id=deep), deep]
    images = [{"id": 1, "file_name": "a.png"}, {"id": deep, "file_name": deep}, deep]
    log = ProblemLog()
    points = read_coco(write(json.dumps(content(*annotations, images=images))), images_dir, log=log)
    assert points.centers_px.tolist() == [[22, 14], [1, 1]]
    assert len(log.problems) == 6


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        key: JSON | st.integers(1, 2)
        for key in (
            "id",
            "image_id",
            "category_id",
            "bbox",
            "keypoints",
            "edge",
            "iscrowd",
            "file_name",
            "name",
            "group",
            "split",
        )
    },
)


@given(
    st.fixed_dictionaries({name: st.lists(ENTRY | JSON) for name in ("images", "annotations", "categories")})
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_strange_entries_are_never_a_traceback(
    images_dir: Path, tmp_path: Path, extra: dict[str, Any]
) -> None:
    images = [{"id": 1, "file_name": "a.png", "split": "train"}]
    whole = {name: entries + extra[name] for name, entries in content(images=images).items()}
    (tmp_path / "strange.json").write_text(json.dumps(whole))
    try:
        points = read_coco(tmp_path / "strange.json", images_dir)
    except PointsError as error:
        assert "image path" in error.what
    else:
        assert points.centers_px[0].tolist() == [22, 14]
