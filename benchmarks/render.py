"""How fast scenes reach the disk, beside the encoder alone: `python benchmarks/render.py`.

Encoders on the same images; the CPU time of each step from a number to a file; whole renderings on all cores
beside as many processes that do nothing but encode the same images, by our encoder and by those of Pillow and
OpenCV; time and peak memory of renderings of growing length, and what a bank of 100,000 patches costs to open
and to share.
"""

# ruff: noqa: E402 -- the number of threads is read when numpy and numba load

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import dataclasses
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
from _machine import processor
from compose import BACKDROP, benchmark_recipe, synthetic_bank
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from synthmed.bank import PatchBank, open_bank, save_bank
from synthmed.bank.patchbank import content_hash
from synthmed.datasets import render_dataset
from synthmed.datasets.coco import COCO
from synthmed.datasets.image_file import encode_image, image_file
from synthmed.datasets.record import scene_record
from synthmed.datasets.store import LocalStore
from synthmed.scenes import draw_plan, render

KINDS = ("png", "jpeg")
console = Console()


@click.command()
@click.option("--scenes", default=1000, show_default=True, help="Scenes per whole rendering.")
@click.option("--longest", default=100_000, show_default=True, help="Scenes of the longest rendering.")
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of whole renderings; the best counts.")
def main(scenes: int, longest: int, workers: int, rounds: int) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bank = synthetic_bank(folder)
        print_encoders(bank)
        print_parts(bank)
        print_rates(folder, scenes, workers, rounds)
        print_growth(folder, longest, workers)
        print_large_bank(folder, bank)
    console.print(f"{processor()}; numpy {np.__version__}")


def sample_images(bank: PatchBank, count: int = 16) -> list[NDArray[np.uint8]]:
    """Scenes of the default recipe."""
    recipe = benchmark_recipe(BACKDROP, 0.1)
    return [render(draw_plan(recipe, bank, 0, index), bank).image for index in range(count)]


def encoders() -> dict[str, Callable[[NDArray[np.uint8]], bytes]]:
    """Encoders by name; those of OpenCV only where it is installed."""

    def pillow(kind: str, **options: int) -> Callable[[NDArray[np.uint8]], bytes]:
        def encode(image: NDArray[np.uint8]) -> bytes:
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, kind, **options)
            return buffer.getvalue()

        return encode

    known = {
        f"synthmed {kind}": lambda image, kind=kind: encode_image(image, image_file(kind, 95))
        for kind in KINDS
    }
    known |= {f"Pillow png, level {level}": pillow("PNG", compress_level=level) for level in (1, 3, 6)}
    known["Pillow jpeg 95"] = pillow("JPEG", quality=95)
    try:
        import cv2
    except ImportError:
        return known
    cv2.setNumThreads(1)
    known["OpenCV png, level 1"] = lambda image: cv2.imencode(".png", image)[1].tobytes()
    known["OpenCV jpeg 95"] = lambda image: cv2.imencode(".jpg", image)[1].tobytes()
    return known


def print_encoders(bank: PatchBank) -> None:
    """Images per second of each encoder on one core."""
    images = sample_images(bank)
    table = new_table("Encoding 416 px scenes on one core", "encoder", "images/s", "kB")
    for name, encode in encoders().items():
        best = float("inf")
        for _ in range(4):
            start = time.process_time()
            size = sum(len(encode(image)) for image in images)
            best = min(best, time.process_time() - start)
        table.add_row(name, f"{len(images) / best:,.0f}", f"{size / len(images) / 1000:,.0f}")
    console.print(table)


def print_parts(bank: PatchBank) -> None:
    """CPU time of each step from a number to a file."""
    recipe, file = benchmark_recipe(BACKDROP, 0.1), image_file("png", 95)
    table = new_table("CPU time of a scene written as PNG, one core", "step", "us")
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        store = LocalStore(Path(name))
        for index in range(60):
            # The parts of one scene in turn, as a rendering has them, so that caches are as warm as there.
            times = [time.process_time()]
            scene = render(draw_plan(recipe, bank, 0, index), bank)
            times.append(time.process_time())
            image = encode_image(scene.image, file)
            times.append(time.process_time())
            record = scene_record(scene, bank)
            times.append(time.process_time())
            COCO.encode(record, image)
            times.append(time.process_time())
            store.write(f"images/{record.file_name}", (image,))
            times.append(time.process_time())
            steps = ("drawn and painted", "encoded", "labels and masks", "labels as COCO", "file written")
            for step, seconds in zip(steps, np.diff(times), strict=True):
                best[step] = min(best.get(step, np.inf), float(seconds))
    for step, seconds in best.items():
        table.add_row(step, f"{seconds * 1e6:,.0f}")
    table.add_row("all", f"{sum(best.values()) * 1e6:,.0f}")
    console.print(table)


def print_rates(folder: Path, scenes: int, workers: int, rounds: int) -> None:
    """Whole renderings beside each encoder alone, all on all cores; of each the best of some rounds."""
    table = new_table(
        f"{scenes} scenes of 416 px to disk, {workers} processes, beside processes that only encode",
        "image",
        "rendering/s",
        "encoder",
        "encoder/s",
        "rendering, as share of it",
    )
    for kind in KINDS:
        names = [name for name in encoders() if kind in name]
        whole, alone = 0.0, dict.fromkeys(names, 0.0)
        # In turn, so that a busy moment of the machine does not hit one of them alone.
        for _ in range(rounds):
            whole = max(whole, rendering_rate(folder, kind, scenes, workers))
            for name in names:
                alone[name] = max(alone[name], encoder_rate(folder, name, scenes, workers))
        for name, rate in alone.items():
            table.add_row(kind, f"{whole:,.0f}", name, f"{rate:,.0f}", f"{whole / rate:.0%}")
    console.print(table)


def encoder_rate(folder: Path, name: str, scenes: int, workers: int) -> float:
    """Images per second of processes that encode and do nothing else."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seconds = pool.map(encode_many, *zip(*[(folder, name, scenes // workers)] * workers, strict=True))
        return scenes // workers * workers / max(seconds)


def encode_many(folder: Path, name: str, count: int) -> float:
    """Seconds for encoding so many images."""
    images, encode = sample_images(open_bank(folder / "bank")), encoders()[name]
    encode(images[0])
    start = time.perf_counter()
    for index in range(count):
        encode(images[index % len(images)])
    return time.perf_counter() - start


def rendering_rate(folder: Path, kind: str, scenes: int, workers: int) -> float:
    """Scenes per second once the workers run: from the first finished chunk to the last file."""
    steps: list[tuple[int, float]] = []
    out = folder / f"scenes-{kind}"
    render_dataset(
        folder / "bank",
        out,
        count=scenes,
        recipe=benchmark_recipe(BACKDROP, 0.1),
        workers=workers,
        image=kind,
        progress=lambda done, _: steps.append((done, time.perf_counter())),
    )
    end = time.perf_counter()
    shutil.rmtree(out)
    # The first chunks hold the start of the workers.
    done, start = steps[workers]
    return (scenes - done) / (end - start)


GROWTH = """
import json, resource, sys, time
from synthmed.datasets import render_dataset
from synthmed.scenes import make_recipe
if __name__ == "__main__":
    bank, out, count, workers = sys.argv[1:]
    recipe = make_recipe({"canvas": {"size_px": [32, 32]}, "scale": 0.25,
                          "counts": {"kind": "fixed", "fixed": {"red": 2, "rod": 1}}})
    start = time.perf_counter()
    render_dataset(bank, out, count=int(count), recipe=recipe, workers=int(workers))
    peak = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([time.perf_counter() - start, *peak]))
"""


def print_growth(folder: Path, longest: int, workers: int) -> None:
    """Time and peak memory of renderings of growing length."""
    table = new_table(
        "Renderings of 32 px scenes", "scenes", "seconds", "scenes/s", "peak MB", "of a worker MB"
    )
    script = folder / "growth.py"
    script.write_text(GROWTH, encoding="utf-8")
    count = 1000
    while count <= longest:
        out = folder / "growing"
        command = [sys.executable, str(script), str(folder / "bank"), str(out), str(count), str(workers)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, own, worker = json.loads(done.stdout)
        table.add_row(
            f"{count:,}",
            f"{seconds:.1f}",
            f"{count / seconds:,.0f}",
            f"{own / 1024:.0f}",
            f"{worker / 1024:.0f}",
        )
        shutil.rmtree(out)
        count *= 10
    console.print(table)


LARGE = """
import json, sys, time
import numpy as np
from synthmed.bank import open_bank
start = time.perf_counter()
bank = open_bank(sys.argv[1])
seconds = time.perf_counter() - start
total = int(bank.pixels[::64].sum())  # every page is touched
print(json.dumps(seconds), flush=True)
sys.stdin.readline()
smaps, size, kinds = open("/proc/self/smaps").read().splitlines(), {}, None
for line in smaps:
    words = line.split()
    if not words[0].endswith(":"):
        kinds = "pixels" if line.endswith("pixels.npy") else "rest"
    elif words[0] in ("Pss:", "Rss:"):
        key = kinds + words[0]
        size[key] = size.get(key, 0) + int(words[1])
print(json.dumps(size), flush=True)
sys.stdin.readline()
"""


def print_large_bank(folder: Path, bank: PatchBank, patches: int = 100_000, processes: int = 4) -> None:
    """How long a bank of 100,000 patches takes to open, and what it costs each of several processes."""
    rows = np.arange(patches) % len(bank)
    side = int(bank.shapes_px.max())
    columns = {
        field.name: getattr(bank, field.name)[rows]
        for field in dataclasses.fields(bank)
        if isinstance(getattr(bank, field.name), np.ndarray)
        and len(getattr(bank, field.name)) == len(bank)
        and field.name not in ("offsets", "shapes_px")
    }
    quality = dataclasses.replace(
        bank.quality,
        **{each.name: getattr(bank.quality, each.name)[rows] for each in dataclasses.fields(bank.quality)},
    )
    pixels = np.tile(np.asarray(bank.pixels[: side * side]), (patches, 1))
    mattes = np.tile(np.asarray(bank.mattes[: side * side]), patches)
    shapes = np.full((patches, 2), side)
    offsets = np.arange(patches) * side * side
    large = dataclasses.replace(
        bank,
        **columns,
        quality=quality,
        shapes_px=shapes,
        offsets=offsets,
        pixels=pixels,
        mattes=mattes,
        hash="",
    )
    save_bank(dataclasses.replace(large, hash=content_hash(large)), folder / "large")
    command = [sys.executable, "-c", LARGE, str(folder / "large")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    opened, seconds = [], []
    for _ in range(processes):
        opened.append(subprocess.Popen(command, **pipes))
        seconds.append(json.loads(opened[-1].stdout.readline()))
    # All measure before any ends: what is shared is counted in parts.
    for process in opened:
        process.stdin.write("\n")
        process.stdin.flush()
    sizes = [json.loads(process.stdout.readline()) for process in opened]
    for process in opened:
        process.communicate()
    table = new_table(
        f"A bank of {patches:,} patches, {pixels.nbytes / 2**20:.0f} MB of pixels, in {processes} processes",
        "opened in s",
        "pixels: resident MB",
        "proportional MB",
        "all else MB",
    )
    for second, size in zip(seconds, sizes, strict=True):
        parts = (size["pixelsRss:"], size["pixelsPss:"], size["restPss:"])
        table.add_row(f"{second:.2f}", *(f"{part / 1024:.0f}" for part in parts))
    console.print(table)


def new_table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


if __name__ == "__main__":
    main()
