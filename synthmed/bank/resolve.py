"""From sizes as people write them to sizes in pixels, estimating those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from synthmed._wording import counted
from synthmed.bank.estimate import estimate_sizes
from synthmed.bank.guard import points_of_splits
from synthmed.bank.sizes import parse_sizes
from synthmed.errors import BankError, ProblemLog
from synthmed.points.pointset import PointSet


def resolve_sizes(
    texts: Sequence[str],
    points: PointSet,
    images_dir: Path,
    *,
    pixel_size_um: float | None = None,
    splits: Sequence[str] = ("train",),
    log: ProblemLog | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """The side of each class in pixels.

    Args:
        texts: entries as `parse_sizes` reads them; the size of a class that none names is estimated.
        points: the clicked centres.
        images_dir: the folder that the image names are relative to.
        pixel_size_um: the side of a pixel in micrometres.
        splits: the splits that an estimate may look at.
        log: takes up a note for each size that was estimated.
        progress: called as images are looked at.

    Raises:
        BankError: a size cannot be read, or cannot be estimated.
    """
    sizes = parse_sizes(texts, points.classes, pixel_size_um)
    if None not in sizes.values():
        return {name: size for name, size in sizes.items() if size is not None}
    estimates = estimate_sizes(points_of_splits(points, splits), images_dir, progress=progress)
    resolved = {}
    for name, size in sizes.items():
        if size is None:
            estimate = estimates.get(name)
            if estimate is None:
                raise BankError(
                    "the size of a class cannot be estimated from the images",
                    value=name,
                    remedy=f"give it, such as {name}=30px (--size)",
                )
            size = round(float(estimate.size_px), 1)
            if log is not None:
                objects = counted(estimate.count, "object")
                log.note(f"size of {name}: {size} px, estimated from {objects} in the images")
        resolved[name] = size
    return resolved
