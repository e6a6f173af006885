"""Time and memory of reading points: ``python benchmarks/read_points.py --points 10000000 --formats csv``.

The default is a hundred times fewer, in all formats. What is being read stands on stderr.

Each format is read by a process of its own, so that its peak memory is its own. The seconds are those of the
processor, which other jobs beside it change little. CSV is read line by line, up to 2 GiB and 20,000,000
rows; other files of more than 256 MiB or 3,000,000 objects are refused.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

_READ = """
import resource, sys, time
from synthmed.points import read_points
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, cpu = time.perf_counter(), time.process_time()
points = read_points(sys.argv[1], sys.argv[2], format=sys.argv[3], label="cell")
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(points), seconds, cpu, growth / 1024)
"""


def write(folder: Path, kind: str, centers: np.ndarray) -> Path:
    """A file with many points on one image of 1000 x 1000 px."""
    path = folder / "a.points"
    pairs = centers.tolist() if kind != "csv" else []
    with path.open("w") as file:
        if kind == "csv":
            file.write("image,x,y,label\n")
            for part in np.array_split(centers, 1 + len(centers) // 100_000):
                file.write("".join(f"a.png,{x},{y},cell\n" for y, x in part.tolist()))
        elif kind == "imagej":
            file.write(" ,X,Y\n")
            file.writelines(f"{i},{x},{y}\n" for i, (y, x) in enumerate(pairs))
        elif kind == "napari":
            file.write("index,axis-0,axis-1\n")
            file.writelines(f"{i},{y},{x}\n" for i, (y, x) in enumerate(pairs))
        elif kind == "yolo":
            file.writelines(f"0 {x / 1000} {y / 1000} 0.01 0.01\n" for y, x in pairs)
        elif kind == "qupath":
            geometry = {"type": "MultiPoint", "coordinates": [[x, y] for y, x in pairs]}
            json.dump({"type": "Feature", "geometry": geometry, "properties": {}}, file)
        else:
            places = ";".join(f"{x},{y}" for y, x in pairs)
            file.write(
                f'<annotations><image name="a.png"><points label="c" points="{places}"/></image>'
                "</annotations>"
            )
    return path


def main() -> None:
    """Print one row per format."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--formats", nargs="*", default=["csv", "imagej", "napari", "yolo", "qupath", "cvat"])
    options = parser.parse_args()
    centers = np.random.default_rng(0).uniform(0, 998, (options.points, 2)).round(1)
    print(f"{'format':<10}{'points':>10}{'MB':>8}{'wall s':>8}{'CPU s':>8}{'points/s':>12}{'peak MiB':>10}")
    for number, kind in enumerate(options.formats, 1):
        print(f"[{number}/{len(options.formats)}] {kind}: writing and reading", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            Image.new("L", (1000, 1000)).save(folder / "a.png")
            path = write(folder, kind, centers)
            size = path.stat().st_size / 1e6
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", _READ, str(path), str(folder), kind],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                wall, last = time.perf_counter() - start, done.stderr.strip().splitlines()[-1]
                print(
                    f"{kind:<10}{'':>10}{size:>8.0f}{wall:>8.1f}  {last[:90]}",
                    flush=True,
                )
                continue
            count, seconds, cpu, peak = (float(word) for word in done.stdout.split())
            times = f"{seconds:>8.1f}{cpu:>8.1f}{count / cpu:>12.0f}"
            print(f"{kind:<10}{count:>10.0f}{size:>8.0f}{times}{peak:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
