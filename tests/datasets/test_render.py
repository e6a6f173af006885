from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import open_bank
from synthmed.datasets import RenderReport, read_manifest, read_report, render_dataset
from synthmed.datasets.store import open_store
from synthmed.errors import BankError, DatasetError, RecipeError
from synthmed.scenes import Recipe, draw_plan, make_recipe, render

COUNT = 70  # three chunks, the last not full
SEED = 4
Content = Callable[[Path], dict[str, bytes]]
Render = Callable[..., RenderReport]


def test_the_folder_holds_the_scenes_and_their_labels(
    coco_only: Path, phantom_bank_dir: Path, recipe: Recipe
) -> None:
    names = sorted(path.name for path in coco_only.iterdir())
    assert names == ["coco.json", "images", "manifest.json", "tags.csv"]
    assert len(list((coco_only / "images").iterdir())) == COUNT
    bank = open_bank(phantom_bank_dir)
    for index in (0, 40, COUNT - 1):
        scene = render(draw_plan(recipe, bank, SEED, index), bank)
        assert np.array_equal(np.array(Image.open(coco_only / f"images/{index:08d}.png")), scene.image)
    coco = json.loads((coco_only / "coco.json").read_text())
    assert len((coco_only / "tags.csv").read_text().splitlines()) == COUNT + 1
    manifest = read_manifest(coco_only)
    assert sum(manifest["objects"].values()) == len(coco["annotations"]) > 0
    digest = hashlib.sha256((coco_only / "coco.json").read_bytes()).hexdigest()
    assert manifest["sha256"]["coco.json"] == digest
    assert make_recipe(manifest["recipe"]) == recipe


@pytest.mark.parametrize("workers", [2, 8])
def test_workers_do_not_change_the_bytes(
    render_everything: Render, rendered: Path, content: Content, tmp_path: Path, workers: int
) -> None:
    steps: list[tuple[int, int]] = []
    out = tmp_path / "deep" / "down"
    report = render_everything(out, workers=workers, progress=lambda *step: steps.append(step))
    assert content(out) == content(rendered)
    assert steps[0] == (0, COUNT) and steps[-1] == (COUNT, COUNT) and len(steps) == 4
    assert report.scenes == COUNT and report.folder == out
    assert [path.name for path in out.parent.iterdir()] == ["down"]


def test_the_truth_does_not_depend_on_the_image_file(
    render_everything: Render, rendered: Path, tmp_path: Path
) -> None:
    out = tmp_path / "jpeg"
    render_everything(out, image="jpeg", quality=90)
    for name in ("coco.json", "tags.csv", "labels/00000003.txt", "voc/00000003.xml"):
        text = (rendered / name).read_text()
        assert (out / name).read_text() == re.sub(r"(\d{8})\.png", r"\1.jpg", text)
    with Image.open(out / "images/00000003.jpg") as jpeg, Image.open(rendered / "images/00000003.png") as png:
        assert np.abs(np.asarray(jpeg).astype(int) - np.asarray(png)).mean() < 4


def test_formats_do_not_change_each_other(
    rendered: Path, coco_only: Path, phantom_bank_dir: Path, recipe: Recipe, content: Content, tmp_path: Path
) -> None:
    """Alone a format writes what it writes beside others; WebDataset has no loose images."""
    whole, alone = content(rendered), content(coco_only)
    assert {name for name in alone if whole[name] != alone[name]} == {"manifest.json"}
    out = tmp_path / "shards"
    render_dataset(
        phantom_bank_dir,
        out,
        count=COUNT,
        seed=SEED,
        recipe=recipe,
        formats=["webdataset", "webdataset"],
        shard=32,
    )
    alone = content(out)
    assert {name.split("/")[0] for name in alone} == {"shards", "manifest.json"}
    assert {name for name in alone if whole[name] != alone[name]} == {"manifest.json"}


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_url_holds_the_same_bytes(
    render_everything: Render, rendered: Path, content: Content, tmp_path: Path, scheme: str
) -> None:
    out = f"{scheme}://{tmp_path}/out"
    report = render_everything(out)
    store = open_store(out)
    assert {path: store.read(path) for path in store.sizes()} == content(rendered)
    assert report == (out, COUNT, *read_report(rendered)[2:])
    assert read_manifest(out) == read_manifest(rendered)


def test_memory_is_not_shared_by_processes(phantom_bank_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"only one process .*--workers 1"):
        render_dataset(phantom_bank_dir, f"memory://{tmp_path}", count=1, workers=2)


def test_folders_of_others_are_refused(
    phantom_bank_dir: Path, recipe: Recipe, content: Content, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "note.txt"):
        with pytest.raises(DatasetError, match="not an empty folder"):
            render_dataset(phantom_bank_dir, out, count=1, recipe=recipe)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(DatasetError, match="no JSON object"):
        render_dataset(phantom_bank_dir, tmp_path, count=1, recipe=recipe)
    with pytest.raises(DatasetError, match=r"cannot write: "):
        render_dataset(phantom_bank_dir, tmp_path / "note.txt" / "out", count=1, recipe=recipe)
    assert sorted(content(tmp_path)) == ["manifest.json", "note.txt"]


def test_what_cannot_be_rendered(phantom_bank_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BankError, match="no patch bank"):
        render_dataset(tmp_path / "bank", out, count=1)
    with pytest.raises(DatasetError, match="at least one scene"):
        render_dataset(phantom_bank_dir, out, count=0)
    with pytest.raises(DatasetError, match="not negative"):
        render_dataset(phantom_bank_dir, out, count=1, seed=-1)
    assert not out.exists()
    impossible = make_recipe({"counts": {"kind": "fixed", "fixed": {"WBC": 3000}}})
    with pytest.raises(RecipeError, match="of the 3000"):
        render_dataset(phantom_bank_dir, out, count=1, recipe=impossible)
    with pytest.raises(DatasetError, match="not finished"):
        read_manifest(out)
