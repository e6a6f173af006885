from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import open_bank
from synthmed.datasets import read_manifest, read_report, render_dataset
from synthmed.datasets.manifest import to_json
from synthmed.datasets.store import open_store
from synthmed.errors import BankError, DatasetError, RecipeError
from synthmed.scenes import Recipe, draw_plan, make_recipe, recipe_to_yaml, render

COUNT = 70  # three chunks, the last not full
SEED = 4
Content = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module")
def coco_only(phantom_bank_dir: Path, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished rendering with the default format; not to be written to."""
    out = tmp_path_factory.mktemp("coco") / "scenes"
    render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    return out


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
    rendered: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    everything: dict[str, Any],
    content: Content,
    tmp_path: Path,
    workers: int,
) -> None:
    steps: list[tuple[int, int]] = []
    out = tmp_path / "deep" / "down"
    report = render_dataset(
        phantom_bank_dir,
        out,
        recipe=recipe,
        workers=workers,
        progress=lambda *step: steps.append(step),
        **everything,
    )
    assert content(out) == content(rendered)
    assert steps[0] == (0, COUNT) and steps[-1] == (COUNT, COUNT) and len(steps) == 4
    assert report.scenes == COUNT and report.folder == out
    assert [path.name for path in out.parent.iterdir()] == ["down"]


def test_the_truth_does_not_depend_on_the_image_file(
    rendered: Path, phantom_bank_dir: Path, recipe: Recipe, everything: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "jpeg"
    render_dataset(phantom_bank_dir, out, recipe=recipe, image="jpeg", quality=90, **everything)
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
    rendered: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    everything: dict[str, Any],
    content: Content,
    tmp_path: Path,
    scheme: str,
) -> None:
    out = f"{scheme}://{tmp_path}/out"
    report = render_dataset(phantom_bank_dir, out, recipe=recipe, **everything)
    store = open_store(out)
    assert {path: store.read(path) for path in store.sizes()} == content(rendered)
    assert report == (out, COUNT, *read_report(rendered)[2:])
    assert read_manifest(out) == read_manifest(rendered)


def test_memory_is_not_shared_by_processes(phantom_bank_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"only one process .*--workers 1"):
        render_dataset(phantom_bank_dir, f"memory://{tmp_path}", count=1, workers=2)


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
    coco_only: Path, phantom_bank_dir: Path, recipe: Recipe, content: Content, tmp_path: Path, workers: int
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
    assert content(out) == content(coco_only)


@pytest.mark.parametrize("killed_while", ["rendering", "joining", "tidying"])
def test_it_goes_on_from_wherever_it_was_killed(
    coco_only: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    tmp_path: Path,
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
    killed_while: str,
) -> None:
    """A kill leaves chunks without a note, half a file in parts/, or parts not yet removed."""
    out = tmp_path / "scenes"

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    step = {
        "rendering": "synthmed.datasets.render._finish",
        "joining": "synthmed.datasets.render.to_json",
        "tidying": "synthmed.datasets.store.LocalStore.remove",
    }[killed_while]
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if killed_while == "joining":  # the first call writes unfinished.json
            calls = iter([to_json, killed])
            patch.setattr(step, lambda *args, **options: next(calls)(*args, **options))
        else:
            patch.setattr(step, killed)
        render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    assert (out / "coco.json").exists() == (killed_while != "rendering")
    if killed_while == "rendering":
        (out / "parts" / "00000032.json").unlink()
        (out / "images" / "00000033.png").unlink()
    (out / "parts" / "123.partial").write_text('{"images": [')
    render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    assert content(out) == content(coco_only)


@pytest.mark.parametrize("lost", ["image emptied", "image missing", "part missing", "note damaged"])
def test_what_a_power_cut_took_is_rendered_again(
    coco_only: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    tmp_path: Path,
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    out = tmp_path / "scenes"
    with monkeypatch.context() as patch, pytest.raises(TypeError):
        patch.setattr("synthmed.datasets.render._finish", None)
        render_dataset(phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED)
    image, note = out / "images/00000033.png", out / "parts/00000032.json"
    {
        "image emptied": lambda: image.write_bytes(b""),
        "image missing": image.unlink,
        "part missing": (out / "parts/00000032.coco.images").unlink,
        "note damaged": lambda: note.write_bytes(b"\0" * 100),
    }[lost]()
    steps: list[int] = []
    render_dataset(
        phantom_bank_dir, out, count=COUNT, recipe=recipe, seed=SEED, progress=lambda d, _: steps.append(d)
    )
    assert steps[0] == COUNT - 32, "the other chunks stay"
    assert content(out) == content(coco_only)


def test_a_finished_folder_is_left_as_it_is(coco_only: Path, phantom_bank_dir: Path, recipe: Recipe) -> None:
    before = {path: path.stat().st_mtime_ns for path in coco_only.rglob("*")}
    steps: list[tuple[int, int]] = []
    render_dataset(
        phantom_bank_dir,
        coco_only,
        count=COUNT,
        recipe=recipe,
        seed=SEED,
        progress=lambda *step: steps.append(step),
    )
    assert {path: path.stat().st_mtime_ns for path in coco_only.rglob("*")} == before
    assert steps == [(COUNT, COUNT)]


@pytest.mark.parametrize("state", ["finished", "unfinished"])
@pytest.mark.parametrize(
    ("count", "seed", "other_recipe", "different"),
    [(71, SEED, False, "count"), (COUNT, 5, False, "seed"), (COUNT, SEED, True, "recipe")],
)
def test_other_arguments_are_refused(
    coco_only: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    content: Content,
    tmp_path: Path,
    state: str,
    count: int,
    seed: int,
    other_recipe: bool,
    different: str,
) -> None:
    out = Path(shutil.copytree(coco_only, tmp_path / "scenes"))
    if state == "unfinished":
        (out / "manifest.json").rename(out / "unfinished.json")
    before = content(out)
    wanted = Recipe() if other_recipe else recipe
    with pytest.raises(DatasetError, match=rf"another .*{different}.*choose another --out"):
        render_dataset(phantom_bank_dir, out, count=count, recipe=wanted, seed=seed)
    assert content(out) == before


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


class SmallDisk:
    """Stands for `open`: files that take what fits on the disk, and then refuse."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, path: Path, *_: object, **__: object) -> io.FileIO:
        disk = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                if disk.room <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written = super().write(data[: disk.room])
                disk.room -= written
                return written

        return File(path, "w")


def test_a_full_disk_is_a_message_and_the_run_goes_on(
    rendered: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    everything: dict[str, Any],
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is full again and again, at random places, in every kind of file."""
    wanted, out = content(rendered), tmp_path / "out"
    rng = np.random.default_rng(0)
    refused = 0
    while not (out / "manifest.json").exists():
        room = int(rng.integers(10, (1 + refused) * sum(map(len, wanted.values())) // 6))
        with monkeypatch.context() as patch:
            patch.setattr("synthmed.datasets.store.open", SmallDisk(room), raising=False)
            try:
                render_dataset(phantom_bank_dir, out, recipe=recipe, **everything)
            except DatasetError as error:
                assert re.search("the disk is full.*make room and run the same command again", str(error))
                refused += 1
    assert refused >= 3
    render_dataset(phantom_bank_dir, out, recipe=recipe, **everything)
    assert content(out) == wanted


def test_a_limit_on_the_size_of_files_is_a_full_disk(phantom_bank_dir: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from synthmed.datasets import render_dataset\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "render_dataset(*sys.argv[1:], count=2)\n"
    )
    command = [sys.executable, "-c", script, str(phantom_bank_dir), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the disk is full. Remedy: make room" in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
