"""Kill a rendering at random moments, start it again, and compare the bytes: `python benchmarks/kills.py`.

Each run is a process group of its own, as a terminal starts it, and the whole group is killed by SIGKILL
after a random time, again and again until a run ends by itself. Then every file of the folder is compared
with an undisturbed run.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from compose import synthetic_bank


@click.command()
@click.option("--kills", default=100, show_default=True, help="How often it is killed.")
@click.option("--scenes", default=600, show_default=True, help="Scenes of each rendering.")
@click.option("--workers", default=2, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Seed of the moments.")
def main(kills: int, scenes: int, workers: int, seed: int) -> None:
    """Print one line: kills, renderings, and how many differ."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic_bank(folder)
        start = time.perf_counter()
        run(folder, folder / "undisturbed", scenes, workers).wait()
        whole_s = time.perf_counter() - start
        wanted = digests(folder / "undisturbed")
        done = finished = different = 0
        while done < kills:
            out = folder / f"killed-{finished}"
            done += kill_until_done(folder, out, scenes, workers, whole_s, moments)
            finished += 1
            different += digests(out) != wanted
    print(
        f"{done} kills in {finished} renderings of {scenes} scenes, {len(wanted)} files: {different} differ"
    )
    sys.exit(different > 0)


def kill_until_done(
    folder: Path, out: Path, scenes: int, workers: int, whole_s: float, moments: random.Random
) -> int:
    """Start and kill until a run ends; how many kills that took."""
    kills = 0
    while True:
        process = run(folder, out, scenes, workers)
        try:
            process.wait(timeout=moments.uniform(0.2, 0.8) * whole_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if process.returncode != 0:
            raise SystemExit(f"a run ended with code {process.returncode}")
        return kills


def run(folder: Path, out: Path, scenes: int, workers: int) -> subprocess.Popen[bytes]:
    """A rendering of small scenes in every format."""
    script = (
        "import sys; from synthmed.datasets import all_formats, render_dataset\n"
        "from synthmed.scenes import make_recipe\n"
        "if __name__ == '__main__':\n"
        "    recipe = make_recipe({'canvas': {'size_px': [128, 128]}})\n"
        "    bank, out, count, workers = sys.argv[1:]\n"
        "    render_dataset(bank, out, count=int(count), recipe=recipe, workers=int(workers), shard=32,\n"
        "                   formats=tuple(all_formats()))\n"
    )
    file = folder / "run.py"
    file.write_text(script, encoding="utf-8")
    command = [sys.executable, str(file), str(folder / "bank"), str(out), str(scenes), str(workers)]
    return subprocess.Popen(command, start_new_session=True)


def digests(folder: Path) -> dict[str, str]:
    """A hash of each file, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    main()
