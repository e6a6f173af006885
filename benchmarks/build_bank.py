"""Time of building a bank: ``python benchmarks/build_bank.py DATA ... --images 24``.

DATA is a folder with ``images/`` and ``points.csv``. All classes are cut at one size, or as ``--size`` says,
from the first train images. The seconds are those of the processor; the hash tells whether two versions build
the same.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from synthmed.bank import BankSpec, build_bank
from synthmed.points import PointSet, read_points


def first_train_images(points: PointSet, count: int) -> PointSet:
    keep = np.zeros(len(points.images), dtype=bool)
    keep[np.flatnonzero(np.array(points.splits) == "train")[:count]] = True
    return points.of_images(keep)


def main() -> None:
    """Print one row per dataset."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--size", action="append", default=[], metavar="CLASS=PIXELS")
    parser.add_argument("--matte", default="halo")
    options = parser.parse_args()
    sizes = {name: float(size) for name, _, size in (word.rpartition("=") for word in options.size)}
    print(f"{'dataset':<20}{'images':>8}{'patches':>9}{'CPU s':>8}{'s/image':>9}  hash")
    for folder in options.data:
        points = read_points(folder / "points.csv", folder / "images")
        spec = BankSpec(
            sizes_px={name: sizes.get(name, 80.0) for name in points.classes},
            backdrops=options.images // 2,
            matte=options.matte,
        )
        build_bank(first_train_images(points, 1), folder / "images", spec)  # compiles
        start = time.process_time()
        bank = build_bank(first_train_images(points, options.images), folder / "images", spec)
        seconds = time.process_time() - start
        count = len(bank.images)
        times = f"{seconds:>8.1f}{seconds / count:>9.2f}"
        print(f"{folder.name:<20}{count:>8}{len(bank):>9}{times}  {bank.hash[:12]}", flush=True)


if __name__ == "__main__":
    main()
