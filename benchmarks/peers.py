"""How many scenes a second others compose on one core: `python benchmarks/peers.py`.

A scene is 416 x 416 px with 40 objects of 24 px and their mattes, in memory. Each peer is installed into an
environment of its own below ``--envs`` (some are AGPL, and never come into ours) and runs there in a process
of its own. Rounds go over all rows in turn, and the best counts, in CPU seconds of the process.
"""

# ruff: noqa: E402 -- the number of threads is read when numpy and numba load

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from _machine import processor
from compose import BACKDROP, NOISE, OBJECTS, PLAIN, SIDE_PX, benchmark_recipe, synthetic_bank
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank
from synthmed.scenes import draw_plan, render

# Without their dependencies: what composing never imports (labelme, a client of Kaggle) stays out.
INSTALLED = {
    "albumentationsx": (
        ["albumentationsx==2.3.10", "albucore==0.2.12"],
        [
            *("numpy", "opencv-python-headless", "pydantic", "pyyaml", "scipy"),
            *("numkong", "stringzilla", "torch==2.13.0", "typing-extensions"),
        ],
    ),
    "syndatagenyolo": (
        ["syndatagenyolo==0.2.0"],
        [
            *("albumentations==2.0.8", "opencv-python-headless<5", "pillow", "joblib", "tqdm"),
            *("shapely", "numpy", "pyyaml", "scikit-image"),
        ],
    ),
}

COMMON = """
import json, random, sys, time
import numpy as np
data = np.load(sys.argv[1])
canvas, patches, mattes = data["canvas"], data["patches"], data["mattes"]
random.seed(0)
def measure(job, scenes):
    job()
    while (line := sys.stdin.readline()):
        start = time.process_time()
        for _ in range(scenes):
            job()
        print(json.dumps((time.process_time() - start) / scenes), flush=True)
"""

ALBUMENTATIONSX = (
    COMMON
    + """
import albumentations as A
import cv2
cv2.setNumThreads(1)
paste = A.Compose([A.CopyAndPaste(blend_mode=sys.argv[2], p=1.0)],
                  bbox_params=A.BboxParams(coord_format="pascal_voc", label_fields=["labels"]))
def job():
    chosen = [random.randrange(len(patches)) for _ in range(int(sys.argv[3]))]
    donors = [{"image": patches[k], "mask": (mattes[k] > 127).astype(np.uint8), "bbox_labels": {"labels": 1}}
              for k in chosen]
    done = paste(image=canvas, masks=np.zeros((0, *canvas.shape[:2]), np.uint8),
                 bboxes=np.zeros((0, 4), np.float32), labels=[], copy_paste_metadata=donors)
    assert done["image"].shape == canvas.shape and (done["image"] != canvas).any()
measure(job, 5)
"""
)

SYNDATAGENYOLO = (
    COMMON
    + """
import contextlib, pathlib, tempfile
import cv2
from PIL import Image
cv2.setNumThreads(1)
from syndatagenyolo.data_generation import BlendingConfig, BlendingMode, ScalingConfig
from syndatagenyolo.data_generation import SyntheticImageGenerator
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "foregrounds" / "cell").mkdir(parents=True)
(folder / "backgrounds").mkdir()
Image.fromarray(canvas).save(folder / "backgrounds" / "0.png")
for k in range(len(patches)):
    Image.fromarray(np.dstack([patches[k], mattes[k]])).save(folder / "foregrounds" / "cell" / f"{k}.png")
(folder / "classes.yaml").write_text("names: [cell]")
share = patches.shape[1] / min(canvas.shape[:2])
with contextlib.redirect_stdout(sys.stderr):
    maker = SyntheticImageGenerator(
        str(folder), str(folder / "out"), 1, image_width=canvas.shape[1], image_height=canvas.shape[0],
        augmentation_path="False", avoid_collisions=False, parallelize=False,
        scaling_config=ScalingConfig(factors=(share, share)),
        blending_config=BlendingConfig(methods=[BlendingMode(sys.argv[2])]),
        class_map_path=str(folder / "classes.yaml"))
maker._transform_foreground = lambda image: image
paths = maker.foregrounds_dict["cell"]
def job():
    chosen = [{"category": "cell", "image_path": random.choice(paths)} for _ in range(int(sys.argv[3]))]
    images, masks, composite, _, *rest = maker._gen_compose_images(chosen, maker.background_images[0])
    done = maker._paste_foregrounds(images, masks, composite, *rest)[0]["image"]
    assert done.size == canvas.shape[1::-1]
measure(job, 2)
"""
)

ROWS = {
    "AlbumentationsX CopyAndPaste, hard": ("albumentationsx", ALBUMENTATIONSX, "hard"),
    "AlbumentationsX CopyAndPaste, gaussian": ("albumentationsx", ALBUMENTATIONSX, "gaussian"),
    "SynDataGenYOLO, alpha": ("syndatagenyolo", SYNDATAGENYOLO, "ALPHA"),
    "SynDataGenYOLO, gaussian": ("syndatagenyolo", SYNDATAGENYOLO, "GAUSSIAN"),
}
DEFAULT = "synthmed, default recipe: draw and render"
console = Console()


@click.command()
@click.option("--envs", default="work_dirs/peers", show_default=True, type=click.Path(path_type=Path))
@click.option("--rounds", default=5, show_default=True, help="Rounds; the best counts.")
def main(envs: Path, rounds: int) -> None:
    """Print one table of scenes per second on one core."""
    pythons = {name: environment(envs.resolve() / name, name) for name in INSTALLED}
    with tempfile.TemporaryDirectory() as folder:
        bank = synthetic_bank(Path(folder))
        best = measure(bank, Path(folder), pythons, rounds)
    # Beside what users get unless they ask for something else, not beside the quickest row.
    own_s = best[DEFAULT]
    fastest_peer_s = min(seconds for name, seconds in best.items() if name in ROWS)
    table = Table(title=f"{SIDE_PX} px, {sum(OBJECTS.values())} objects of 24 px with a matte, one core")
    for name in ("what", "scenes/s", "times slower than synthmed"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, seconds in best.items():
        table.add_row(name, f"{1 / seconds:,.0f}", f"{seconds / own_s:,.1f}")
    console.print(table)
    console.print(f"the fastest peer takes {fastest_peer_s / own_s:.0f} times as long; {processor()}")


def environment(folder: Path, name: str) -> Path:
    """The interpreter of a peer's own environment, which is made where there is none."""
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        console.print(f"installing {name} into {folder}")
        venv.create(folder, with_pip=True, clear=True)
        bare, needed = INSTALLED[name]
        install = [str(python), "-m", "pip", "install", "-q"]
        subprocess.run([*install, *needed], check=True)
        subprocess.run([*install, "--no-deps", *bare], check=True)
        ready.touch()
    return python


def measure(bank: PatchBank, folder: Path, pythons: dict[str, Path], rounds: int) -> dict[str, float]:
    """The best seconds per scene of each row."""
    recipe, plain = benchmark_recipe(BACKDROP, 0.1), benchmark_recipe(PLAIN, 0.0)
    plans = [draw_plan(plain, bank, 0, index) for index in range(50)]
    jobs: dict[str, Callable[[], float]] = {
        "synthmed, sizes as cut: render": lambda: own_seconds(lambda k: render(plans[k], bank)),
        DEFAULT: lambda: own_seconds(lambda k: render(draw_plan(recipe, bank, 0, k), bank)),
    }
    data = folder / "patches.npz"
    np.savez(
        data,
        canvas=render(draw_plan(benchmark_recipe(NOISE, 0.0), bank, 0, 0), bank).image * 0 + 215,
        patches=np.stack([bank.patch(k) for k in range(len(bank))]),
        mattes=np.stack([bank.matte(k) for k in range(len(bank))]),
    )
    processes = []
    for name, (peer, script, mode) in ROWS.items():
        command = [str(pythons[peer]), "-c", script, str(data), mode, str(sum(OBJECTS.values()))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        jobs[name] = lambda process=process: peer_seconds(process)
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds + 1):
        for name, job in jobs.items():
            best[name] = min(best[name], job())
    for process in processes:
        process.communicate()
    return best


def own_seconds(job: Callable[[int], object]) -> float:
    """Seconds per scene of this process."""
    start = time.process_time()
    for k in range(50):
        job(k)
    return (time.process_time() - start) / 50


def peer_seconds(process: subprocess.Popen[str]) -> float:
    """Seconds per scene that a peer's process reports."""
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{process.args[0]} ended with code {process.wait()}")
    return float(json.loads(line))


if __name__ == "__main__":
    main()
