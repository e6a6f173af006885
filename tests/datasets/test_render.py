from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import open_bank
from synthmed.datasets import read_manifest, render_dataset
from synthmed.errors import BankError, DatasetError, RecipeError
from synthmed.scenes import Recipe, draw_plan, make_recipe, recipe_to_yaml, render

COUNT = 70  # three chunks, the last not full
SEED = 4


def content(folder: Path) -> dict[str, bytes]:
    """Every file by its path, so that two folders can be compared byte by byte."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def rendered(phantom_bank_dir: Path, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished rendering by one process; not to be written to."""
    out = tmp_path_factory.mktemp("rendered") / "scenes"
    render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    return out


def test_the_folder_holds_the_scenes_and_their_labels(
    rendered: Path, phantom_bank_dir: Path, recipe: Recipe
) -> None:
    names = sorted(path.name for path in rendered.iterdir())
    assert names == ["coco.json", "images", "manifest.json", "tags.csv"]
    assert len(list((rendered / "images").iterdir())) == COUNT
    bank = open_bank(phantom_bank_dir)
    for index in (0, 40, COUNT - 1):
        scene = render(draw_plan(recipe, bank, SEED, index), bank)
        assert np.array_equal(np.array(Image.open(rendered / f"images/{index:08d}.png")), scene.image)
    coco = json.loads((rendered / "coco.json").read_text())
    assert len(coco["images"]) == COUNT
    assert len((rendered / "tags.csv").read_text().splitlines()) == COUNT + 1
    manifest = read_manifest(rendered)
    assert sum(manifest["objects"].values()) == len(coco["annotations"]) > 0
    assert manifest["coco_sha256"] == hashlib.sha256((rendered / "coco.json").read_bytes()).hexdigest()
    assert make_recipe(manifest["recipe"]) == recipe


def test_workers_do_not_change_the_bytes(
    rendered: Path, phantom_bank_dir: Path, recipe: Recipe, tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    out = tmp_path / "deep" / "down"
    report = render_dataset(
        phantom_bank_dir,
        out,
        count=COUNT,
        recipe=recipe,
        seed=SEED,
        workers=2,
        progress=lambda *step: steps.append(step),
    )
    assert content(out) == content(rendered)
    assert steps[0] == (0, COUNT) and steps[-1] == (COUNT, COUNT) and len(steps) == 4
    assert report.scenes == COUNT and report.folder == out
    assert [path.name for path in out.parent.iterdir()] == ["down"]


SCRIPT = """
import multiprocessing, sys, time
from synthmed.datasets import render_dataset
from synthmed.scenes import read_recipe

def report(done, total):
    workers = [process.pid for process in multiprocessing.active_children()]
    print("done", done, *workers, flush=True)

if __name__ == "__main__":
    bank, out, recipe, workers = sys.argv[1:]
    render_dataset(
        bank, out, count=70, recipe=read_recipe(recipe), seed=4, workers=int(workers), progress=report
    )
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(
    rendered: Path, phantom_bank_dir: Path, recipe: Recipe, tmp_path: Path, workers: int
) -> None:
    script, recipe_file, out = tmp_path / "run.py", tmp_path / "recipe.yaml", tmp_path / "scenes"
    script.write_text(SCRIPT)
    recipe_file.write_text(recipe_to_yaml(recipe))
    process = subprocess.Popen(
        [sys.executable, str(script), str(phantom_bank_dir), str(out), str(recipe_file), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().split()[:2] == ["done", "0"]
        children = [int(word) for word in process.stdout.readline().split()[2:]]
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(children) == (workers if workers > 1 else 0)

    assert (out / "unfinished.json").exists() and not (out / "manifest.json").exists()
    parts = len(list((out / "parts").glob("*.json")))
    assert 1 <= parts <= 3
    with pytest.raises(DatasetError, match="not finished"):
        read_manifest(out)

    deadline = time.monotonic() + 60
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, children))

    steps: list[int] = []
    render_dataset(
        phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED, progress=lambda d, _: steps.append(d)
    )
    assert steps[0] >= 6, "finished chunks are not rendered again"
    assert content(out) == content(rendered)


@pytest.mark.parametrize("killed_while", ["rendering", "finishing", "tidying"])
def test_it_goes_on_from_wherever_it_was_killed(
    rendered: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_while: str,
) -> None:
    """A kill leaves half an image, half a file under its temporary name, or parts not yet removed."""
    out = tmp_path / "scenes"
    step = {"rendering": "_finish", "finishing": "_finish", "tidying": "_tidy"}[killed_while]

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"synthmed.datasets.render.{step}", killed)
        render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    if killed_while == "rendering":
        (out / "parts" / "00000032.json").unlink()
        image = out / "images" / "00000033.png"
        image.write_bytes(image.read_bytes()[:100])
    (out / ".coco.json.123.partial").write_text('{"images": [')
    render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    assert content(out) == content(rendered)


def test_a_finished_folder_is_left_as_it_is(rendered: Path, phantom_bank_dir: Path, recipe: Recipe) -> None:
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}
    steps: list[tuple[int, int]] = []
    render_dataset(
        phantom_bank_dir,
        rendered,
        count=COUNT,
        recipe=recipe,
        seed=SEED,
        progress=lambda *step: steps.append(step),
    )
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*")} == before
    assert steps == [(COUNT, COUNT)]


@pytest.mark.parametrize("state", ["finished", "unfinished"])
@pytest.mark.parametrize(
    ("count", "seed", "other_recipe", "different"),
    [(71, SEED, False, "count"), (COUNT, 5, False, "seed"), (COUNT, SEED, True, "recipe")],
)
def test_other_arguments_are_refused(
    rendered: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    tmp_path: Path,
    state: str,
    count: int,
    seed: int,
    other_recipe: bool,
    different: str,
) -> None:
    out = Path(shutil.copytree(rendered, tmp_path / "scenes"))
    if state == "unfinished":
        (out / "manifest.json").rename(out / "unfinished.json")
    before = content(out)
    wanted = Recipe() if other_recipe else recipe
    with pytest.raises(DatasetError, match=rf"another .*{different}.*choose another --out"):
        render_dataset(phantom_bank_dir, out, count=count, recipe=wanted, seed=seed)
    assert content(out) == before


def test_folders_of_others_are_refused(phantom_bank_dir: Path, recipe: Recipe, tmp_path: Path) -> None:
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


def test_a_full_disk_is_a_message_and_nothing_looks_whole(
    phantom_bank_dir: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: full())
        with pytest.raises(DatasetError, match=r"cannot write: No space left.*goes on from here"):
            render_dataset(phantom_bank_dir, tmp_path / "out", count=3, recipe=recipe)
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert render_dataset(phantom_bank_dir, tmp_path / "out", count=3, recipe=recipe).scenes == 3
