from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ends

from synthmed.metrics.report import RunReport

Say = Callable[..., str]


def run(*words: object, code: int = 0) -> str:
    ended, said = ends("evaluate", *words)
    assert ended == code, said
    return said


@pytest.fixture
def folder(tmp_path: Path, phantom_dir: Path) -> Path:
    """Predictions on the phantom's train and val: `good` is the truth, `bad` misses every second object."""
    for split in ("train", "val"):
        truth = json.loads((phantom_dir / f"boxes_{split}.json").read_text())
        rows = [
            {"score": 0.9 if k % 2 else 0.2, **{key: a[key] for key in ("image_id", "category_id", "bbox")}}
            for k, a in enumerate(truth["annotations"])
        ]
        (tmp_path / f"good_{split}.json").write_text(json.dumps(rows))
        (tmp_path / f"bad_{split}.json").write_text(json.dumps(rows[::2]))
    return tmp_path


def written(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_one_line_judges_a_detector(phantom_dir: Path, folder: Path) -> None:
    said = run(phantom_dir / "boxes_val.json", folder / "good_val.json", "--out", folder / "m.json")
    assert "F1@0.5" in said and "Thresholds are fixed at 0.3" in said and "--tune-truth" in said
    report = RunReport.from_dict(written(folder / "m.json")["reports"][0])
    for entry in report.classes:
        assert entry.detector is not None
        # Half of the scores lie below 0.3; average precision does not ask for a threshold.
        assert entry.detector.average_precision == entry.detector.coco_map == 1
        assert entry.detector.precision_iou == 1 > entry.detector.recall_iou
    assert (report.run, report.thresholds_from, report.resamples) == ("good_val", "", 1000)


def test_what_lies_in_a_crowd_counts_for_nothing(phantom_dir: Path, folder: Path) -> None:
    truth = written(phantom_dir / "boxes_val.json")
    image = truth["images"][0]
    whole = [0, 0, image["width"], image["height"]]
    label = truth["categories"][0]["id"]
    crowd = {"id": 10**6, "image_id": image["id"], "category_id": label, "bbox": whole, "iscrowd": 1}
    found = [{"image_id": image["id"], "category_id": label, "bbox": [2, 2, 9, 9], "score": 0.99}]
    (folder / "found.json").write_text(json.dumps(found + written(folder / "good_val.json")))
    (folder / "crowd.json").write_text(json.dumps({**truth, "annotations": [*truth["annotations"], crowd]}))
    precisions = []
    for name in (phantom_dir / "boxes_val.json", folder / "crowd.json"):
        out = folder / f"{name.stem}_metrics.json"
        said = run(name, folder / "found.json", "--out", out)
        assert "skipped" not in said
        report = RunReport.from_dict(written(out)["reports"][0])
        precisions.append([entry.detector.precision_iou for entry in report.classes if entry.detector])
    assert min(precisions[0]) < 1
    assert set(precisions[1]) == {1.0}


def test_tuned_on_other_images_two_models_are_compared(phantom_dir: Path, folder: Path) -> None:
    words = [phantom_dir / "boxes_val.json", folder / "good_val.json", folder / "bad_val.json"]
    words += ["--tune-truth", phantom_dir / "boxes_train.json"]
    words += [
        "--tune-predictions",
        folder / "good_train.json",
        "--tune-predictions",
        folder / "bad_train.json",
    ]
    said = run(*words, "--out", folder / "m.json", "--plot", folder / "curves.png", "--resamples", 50)
    assert "bad_val less good_val" in said and "boxes at random places" in said
    assert (folder / "curves.png").stat().st_size > 10_000
    content = written(folder / "m.json")
    good, bad = (RunReport.from_dict(report) for report in content["reports"])
    (difference,) = content["differences"]
    assert difference["classes"] == [*(entry.name for entry in good.classes), "mean"]
    for entry, other, (value, low, high) in zip(
        good.classes, bad.classes, difference["figures"]["f1_iou"], strict=False
    ):
        assert entry.detector is not None and other.detector is not None
        assert entry.detector.f1_iou == 1
        assert value == pytest.approx(other.detector.f1_iou - 1)
        assert low <= value <= high <= 0
    assert "something is there already" in run(*words, "--out", folder / "m.json", code=2)


def test_thresholds_are_never_tuned_on_what_is_judged(phantom_dir: Path, folder: Path) -> None:
    truth, found = phantom_dir / "boxes_val.json", folder / "good_val.json"
    said = run(truth, found, "--tune-truth", truth, "--tune-predictions", found, code=2)
    assert "images that thresholds would be tuned on are those that are judged" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tune-predictions", "good_train.json"], "--tune-predictions needs --tune-truth"),
        (["--tune-truth", "good_train.json"], "thresholds need 1 --tune-predictions"),
        (["--category", "1"], "write ID=CLASS"),
        (["--size", "RBC"], "write CLASS=PIXELS"),
        (["--class", "Dust"], "class"),
        (["--plot", "x.gif"], "PNG, PDF or SVG"),
        (["."], "boxes and maps cannot be compared"),
    ],
)
def test_what_cannot_be_meant_is_told(
    phantom_dir: Path, folder: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert message in run(phantom_dir / "boxes_val.json", "good_val.json", *words, code=2)


def test_points_are_judged_by_centres_alone(phantom_dir: Path, folder: Path) -> None:
    words = [phantom_dir / "points.csv", folder / "named.json", "--images", phantom_dir / "images"]
    truth = written(phantom_dir / "boxes_val.json")
    names = {image["id"]: image["file_name"] for image in truth["images"]}
    rows = written(folder / "good_val.json")
    (folder / "named.json").write_text(
        json.dumps([row | {"file_name": names[row["image_id"]], "image_id": 0, "score": 0.9} for row in rows])
    )
    meant = [word for c in truth["categories"] for word in ("--category", f"{c['id']}={c['name']}")]
    sizes = [word for name in ("Bacteria=10", "RBC=29", "WBC=43") for word in ("--size", name)]
    assert "the sizes of classes have to be given" in run(*words, "--split", "val", *meant, code=2)
    said = run(*words, "--split", "val", *meant, *sizes, "--out", folder / "m.json")
    assert "centre F1" in said and "F1@0.5" not in said
    report = RunReport.from_dict(written(folder / "m.json")["reports"][0])
    assert not report.boxes_annotated and report.images == len(truth["images"])
    assert report.overall.detector is not None and report.overall.detector.f1_center > 0.95


def test_thresholds_are_tuned_on_another_split_of_the_same_files(phantom_dir: Path, folder: Path) -> None:
    rows, names = [], {}
    for split in ("train", "val"):
        truth = written(phantom_dir / f"boxes_{split}.json")
        files = {image["id"]: image["file_name"] for image in truth["images"]}
        names |= {category["id"]: category["name"] for category in truth["categories"]}
        own = written(folder / f"good_{split}.json")
        rows += [row | {"file_name": files[row["image_id"]], "image_id": 0} for row in own]
    (folder / "all.json").write_text(json.dumps(rows))
    words = [phantom_dir / "points.csv", folder / "all.json", "--images", phantom_dir / "images"]
    words += [word for key, name in names.items() for word in ("--category", f"{key}={name}")]
    words += [word for name in ("Bacteria=10", "RBC=29", "WBC=43") for word in ("--size", name)]
    f1 = []
    for tuned in ([], ["--tune-split", "train"]):
        run(*words, "--split", "val", *tuned, "--out", folder / f"{len(tuned)}.json")
        detector = RunReport.from_dict(written(folder / f"{len(tuned)}.json")["reports"][0]).overall.detector
        assert detector is not None
        f1.append(detector.f1_center)
    assert f1[0] < 0.8 < f1[1], "half of what is right scores 0.2"
    for splits in (["--tune-split", "train"], ["--split", "val", "--tune-split", "val"]):
        assert "are those that are judged" in run(*words, *splits, code=2)


def test_maps_are_judged_beside_those_that_know_no_image(phantom_dir: Path, folder: Path) -> None:
    for split in ("train", "val"):
        truth = written(phantom_dir / f"boxes_{split}.json")
        for image in truth["images"]:
            maps = {
                c["name"]: np.zeros((image["height"] // 4, image["width"] // 4)) for c in truth["categories"]
            }
            of_id = {c["id"]: c["name"] for c in truth["categories"]}
            for a in truth["annotations"]:
                x, y, w, h = (v / 4 for v in a["bbox"])
                if a["image_id"] == image["id"]:
                    maps[of_id[a["category_id"]]][int(y + h / 2), int(x + w / 2)] = 5
            (folder / split).mkdir(exist_ok=True)
            np.savez(folder / split / Path(image["file_name"]).with_suffix(".npz").name, **maps)
    words = [phantom_dir / "boxes_val.json", folder / "val", "--resamples", 20]
    said = run(*words)
    assert "Peaks are not judged" in said and "bell at the centre" in said and "uniform map" in said
    tuned = ["--tune-truth", phantom_dir / "boxes_train.json", "--tune-predictions", folder / "train"]
    run(*words, *tuned, "--out", folder / "m.json")
    report = RunReport.from_dict(written(folder / "m.json")["reports"][0])
    assert report.overall.cam is not None
    assert report.overall.cam.peak_f1 > 0.8 and report.overall.cam.pointing_game > 0.9
    assert report.overall.baseline_cams["uniform"].energy_gain == pytest.approx(1)


def test_it_needs_no_networks() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from synthmed.cli import main\n"
        "import synthmed.metrics.file_evaluation\n"
        "assert CliRunner().invoke(main, ['evaluate', '--help']).exit_code == 0\n"
        "assert not {'torch', 'mmdet', 'mmcv', 'fiftyone', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
