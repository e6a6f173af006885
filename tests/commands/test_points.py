from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run


@pytest.mark.parametrize(
    "kind", ["qupath", "cvat", "label-studio", "napari", "imagej", "cell-counter", "coco"]
)
def test_points_go_to_a_tool_and_back(phantom_dir: Path, tmp_path: Path, kind: str) -> None:
    images = ("--images", phantom_dir / "images")
    there = run("points", "convert", phantom_dir / "points.csv", tmp_path / "there", "--to", kind, *images)
    assert there.exit_code == 0, there.output
    assert f"({kind})" in there.output
    assert ("does not hold splits" in there.output) == (kind not in ("coco", "cvat"))
    back = run("points", "convert", tmp_path / "there", tmp_path / "back.csv", *images)
    assert back.exit_code == 0, back.output
    count = there.output.split("wrote ")[1].split(" points")[0]
    assert f"wrote {count} points" in back.output


def test_boxes_need_sizes(phantom_dir: Path, tmp_path: Path) -> None:
    words = ("points", "convert", phantom_dir / "points.csv", tmp_path / "out", "--to", "yolo", "--images")
    failed = run(*words, phantom_dir / "images")
    assert failed.exit_code == 2
    assert "--size CLASS=PIXELS" in failed.output
    sizes = ("--size", "RBC=29px", "--size", "WBC=43", "--size", "Bacteria=10")
    assert run(*words, phantom_dir / "images", *sizes).exit_code == 0
    assert run(*words, phantom_dir / "images", "--size", "Dust=1").exit_code == 2


def test_a_name_that_tells_no_format_is_an_error(phantom_dir: Path, tmp_path: Path) -> None:
    done = run(
        "points",
        "convert",
        phantom_dir / "points.csv",
        tmp_path / "o.xml",
        "--images",
        phantom_dir / "images",
    )
    assert done.exit_code == 2
    assert "--to FORMAT" in done.output


def test_check_says_what_is_wrong_and_exits_with_1(phantom_dir: Path, tmp_path: Path) -> None:
    good = run("points", "check", phantom_dir / "points.csv", "--images", phantom_dir / "images")
    assert "nothing wrong was found" in good.output, good.output
    assert "in train" in good.output and "in val" in good.output
    assert good.exit_code == 0
    swapped = run(
        *("points", "check", phantom_dir / "points.csv", "--images", phantom_dir / "images"),
        *("--column", "x=y", "--column", "y=x"),
    )
    assert swapped.exit_code == 1
    assert "x and y are swapped" in swapped.output


def test_a_bank_is_built_from_any_format(phantom_dir: Path, tmp_path: Path) -> None:
    images = ("--images", phantom_dir / "images")
    run("points", "convert", phantom_dir / "points.csv", tmp_path / "q", "--to", "qupath", *images)
    sizes = ("--size", "RBC=29px", "--size", "WBC=43px", "--size", "Bacteria=10px")
    built = run("bank", "build", *images, "--points", tmp_path / "q", *sizes, "--out", tmp_path / "bank")
    assert built.exit_code == 0, built.output
