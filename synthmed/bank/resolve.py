"""From sizes as people write them to sizes in pixels, estimating those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from synthmed.bank.estimate import estimate_sizes
from synthmed.bank.sizes import parse_sizes
from synthmed.errors import BankError
from synthmed.points.pointset import PointSet


def resolve_sizes(
    texts: Sequence[str],
    points: PointSet,
    images_dir: Path,
    *,
    pixel_size_um: float | None = None,
    splits: Sequence[str] = ("train",),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """The side of each class in pixels.

    Args:
        texts: entries as `parse_sizes` reads them; none means that every size is estimated.
        points: the clicked centres.
        images_dir: the folder that the image names are relative to.
        pixel_size_um: the side of a pixel in micrometres.
        splits: the splits that an estimate may look at.
        progress: called as images are looked at.

    Raises:
        BankError: a size cannot be read, or cannot be estimated.
    """
    sizes = parse_sizes(texts, points.classes, pixel_size_um)
    if None not in sizes.values():
        return {name: size for name, size in sizes.items() if size is not None}
    estimates = estimate_sizes(points.of_split(*splits), images_dir, progress=progress)
    resolved = {}
    for name, size in sizes.items():
        if size is None:
            estimate = estimates.get(name)
            if estimate is None:
                raise BankError(
                    "the size of a class cannot be estimated from the images",
                    value=name,
                    remedy=f"give it: --size {name}=...px",
                )
            size = round(float(estimate.size_px), 1)
        resolved[name] = size
    return resolved
