from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.detect import Found, Outputs, Report, detect_images, find_images, least_scores
from synthmed.detect.results import Truth
from synthmed.detect.run import image_result
from synthmed.errors import DatasetError, ModelError, PointsError
from synthmed.metrics import Detections
from synthmed.points import read_points
from tests.detect.conftest import CLASSES, Blobs

SCORES = [0.0, 0.0]


@pytest.fixture
def images(phantom_dir: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    shutil.copytree(phantom_dir / "images", folder / "slide")
    return folder


def run(blobs: Blobs, images: Path, out: Path, **outputs: Any) -> Report:
    return detect_images(blobs, find_images([images]), Outputs(out, **outputs), SCORES)


def test_what_is_written_is_read_by_others(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    calls: list[tuple[int, int]] = []
    outputs = Outputs(tmp_path / "pred.json", tmp_path / "pred.csv", tmp_path / "pictures")
    report = detect_images(blobs, find_images([images]), outputs, SCORES, progress=lambda *n: calls.append(n))
    count = sum(len(result.scores) for result in report.results)
    assert count > 20
    assert calls[-1] == (9, 9)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "pred.json"))
    assert len(coco.getAnnIds()) == count
    assert {coco.cats[k]["name"] for k in coco.getCatIds()} == set(CLASSES)
    assert all(0 <= one["score"] <= 1 for one in coco.anns.values())
    centers = [read_points(tmp_path / name, images).centers_px for name in ("pred.json", "pred.csv")]
    assert len(centers[0]) == count
    np.testing.assert_allclose(*(np.sort(one, axis=0) for one in centers), atol=0.011)
    pictures = sorted(
        path.relative_to(tmp_path / "pictures") for path in (tmp_path / "pictures").rglob("*.png")
    )
    assert [str(path) for path in pictures] == [result.name for result in report.results]
    assert not list(tmp_path.glob("*.unfinished"))


def test_results_with_the_numbers_of_a_truth(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    names = [image.name for image in find_images([images])]
    truth = {
        "images": [
            {"id": 70 - k, "file_name": name, "width": 480, "height": 360} for k, name in enumerate(names[:5])
        ],
        "categories": [{"id": 9, "name": "other"}, {"id": 4, "name": "large"}, {"id": 7, "name": "small"}],
        "annotations": [],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    report = run(blobs, images, tmp_path / "pred.json", truth=tmp_path / "truth.json")
    assert report.left_out == 4
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "truth.json"))
        loaded = coco.loadRes(str(tmp_path / "pred.json"))
    expected = {70 - names.index(one.name): len(one.labels) for one in report.results}
    assert {k: len(loaded.getAnnIds(imgIds=[k])) for k in expected} == expected
    assert {one["category_id"] for one in loaded.anns.values()} == {4, 7}

    truth["categories"] = truth["categories"][:2]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(ModelError, match=r"lacks a class of the model.*small"):
        run(blobs, images, tmp_path / "other.json", truth=tmp_path / "truth.json")
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(PointsError, match="no COCO file"):
        run(blobs, images, tmp_path / "other.json", truth=tmp_path / "truth.json")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"[" * 200_000, PointsError),
        (b'{"images": [], "categories": [{"id": 1, "name": 3}]}', ModelError),
        (b'{"images": [], "categories": [{"id": 1}]}', PointsError),
        (b"\xff\xfe\xff", PointsError),
    ],
)
def test_a_truth_that_is_none_is_told(tmp_path: Path, content: bytes, kind: type[Exception]) -> None:
    (tmp_path / "truth.json").write_bytes(content)
    with pytest.raises(kind):
        Truth.read(tmp_path / "truth.json", CLASSES)


def test_a_truth_may_begin_with_a_mark_of_utf_8(tmp_path: Path) -> None:
    content = {"images": [{"id": 7, "file_name": "a"}], "categories": [{"id": 1, "name": "small"}]}
    (tmp_path / "truth.json").write_text(json.dumps(content), encoding="utf-8-sig")
    assert Truth.read(tmp_path / "truth.json", ("small",)).image_ids == {"a": 7}


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    halting = Blobs()
    halting.fail_after = 14  # tiles, of which an image has six
    with pytest.raises(ModelError, match="the plug"):
        run(halting, images, tmp_path / "pred.json")
    run(blobs, images, tmp_path / "again.json")
    journal = tmp_path / "pred.json.unfinished"
    done = journal.read_bytes()
    assert 1 < done.count(b"\n") < 10
    journal.write_bytes(done + b'{"mark": [1, 2], "name": "cut o')
    report = run(blobs, images, tmp_path / "pred.json")
    assert 0 < report.earlier < 9
    assert (tmp_path / "pred.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert not journal.exists()


def test_a_run_killed_between_its_files_goes_on(
    blobs: Blobs, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def halt(*_: Any) -> bytes:
        raise ModelError("the plug was pulled")

    outputs = Outputs(tmp_path / "pred.json", centers=tmp_path / "pred.csv")
    with monkeypatch.context() as patch, pytest.raises(ModelError, match="the plug"):
        patch.setattr("synthmed.detect.run.coco_dataset", halt)
        detect_images(blobs, find_images([images]), outputs, SCORES)
    written = outputs.centers.read_bytes()  # type: ignore[union-attr]
    report = detect_images(blobs, find_images([images]), outputs, SCORES)
    assert (report.earlier, (tmp_path / "pred.csv").read_bytes()) == (9, written)
    assert outputs.out.exists()

    outputs.out.unlink()
    with monkeypatch.context() as patch, pytest.raises(ModelError, match="the plug"):
        patch.setattr("synthmed.detect.run.centers_csv", halt)
        detect_images(blobs, find_images([images]), Outputs(outputs.out, tmp_path / "other.csv"), SCORES)
    (tmp_path / "other.csv").write_text("mine")
    with pytest.raises(DatasetError, match="there already"):
        detect_images(blobs, find_images([images]), Outputs(outputs.out, tmp_path / "other.csv"), SCORES)
    assert (tmp_path / "other.csv").read_text() == "mine"


def test_a_changed_image_is_looked_at_again(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    halting = Blobs()
    halting.fail_after = 14
    with pytest.raises(ModelError):
        run(halting, images, tmp_path / "pred.json")
    for path in images.rglob("*.png"):
        Image.new("RGB", (70, 50), "white").save(path)
    report = run(blobs, images, tmp_path / "pred.json")
    assert report.earlier == 0
    assert {result.shape_px for result in report.results} == {(50, 70)}


def test_nothing_is_told_of_an_image_that_changed_and_cannot_be_read_any_more(
    blobs: Blobs, images: Path, tmp_path: Path
) -> None:
    outputs = Outputs(tmp_path / "pred.json", pictures=tmp_path / "pictures")
    halting = Blobs()
    halting.fail_after = 14
    with pytest.raises(ModelError):
        detect_images(halting, find_images([images]), outputs, SCORES)
    journal = (tmp_path / "pred.json.unfinished").read_text().splitlines()
    done = {json.loads(line)["name"] for line in journal[1:]}
    assert {path.name for path in (tmp_path / "pictures").rglob("*.png")} == {
        Path(name).name for name in done
    }
    gone = min(done)
    (images / gone).write_bytes(b"\x89PNG no more")
    report = detect_images(blobs, find_images([images]), outputs, SCORES)
    assert [problem.file for problem in report.log.problems] == [gone]
    names = {entry["file_name"] for entry in json.loads(outputs.out.read_text())["images"]}
    assert gone not in names
    assert len(names) == len(report.results) == 8
    assert not (tmp_path / "pictures" / gone).exists()
    assert done - {gone} <= names


def test_an_unfinished_run_of_other_settings_is_kept(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    blobs.fail_after = 0
    with pytest.raises(ModelError):
        run(blobs, images, tmp_path / "pred.json")
    assert not list(tmp_path.glob("*.unfinished")), "nothing was done"
    blobs.fail_after = 14
    with pytest.raises(ModelError):
        run(blobs, images, tmp_path / "pred.json")
    with pytest.raises(DatasetError, match=r"unfinished run of other settings.*scores was"):
        detect_images(Blobs(), find_images([images]), Outputs(tmp_path / "pred.json"), [0.5, 0.5])
    for damaged in ("no JSON\n", "[" * 200_000 + "\n"):
        (tmp_path / "pred.json.unfinished").write_text(damaged)
        with pytest.raises(DatasetError, match="damaged"):
            run(Blobs(), images, tmp_path / "pred.json")


def test_nothing_is_overwritten(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("mine")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "mine.png").write_text("mine")
    for outputs in (
        Outputs(tmp_path / "there.json"),
        Outputs(tmp_path / "new.json", centers=tmp_path / "there.json"),
        Outputs(tmp_path / "new.json", pictures=tmp_path / "pictures"),
    ):
        with pytest.raises(DatasetError, match="there already"):
            detect_images(blobs, find_images([images]), outputs, SCORES)
    assert (tmp_path / "there.json").read_text() == "mine"


def test_images_that_cannot_be_read_are_in_the_log(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    (images / "broken.png").write_bytes(b"no image")
    report = run(blobs, images, tmp_path / "pred.json")
    assert [problem.file for problem in report.log.problems] == ["broken.png"]
    assert len(report.results) == 9


def test_find_images(images: Path, tmp_path: Path) -> None:
    found = find_images([images])
    assert all(image.name.startswith("slide/") for image in found)
    assert find_images([found[0].path]) == [(found[0].path.name, found[0].path)]
    shutil.copy(found[0].path, images / found[0].path.name)
    with pytest.raises(PointsError, match="2 images have the same name"):
        find_images([found[0].path, images / found[0].path.name])
    with pytest.raises(PointsError, match="is not UTF-8"):
        (tmp_path / "latin").mkdir()
        shutil.copy(found[0].path, tmp_path / "latin" / "zelle_\udcfc.png")
        find_images([tmp_path / "latin"])
    with pytest.raises(PointsError, match="no such image"):
        find_images([tmp_path / "none.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(PointsError, match="there are no images"):
        find_images([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("thresholds", "score", "everything", "expected"),
    [
        ({}, None, False, [0.3, 0.3]),
        ({"iou": {"small": 0.1, "large": 0.2}}, None, False, [0.1, 0.2]),
        (
            {"iou": {"small": 0.1, "large": 0.2}, "center": {"small": 0.3, "large": 0.4}},
            None,
            False,
            [0.3, 0.4],
        ),
        ({"iou": {"small": 0.1, "large": 0.2}}, 0.5, False, [0.5, 0.5]),
        ({"iou": {"small": 0.1, "large": 0.2}}, None, True, [0.001, 0.001]),
    ],
)
def test_least_scores(thresholds: Any, score: float | None, everything: bool, expected: list[float]) -> None:
    assert least_scores(CLASSES, thresholds, score, everything)[0] == expected


def test_the_score_of_each_class_counts(blobs: Blobs, images: Path, tmp_path: Path) -> None:
    every = run(blobs, images, tmp_path / "every.json").results
    some = detect_images(blobs, find_images([images]), Outputs(tmp_path / "some.json"), [1.0, 0.0]).results
    assert {label for result in some for label in result.labels} == {1}
    assert sum(r.labels.count(1) for r in some) == sum(r.labels.count(1) for r in every) > 0


def test_one_class_is_chosen_among_those_that_score_enough() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 30, 10, 40], [0, 30, 10, 40]])
    found = Found((50, 50), 1, 1.0, Detections(boxes, np.array([0.4, 0.3, 0.9, 0.8]), np.array([0, 1, 0, 1])))
    every = image_result("a", found, np.array([0.5, 0.1]))
    single = image_result("a", found, np.array([0.5, 0.1]), one_class=True)
    assert sorted(every.labels) == [0, 1, 1]
    assert (single.labels, single.scores) == ([0, 1], [0.9, 0.3])
    several = ([], [every], [single], [every, every])
    assert [Report(list(results)).in_two_classes() for results in several] == [0, 1, 0, 2]
