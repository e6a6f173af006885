from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import bank_words, fails, run, succeeds

from synthmed.bank import open_bank


def test_segmented_banks_say_what_was_dropped_and_warn(data: Path) -> None:
    options = ["--matte", "segmented", "--recenter", "--min-solidity", "0.8", "--keep-duplicates"]
    said = succeeds(*bank_words(data, *options, "--min-contrast", "20", "--min-focus", "0.1"))
    spec = open_bank(data / "bank").spec
    assert (spec.matte, spec.recenter, spec.min_solidity, spec.keep_duplicates) == (
        "segmented",
        True,
        0.8,
        True,
    )
    assert "no contrast" in said and "gave no patch" in said and "--min-contrast" in said


def test_sizes_are_estimated_by_default(data: Path) -> None:
    succeeds(*bank_words(data, sizes=[]))
    assert all(size > 3 for size in open_bank(data / "bank").sizes_px)


@pytest.mark.parametrize("count", [0, 3])
def test_a_number_of_distractors(data: Path, count: int) -> None:
    succeeds(*bank_words(data, "--distractors", str(count)))
    assert len(open_bank(data / "bank").distractors) <= count


BAD_ROWS = """gone.png,10,10,RBC,train,x,0
{name},10,nan,RBC,train,{group},0
{name},1e6,10,RBC,train,{group},0
"""


def add_bad_rows(data: Path) -> None:
    header, first, *_ = (data / "points.csv").read_text().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    with (data / "points.csv").open("a") as file:
        file.write(BAD_ROWS.format(name=row["image"], group=row["group"]))


def test_bad_rows_are_skipped_counted_and_listed(data: Path) -> None:
    clean = succeeds(*bank_words(data))
    add_bad_rows(data)
    said = succeeds(*bank_words(data, "--out", data / "other"))
    assert "rows skipped" not in clean
    assert "3 rows skipped" in said
    for word in ("gone.png", "nan", "1e6", "outside its image"):
        assert word in said
    assert open_bank(data / "other").hash == open_bank(data / "bank").hash


def test_strict_stops_at_the_first_bad_row(data: Path) -> None:
    add_bad_rows(data)
    said = fails(*bank_words(data, "--strict"))
    assert "points.csv, row" in said and "Remedy" in said
    assert not (data / "bank").exists()


def test_images_without_a_split_are_shared_out_and_it_says_so(data: Path) -> None:
    rows = [line.split(",") for line in (data / "points.csv").read_text().splitlines()]
    at = rows[0].index("split")
    (data / "points.csv").write_text("\n".join(",".join(r[:at] + r[at + 1 :]) for r in rows) + "\n")
    assert "split" in succeeds(*bank_words(data))
    assert set(open_bank(data / "bank").splits) == {"train"}


def rewrite(text: str) -> Callable[[Path], object]:
    return lambda data: (data / "points.csv").write_text(text)


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (lambda data: shutil.rmtree(data / "images"), [], "images"),
        (lambda data: (data / "points.csv").unlink(), [], "points.csv"),
        (rewrite(""), [], "points.csv"),
        (rewrite("image,x,y,label\n"), [], "points.csv"),
        (rewrite("image,x,label\na.png,1,RBC\n"), [], "'y'"),
        (rewrite("image,x,y,label\n../a.png,1,1,RBC\n"), [], "leaves the image folder"),
        (rewrite("image,x,y,label\na.png,1,1,RBC\n"), [], "no usable point is left"),
        (rewrite('{"images": 3}'), [], "points.csv"),
        (rewrite("\0\1\2"), [], "points.csv"),
        (None, ["--size", "Virus=3px"], "Virus"),
        (None, ["--size", "RBC=3px"], "two sizes"),
        (None, ["--variation", "2"], "variation"),
        (None, ["--variation", "wide"], "--variation"),
        (None, ["--border", "wrap"], "--border"),
        (None, ["--seed", "-1"], "--seed"),
        (None, ["--split", "tarin"], "'tarin' is not one of 'train', 'val', 'test'"),
        (None, ["--split", "test"], "no points in split test (got 'train, val')"),
        (
            None,
            ["--class", "RBCs"],
            "no usable point has this class (got 'RBCs'). Remedy: the file has RBC; name",
        ),
        (None, ["--class", "WBC", "--class", "rbc"], "(got 'rbc'). Remedy: the file has RBC"),
        (None, ["--pixel-size-um", "0"], "not a positive number of micrometres (got 0)"),
        (None, ["--column", "pos"], "not a column"),
        (None, ["--column", "x=pos_x"], "pos_x"),
    ],
)
def test_banks_that_cannot_be_built(
    data: Path, damage: Callable[[Path], object] | None, options: list[str], message: str
) -> None:
    if damage is not None:
        damage(data)
    assert message in fails(*bank_words(data, *options))
    assert not (data / "bank").exists()
    assert not list(data.glob(".*"))


def test_classes_without_a_size_are_estimated_and_it_says_so(data: Path) -> None:
    said = succeeds(*bank_words(data, sizes=["--size", "RBC=29px"]))
    sizes = open_bank(data / "bank").spec.sizes_px
    assert sizes["RBC"] == 29
    for name in ("Bacteria", "WBC"):
        assert f"size of {name}: {sizes[name]} px, estimated from" in said
    assert "size of RBC" not in said


def test_a_size_without_a_unit(data: Path) -> None:
    said = fails(*bank_words(data, sizes=["--size", "RBC=29"]))
    assert "size of 'RBC' has no unit (got '29'). Remedy: write RBC=29px or RBC=29um" in said


def test_a_class_that_is_lost_at_the_border_is_a_warning(data: Path) -> None:
    said = " ".join(succeeds(*bank_words(data, sizes=["--size", "RBC=3000px", "--size", "auto"])).split())
    assert "Warning: RBC: none of" in said
    assert "no scene will show it; give a smaller size if 3000 px is not that of the class" in said


def test_exchanged_axes_are_told(data: Path) -> None:
    rows = [line.split(",") for line in (data / "points.csv").read_text().splitlines()]
    swapped = [rows[0], *([row[0], row[2], row[1], *row[3:]] for row in rows[1:])]
    (data / "points.csv").write_text("\n".join(map(",".join, swapped)) + "\n")
    said = " ".join(run(*bank_words(data)).output.split())
    assert "points lie outside their image, and none would with x and y exchanged" in said
    succeeds(*bank_words(data, "--column", "x=y", "--column", "y=x", "--out", data / "mended"))


def test_image_names_in_another_case(data: Path) -> None:
    text = (data / "points.csv").read_text()
    (data / "points.csv").write_text(text.replace(".png", ".PNG"))
    said = fails(*bank_words(data))
    assert "the image is missing, but one has this name in other upper and lower case" in said


def test_a_sheet_is_not_overwritten(phantom_bank_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_text("mine")
    said = fails("bank", "sheet", phantom_bank_dir, "--out", tmp_path / "mine.png")
    assert "something is there already. Remedy: choose another name (--out), or delete it first" in said
    assert (tmp_path / "mine.png").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write to")
def test_places_that_cannot_be_written_to_are_told_before_the_work(
    data: Path, phantom_bank_dir: Path
) -> None:
    (data / "points.csv").write_text("never read")
    for words in (
        bank_words(data, "--out", "/proc/new"),
        ["bank", "sheet", phantom_bank_dir, "--out", "/proc/new.png"],
        ["phantom", "/proc/new"],
    ):
        said = fails(*words)
        assert "Error: /proc/new" in said and "cannot write here: " in said
        assert "choose another place (--out), or make this one writable" in said


def test_sizes_in_micrometres_need_the_pixel_size(data: Path) -> None:
    sizes = ["--size", "Bacteria=3um", "--size", "RBC=7um", "--size", "WBC=12um"]
    assert "--pixel-size-um" in fails(*bank_words(data, sizes=sizes))
    succeeds(*bank_words(data, "--pixel-size-um", 0.25, sizes=sizes))
    assert open_bank(data / "bank").sizes_px.tolist() == [12, 28, 48]


def test_groups_in_two_splits_are_refused_and_allowed_by_name(data: Path) -> None:
    lines = (data / "points.csv").read_text().splitlines()
    header = lines[0].split(",")
    rows = [line.split(",") for line in lines[1:]]
    for row in rows:
        row[header.index("group")] = "slide 7"
    (data / "points.csv").write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    said = fails(*bank_words(data))
    assert "slide 7" in said and "--allow-group" in said
    succeeds(*bank_words(data, "--allow-group", "slide 7"))
    assert set(open_bank(data / "bank").splits) == {"train"}


def test_a_taken_folder_is_refused_before_anything_is_read(data: Path) -> None:
    (data / "points.csv").write_text("never read")
    (data / "bank").mkdir()
    (data / "bank" / "mine.txt").write_text("")
    assert "not an empty folder" in fails(*bank_words(data))


def test_folders_that_may_not_be_written_to(
    data: Path, phantom_bank_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "mkdir", denied)
    assert "Permission denied" in fails(*bank_words(data))
    assert "Permission denied" in fails("render", phantom_bank_dir, "--out", data / "out", "--count", 1)
    assert not (data / "bank").exists() and not (data / "out").exists()


def test_a_full_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synthmed.bank.store.np.save", full)
    assert "Error: No space left on device" in fails(*bank_words(data))
    assert not (data / "bank").exists() and not list(data.glob(".*"))


@pytest.mark.parametrize("count", [-1, 10_001])
def test_a_number_of_backdrops_out_of_range_is_told(data: Path, count: int) -> None:
    assert "0<=x<=10000" in fails(*bank_words(data, "--backdrops", count))
