"""The samples that networks are run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo

from synthmed.app.files import common_folder, look_at
from synthmed.app.names import SYNTHETIC_TAG
from synthmed.errors import DatasetError, ProblemLog
from synthmed.points.folder import Progress
from synthmed.points.problems import report


@dataclass(frozen=True)
class Targets:
    """Images of a dataset, in the order in which results about them are given.

    Attributes:
        dataset: the dataset.
        sample_ids: ``(I,)`` the sample of each image.
        paths: ``(I,)`` the file of each.
        shapes_px: ``(I,)`` ``(height, width)`` of each.
    """

    dataset: fo.Dataset
    sample_ids: tuple[str, ...]
    paths: tuple[Path, ...]
    shapes_px: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.sample_ids)


def find_targets(
    samples: fo.Dataset | fo.DatasetView,
    *,
    synthetic: bool = False,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> Targets:
    """The images of a dataset or view that can be read.

    Args:
        samples: a dataset or a view.
        synthetic: whether synthetic samples are among them.
        log: takes up the images that are skipped.
        progress: called as images are checked.

    Raises:
        DatasetError: none is left.
        PointsError: the folder of the images is gone.
    """
    log = ProblemLog() if log is None else log
    chosen = samples if synthetic else samples.match_tags(SYNTHETIC_TAG, bool=False)
    ids, paths = chosen.values(["id", "filepath"])
    found = look_at(*common_folder(paths), progress) if paths else []
    for image, path in zip(found, paths, strict=True):
        if image.problem is not None:
            report(log, image.problem, file=path, row=None, value=image.name)
    kept = [i for i, image in enumerate(found) if image.problem is None]
    if not kept:
        raise DatasetError(
            "there is no image to run on",
            value=log.summary() or "no real samples",
            remedy="choose another view, or import images first",
        )
    return Targets(
        dataset=samples._root_dataset,
        sample_ids=tuple(ids[i] for i in kept),
        paths=tuple(Path(paths[i]) for i in kept),
        shapes_px=tuple(found[i].shape_px for i in kept),
    )
