"""The input of the demo: a folder with images and points, or the phantom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthmed._files import is_free
from synthmed.errors import PointsError, ProblemLog
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_points
from synthmed.terminal import console, print_problems, progress_bar


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

    @property
    def boxes_pattern(self) -> str:
        """``.../boxes_{split}.json`` where boxes exist, else empty."""
        pattern = self.folder / "boxes_{split}.json"
        return str(pattern) if Path(str(pattern).format(split="val")).exists() else ""


def read_input(data: Path | None, work_dir: Path) -> DemoInput:
    """Read a data folder, or simulate the phantom where none is given.

    Raises:
        PointsError: the folder lacks ``images/`` or ``points.csv``, or its points cannot be used.
    """
    folder = data or _phantom(work_dir)
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
    return DemoInput(folder.resolve().name, folder, images_dir, points_file, points)


def _phantom(work_dir: Path) -> Path:
    folder = work_dir / "phantom"
    if is_free(folder):
        with progress_bar("Simulating a microscope") as progress:
            write_phantom(folder, progress=progress)
    else:
        console.print(f"Using the phantom in {folder}")
    return folder
