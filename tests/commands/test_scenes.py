from __future__ import annotations

import json
from pathlib import Path

from command_line import bank_words, fails, succeeds

from synthmed.bank import open_bank
from synthmed.scenes import Recipe, read_recipe


def test_from_points_to_scenes(data: Path) -> None:
    built = succeeds(*bank_words(data, "--seed", 3, "--border", "shift"))
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


def test_many_objects_without_a_place_are_a_warning(phantom_bank_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("placement: {max_overlap: 0, tries: 1}\ncounts: {by_area: false}\nscale: 1.0\n")
    out = tmp_path / "out"
    said = succeeds("render", phantom_bank_dir, "--out", out, "--count", 4, "--size", 256, "--recipe", path)
    lost = json.loads((out / "manifest.json").read_text())["unplaced"]
    assert sum(lost.values()) > 0
    assert "objects found no place, so that scenes show too few of them" in " ".join(said.split())


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


def test_phantom_command(tmp_path: Path) -> None:
    assert "wrote" in succeeds("phantom", tmp_path / "p", "--train", 1, "--val", 0)
    assert len(list((tmp_path / "p" / "images").iterdir())) == 1
    assert "not empty" in fails("phantom", tmp_path / "p")
    assert "at least one image" in fails("phantom", tmp_path / "q", "--train", 0, "--val", 0)
