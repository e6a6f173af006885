from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synthmed.datasets import RenderReport, read_manifest, render_dataset
from synthmed.datasets.manifest import to_json
from synthmed.errors import DatasetError
from synthmed.scenes import Recipe, recipe_to_yaml

COUNT = 70  # three chunks, the last not full
SEED = 4
Content = Callable[[Path], dict[str, bytes]]
Render = Callable[..., RenderReport]


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
    render_coco: Render,
    coco_only: Path,
    phantom_bank_dir: Path,
    recipe: Recipe,
    content: Content,
    tmp_path: Path,
    workers: int,
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
    render_coco(out, progress=lambda d, _: steps.append(d))
    assert steps[0] >= 6, "finished chunks are not rendered again"
    assert content(out) == content(coco_only)


@pytest.mark.parametrize("killed_while", ["rendering", "joining", "tidying"])
def test_it_goes_on_from_wherever_it_was_killed(
    render_coco: Render,
    coco_only: Path,
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
        render_coco(out)
    assert (out / "coco.json").exists() == (killed_while != "rendering")
    if killed_while == "rendering":
        (out / "parts" / "00000032.json").unlink()
        (out / "images" / "00000033.png").unlink()
    (out / "parts" / "123.partial").write_text('{"images": [')
    render_coco(out)
    assert content(out) == content(coco_only)


@pytest.mark.parametrize("lost", ["image emptied", "image missing", "part missing", "note damaged"])
def test_what_a_power_cut_took_is_rendered_again(
    render_coco: Render,
    coco_only: Path,
    tmp_path: Path,
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    out = tmp_path / "scenes"
    with monkeypatch.context() as patch, pytest.raises(TypeError):
        patch.setattr("synthmed.datasets.render._finish", None)
        render_coco(out)
    image, note = out / "images/00000033.png", out / "parts/00000032.json"
    {
        "image emptied": lambda: image.write_bytes(b""),
        "image missing": image.unlink,
        "part missing": (out / "parts/00000032.coco.images").unlink,
        "note damaged": lambda: note.write_bytes(b"\0" * 100),
    }[lost]()
    steps: list[int] = []
    render_coco(out, progress=lambda d, _: steps.append(d))
    assert steps[0] == COUNT - 32, "the other chunks stay"
    assert content(out) == content(coco_only)


def test_a_finished_folder_is_left_as_it_is(render_coco: Render, coco_only: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in coco_only.rglob("*")}
    steps: list[tuple[int, int]] = []
    render_coco(coco_only, progress=lambda *step: steps.append(step))
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
    with pytest.raises(DatasetError, match=rf"another .*{different}.*choose another place"):
        render_dataset(phantom_bank_dir, out, count=count, recipe=wanted, seed=seed)
    assert content(out) == before
