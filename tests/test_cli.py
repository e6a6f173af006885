from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from synthmed import __version__
from synthmed.bank import open_bank
from synthmed.cli import main
from synthmed.scenes import Recipe, read_recipe

Run = Callable[..., Result]
SIZES = ["--size", "Bacteria=10px", "--size", "RBC=29px", "--size", "WBC=43px"]


def run(*args: object) -> Result:
    """A command; an exception that is no message fails the test."""
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def succeeds(*args: object) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.output


def fails(*args: object) -> str:
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture
def data(phantom_dir: Path, tmp_path: Path) -> Path:
    """A copy of the phantom that a test may damage."""
    return Path(shutil.copytree(phantom_dir, tmp_path / "phantom", ignore=shutil.ignore_patterns("masks")))


def build(data: Path, *args: object, sizes: list[str] | None = None) -> list[object]:
    where = ["--images", data / "images", "--points", data / "points.csv", "--out", data / "bank"]
    return ["bank", "build", *where, *(SIZES if sizes is None else sizes), *args]


def test_the_commands_tell_what_they_do() -> None:
    listed = succeeds("--help")
    for command in ("bank", "render", "recipe", "phantom", "doctor"):
        assert command in listed
    for words in (["bank"], ["bank", "build"], ["bank", "info"], ["bank", "sheet"], ["render"], ["recipe"]):
        assert "Usage:" in succeeds(*words, "-h")
    assert __version__ in succeeds("--version")


def test_from_points_to_scenes(data: Path) -> None:
    built = succeeds(*build(data, "--seed", 3, "--border", "shift"))
    assert "Bacteria" in built and "43.0" in built
    spec = open_bank(data / "bank").spec
    assert (spec.seed, spec.border, spec.sizes_px["WBC"]) == (3, "shift", 43.0)
    info = succeeds("bank", "info", data / "bank", "--verify")
    assert open_bank(data / "bank").hash[:12] in info
    assert "wrote" in succeeds("bank", "sheet", data / "bank", "--out", data / "sheet.png", "--per-class", 2)
    assert (data / "sheet.png").stat().st_size > 1000

    rendered = ["render", data / "bank", "--out", data / "scenes", "--count", 3, "--size", 128]
    assert "3 scenes" in succeeds(*rendered)
    coco = json.loads((data / "scenes" / "coco.json").read_text())
    assert [(i["height"], i["width"]) for i in coco["images"]] == [(128, 128)] * 3
    assert "3 scenes" in succeeds(*rendered)
    assert "another count" in fails(*rendered, "--count", 4)


def test_segmented_banks_say_what_was_dropped_and_warn(data: Path) -> None:
    options = ["--matte", "segmented", "--recenter", "--min-solidity", "0.8", "--keep-duplicates"]
    said = succeeds(*build(data, *options, "--min-contrast", "20", "--min-focus", "0.1"))
    spec = open_bank(data / "bank").spec
    assert (spec.matte, spec.recenter, spec.min_solidity, spec.keep_duplicates) == (
        "segmented",
        True,
        0.8,
        True,
    )
    assert "no contrast" in said and "gave no patch" in said and "--min-contrast" in said


def test_formats_are_chosen(phantom_bank_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = ["--format", "yolo", "--format", "webdataset", "--image", "jpeg", "--quality", 80, "--shard", 2]
    said = succeeds(
        "render", phantom_bank_dir, "--out", f"file://{out}", "--count", 3, "--size", 128, *chosen
    )
    assert "3 scenes" in said
    assert [path.name for path in sorted(out.glob("shards/*.tar"))] == ["00000000.tar", "00000002.tar"]
    assert len(list(out.glob("images/*.jpg"))) == len(list(out.glob("labels/*.txt"))) == 3
    assert not (out / "coco.json").exists()
    said = fails("render", phantom_bank_dir, "--out", "nowhere://x", "--count", 1)
    assert "fsspec cannot open the URL" in said


def test_sizes_are_estimated_by_default(data: Path) -> None:
    succeeds(*build(data, sizes=[]))
    assert all(size > 3 for size in open_bank(data / "bank").sizes_px)


@pytest.mark.parametrize("count", [0, 3])
def test_a_number_of_distractors(data: Path, count: int) -> None:
    succeeds(*build(data, "--distractors", str(count)))
    assert len(open_bank(data / "bank").distractors) <= count


def test_the_printed_recipe_is_the_default(tmp_path: Path) -> None:
    kinds = ("joint", "decorrelated", "balanced")
    for options, kind in [([], "joint"), *((["--counts", kind], kind) for kind in kinds)]:
        path = tmp_path / f"{kind}.yaml"
        path.write_text(succeeds("recipe", *options))
        recipe = read_recipe(path)
        assert recipe.counts.kind == kind
        assert recipe.canvas == Recipe().canvas


def test_recipe_files(phantom_bank_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("canvas: {size_px: [64, 96]}\ncounts: {kind: fixed, fixed: {RBC: 2}}\n")
    out = succeeds("render", phantom_bank_dir, "--out", tmp_path / "out", "--count", 2, "--recipe", path)
    assert "RBC" in out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["objects"] == {"Bacteria": 0, "RBC": 4, "WBC": 0}
    path.write_text("canvas: {siz: 3}\n")
    said = fails("render", phantom_bank_dir, "--out", tmp_path / "new", "--count", 2, "--recipe", path)
    assert "recipe.yaml: canvas.siz: Extra inputs are not permitted" in said
    assert not (tmp_path / "new").exists()


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
    clean = succeeds(*build(data))
    add_bad_rows(data)
    said = succeeds(*build(data, "--out", data / "other"))
    assert "rows skipped" not in clean
    assert "3 rows skipped" in said
    for word in ("gone.png", "nan", "1e6", "outside its image"):
        assert word in said
    assert open_bank(data / "other").hash == open_bank(data / "bank").hash


def test_strict_stops_at_the_first_bad_row(data: Path) -> None:
    add_bad_rows(data)
    said = fails(*build(data, "--strict"))
    assert "points.csv, row" in said and "Remedy" in said
    assert not (data / "bank").exists()


def test_images_without_a_split_are_shared_out_and_it_says_so(data: Path) -> None:
    rows = [line.split(",") for line in (data / "points.csv").read_text().splitlines()]
    at = rows[0].index("split")
    (data / "points.csv").write_text("\n".join(",".join(r[:at] + r[at + 1 :]) for r in rows) + "\n")
    assert "split" in succeeds(*build(data))
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
    assert message in fails(*build(data, *options))
    assert not (data / "bank").exists()
    assert not list(data.glob(".*"))


def test_classes_without_a_size_are_estimated_and_it_says_so(data: Path) -> None:
    said = succeeds(*build(data, sizes=["--size", "RBC=29px"]))
    sizes = open_bank(data / "bank").spec.sizes_px
    assert sizes["RBC"] == 29
    for name in ("Bacteria", "WBC"):
        assert f"size of {name}: {sizes[name]} px, estimated from" in said
    assert "size of RBC" not in said


def test_a_size_without_a_unit(data: Path) -> None:
    said = fails(*build(data, sizes=["--size", "RBC=29"]))
    assert "size of 'RBC' has no unit (got '29'). Remedy: write RBC=29px or RBC=29um" in said


def test_a_class_that_is_lost_at_the_border_is_a_warning(data: Path) -> None:
    said = " ".join(succeeds(*build(data, sizes=["--size", "RBC=3000px", "--size", "auto"])).split())
    assert "Warning: RBC: none of" in said
    assert "no scene will show it; give a smaller size if 3000 px is not that of the class" in said


def test_exchanged_axes_are_told(data: Path) -> None:
    rows = [line.split(",") for line in (data / "points.csv").read_text().splitlines()]
    swapped = [rows[0], *([row[0], row[2], row[1], *row[3:]] for row in rows[1:])]
    (data / "points.csv").write_text("\n".join(map(",".join, swapped)) + "\n")
    said = " ".join(run(*build(data)).output.split())
    assert "points lie outside their image, and none would with x and y exchanged" in said
    succeeds(*build(data, "--column", "x=y", "--column", "y=x", "--out", data / "mended"))


def test_image_names_in_another_case(data: Path) -> None:
    text = (data / "points.csv").read_text()
    (data / "points.csv").write_text(text.replace(".png", ".PNG"))
    said = fails(*build(data))
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
        build(data, "--out", "/proc/new"),
        ["bank", "sheet", phantom_bank_dir, "--out", "/proc/new.png"],
        ["phantom", "/proc/new"],
    ):
        said = fails(*words)
        assert "Error: /proc/new" in said and "cannot write here: " in said
        assert "choose another place (--out), or make this one writable" in said


def test_many_objects_without_a_place_are_a_warning(phantom_bank_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("placement: {max_overlap: 0, tries: 1}\ncounts: {by_area: false}\nscale: 1.0\n")
    out = tmp_path / "out"
    said = succeeds("render", phantom_bank_dir, "--out", out, "--count", 4, "--size", 256, "--recipe", path)
    lost = json.loads((out / "manifest.json").read_text())["unplaced"]
    assert sum(lost.values()) > 0
    assert "objects found no place, so that scenes show too few of them" in " ".join(said.split())


def test_sizes_in_micrometres_need_the_pixel_size(data: Path) -> None:
    sizes = ["--size", "Bacteria=3um", "--size", "RBC=7um", "--size", "WBC=12um"]
    assert "--pixel-size-um" in fails(*build(data, sizes=sizes))
    succeeds(*build(data, "--pixel-size-um", 0.25, sizes=sizes))
    assert open_bank(data / "bank").sizes_px.tolist() == [12, 28, 48]


def test_groups_in_two_splits_are_refused_and_allowed_by_name(data: Path) -> None:
    lines = (data / "points.csv").read_text().splitlines()
    header = lines[0].split(",")
    rows = [line.split(",") for line in lines[1:]]
    for row in rows:
        row[header.index("group")] = "slide 7"
    (data / "points.csv").write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    said = fails(*build(data))
    assert "slide 7" in said and "--allow-group" in said
    succeeds(*build(data, "--allow-group", "slide 7"))
    assert set(open_bank(data / "bank").splits) == {"train"}


def test_a_taken_folder_is_refused_before_anything_is_read(data: Path) -> None:
    (data / "points.csv").write_text("never read")
    (data / "bank").mkdir()
    (data / "bank" / "mine.txt").write_text("")
    assert "not an empty folder" in fails(*build(data))


@pytest.mark.parametrize("command", [["bank", "info"], ["bank", "sheet", "--out", "x.png"], ["render"]])
def test_banks_that_cannot_be_opened(phantom_bank_dir: Path, clean_cwd: Path, command: list[str]) -> None:
    rest = ["--out", clean_cwd / "out", "--count", 1] if command == ["render"] else []
    assert "there is no patch bank here" in fails(*command, clean_cwd / "nothing", *rest)
    bank = Path(shutil.copytree(phantom_bank_dir, clean_cwd / "bank"))
    meta = json.loads((bank / "bank.json").read_text())
    (bank / "bank.json").write_text(json.dumps({**meta, "schema_version": 99}))
    said = fails(*command, bank, *rest)
    assert "another schema version than" in said and "got 99" in said
    assert sorted(path.name for path in clean_cwd.iterdir()) == ["bank"]


def test_scenes_that_cannot_hold_the_objects(phantom_bank_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("counts: {kind: fixed, fixed: {WBC: 2000}}\n")
    said = fails("render", phantom_bank_dir, "--out", tmp_path / "out", "--count", 2, "--recipe", path)
    assert "a canvas of 416 x 416 px holds only" in said
    assert "of the 2000 objects asked for" in said and "WBC" in said
    assert not (tmp_path / "out" / "manifest.json").exists()
    new = ["render", phantom_bank_dir, "--out", tmp_path / "new", "--count", 2, "--size"]
    for size in (0, 7, -3, 10**9):
        assert f"'--size': {size} is not in the range 8<=x<=16384" in fails(*new, size)
    said = fails(*new, 10)
    assert "on a canvas of 10 x 10 px 'Bacteria' is smaller than a pixel" in said and "larger canvas" in said
    assert not (tmp_path / "new").exists()


def test_folders_that_may_not_be_written_to(
    data: Path, phantom_bank_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "mkdir", denied)
    assert "Permission denied" in fails(*build(data))
    assert "Permission denied" in fails("render", phantom_bank_dir, "--out", data / "out", "--count", 1)
    assert not (data / "bank").exists() and not (data / "out").exists()


def test_a_full_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synthmed.bank.store.np.save", full)
    assert "Error: No space left on device" in fails(*build(data))
    assert not (data / "bank").exists() and not list(data.glob(".*"))


def process(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from synthmed.cli import main; main()", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_real_process_ends_with_code_2_and_one_message(phantom_dir: Path, tmp_path: Path) -> None:
    empty = tmp_path / "points.csv"
    empty.write_text("")
    ended = process(
        "bank", "build", "--images", phantom_dir / "images", "--points", empty, "--out", tmp_path / "b"
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: ") and ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    ended = process("bank", "info", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: {tmp_path}: there is no patch bank here. Remedy: build one: synthmed bank build\n"
    )


def test_phantom_command(tmp_path: Path) -> None:
    assert "wrote" in succeeds("phantom", tmp_path / "p", "--train", 1, "--val", 0)
    assert len(list((tmp_path / "p" / "images").iterdir())) == 1
    assert "not empty" in fails("phantom", tmp_path / "p")
    assert "at least one image" in fails("phantom", tmp_path / "q", "--train", 0, "--val", 0)


@pytest.mark.parametrize("count", [-1, 10_001])
def test_a_number_of_backdrops_out_of_range_is_told(data: Path, count: int) -> None:
    assert "0<=x<=10000" in fails(*build(data, "--backdrops", count))
