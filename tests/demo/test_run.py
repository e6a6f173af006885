"""The whole path, with a few iterations: real `mim train`, real FiftyOne."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthmed.cli import main

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.mmdet, pytest.mark.fiftyone, pytest.mark.slow]


@pytest.fixture(scope="module")
def demo(phantom_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], str]:
    """The folder of a finished demo, the arguments that made it, and what it printed."""
    out = tmp_path_factory.mktemp("demo")
    arguments = [
        "demo",
        "--data",
        str(phantom_dir),
        "--out",
        str(out),
        "--configs",
        str(ROOT / "mmdet_configs"),
    ]
    arguments += ["--detector-iters", "2", "--classifier-iters", "2", "--size", "auto"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out / phantom_dir.name, arguments, result.output


def test_leaves_what_it_promises(demo: tuple[Path, list[str], str]) -> None:
    folder, _, _ = demo
    pictures = {path.name for path in (folder / "pictures").iterdir()}
    assert {"bank.png", "real_beside_synthetic.png", "found_1.png"} <= pictures
    assert (folder / "bank" / "bank.json").exists()
    assert (folder / "scenes" / "manifest.json").exists()
    for network in ("detector", "classifier"):
        assert (folder / network / "last_checkpoint").exists()
    chosen = {
        network: json.loads((folder / network / "thresholds.json").read_text()).keys()
        for network in ("detector", "classifier")
    }
    assert chosen == {"detector": {"iou", "center"}, "classifier": {"peak"}}


def test_report_counts_what_is_there(demo: tuple[Path, list[str], str], phantom_dir: Path) -> None:
    report = json.loads((demo[0] / "report.json").read_text())
    boxes = json.loads((phantom_dir / "boxes_val.json").read_text())
    names = {category["id"]: category["name"] for category in boxes["categories"]}
    for entry in report["classes"]:
        own = [a for a in boxes["annotations"] if names[a["category_id"]] == entry["name"]]
        assert entry["objects"] == sum(not a["edge"] for a in own)
        assert entry["edge_objects"] == sum(a["edge"] for a in own)
        for figure in (entry["detector"]["f1_iou"], entry["cam"]["pointing_game"]):
            assert figure is None or 0 <= figure <= 1


def test_prints_a_table_with_the_baselines(demo: tuple[Path, list[str], str]) -> None:
    printed = demo[2]
    for word in (
        "F1@0.5",
        "centre F1",
        "random boxes",
        "pointing",
        "centre bell",
        "uniform",
        "peak F1",
        "RBC",
    ):
        assert word in printed


def test_fiftyone_dataset_holds_images_scenes_and_results(demo: tuple[Path, list[str], str]) -> None:
    import fiftyone as fo

    dataset = fo.load_dataset(f"synthmed-demo-{demo[0].name}")
    assert len(dataset.match_tags("synthetic")) == 64
    assert {"predictions", "ground_truth", "points"} <= set(dataset.get_field_schema())
    assert dataset.list_evaluations()


def test_started_again_it_goes_on_to_the_same_figures(demo: tuple[Path, list[str], str]) -> None:
    folder, arguments, _ = demo
    before = json.loads((folder / "report.json").read_text())
    checkpoint = (folder / "detector" / "last_checkpoint").read_text()
    result = CliRunner().invoke(main, [*arguments, "--no-fiftyone"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert (folder / "detector" / "last_checkpoint").read_text() == checkpoint
    after = json.loads((folder / "report.json").read_text())
    for old, new in zip(before["classes"], after["classes"], strict=True):
        assert math.isclose(old["detector"]["f1_center"] or 0, new["detector"]["f1_center"] or 0)


def test_images_of_one_split_only_are_told(tmp_path: Path, phantom_dir: Path) -> None:
    (tmp_path / "images").symlink_to(phantom_dir / "images")
    lines = (phantom_dir / "points.csv").read_text().splitlines()
    train = [line for line in lines if ",val," not in line]
    (tmp_path / "points.csv").write_text("\n".join(train))
    result = CliRunner().invoke(main, ["demo", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "no image is of the split 'val'" in result.output
    assert not (tmp_path / "out").exists()


def test_folder_without_points_is_told(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    result = CliRunner().invoke(main, ["demo", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "points.csv" in result.output and "Remedy" in result.output
