"""The input of the demo: a folder with images and points, or the phantom."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from synthmed._files import is_free
from synthmed.errors import PointsError, ProblemLog
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_points
from synthmed.terminal import console, print_problems, progress_bar

PHANTOM = "phantom"


@dataclass(frozen=True, eq=False)
class DemoInput:
    """What the demo works on.

    Attributes:
        name: a short name for folders and the FiftyOne dataset.
        folder: the data folder.
        images_dir: its images.
        points_file: the clicked centres.
        points: the clicked centres of all splits; the only thing that training sees.
    """

    name: str
    folder: Path
    images_dir: Path
    points_file: Path
    points: PointSet

    def boxes_of(self, split: str) -> str | None:
        """``.../boxes_{split}.json`` where a split has annotated boxes."""
        pattern = "boxes_{split}.json"
        exists = (self.folder / pattern.replace("{split}", split)).exists()
        return str(self.folder / pattern) if exists else None


def read_input(data: Path | None, work_dir: Path) -> DemoInput:
    """Read a data folder, or simulate the phantom where none is given.

    Raises:
        PointsError: the folder lacks ``images/`` or ``points.csv``, its points cannot be used, or none of its
            images is of split train or val.
    """
    # Without any `..`, so that the paths are those that FiftyOne stores.
    folder = Path(os.path.abspath(data or _phantom(work_dir)))
    images_dir, points_file = folder / "images", folder / "points.csv"
    for path in (folder, images_dir, points_file):
        if not path.exists():
            raise PointsError(
                "not found",
                file=path,
                remedy="DATA is a folder with images/ and points.csv (image,x,y,label)",
            )
    log = ProblemLog()
    with progress_bar("Reading points") as progress:
        points = read_points(points_file, images_dir, log=log, progress=progress)
    print_problems(log)
    for split in ("train", "val"):
        if split not in points.splits:
            raise PointsError(
                f"no image is of the split {split!r}",
                file=points_file,
                remedy="the demo learns from train and judges on val: name both in the column `split`",
            )
    return DemoInput(folder.name if data else PHANTOM, folder, images_dir, points_file, points)


def _phantom(work_dir: Path) -> Path:
    folder = work_dir / PHANTOM / "data"
    if is_free(folder):
        with progress_bar("Simulating a microscope") as progress:
            write_phantom(folder, progress=progress)
    else:
        console.print(f"Using the phantom in {folder}")
    return folder
