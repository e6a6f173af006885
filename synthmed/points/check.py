"""What is wrong with points: each finding with its figures and its remedy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from synthmed.points.check_pixels import check_empty, check_placement
from synthmed.points.check_rows import (
    check_class_names,
    check_doubled,
    check_groups,
    check_images,
    check_outside,
    check_rare,
    check_whole_numbers,
    outside,
)
from synthmed.points.check_shift import check_shift
from synthmed.points.finding import Finding
from synthmed.points.pointset import PointSet
from synthmed.points.problems import Reason
from synthmed.points.separability import Pixels, look_at_pixels

Progress = Callable[[int, int], None]
_MAX_IMAGES = 24
_FEW_OUTSIDE = 0.1


@dataclass(frozen=True)
class CheckReport:
    """What `check_points` found.

    Attributes:
        findings: what is wrong, the gravest first.
        notes: what was seen and is no fault by itself.
        warnings: what is no fault of the file, and yet will not do.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_points(
    points: PointSet,
    images_dir: str | os.PathLike[str],
    *,
    seed: int = 0,
    max_images: int = _MAX_IMAGES,
    progress: Progress | None = None,
) -> CheckReport:
    """Look for the usual faults of points, in their rows and under them in the pixels.

    Whether points lie on objects is not assumed but measured: how well the surroundings of points are told
    from those of random places (see `separability`). Another reading of the coordinates (x and y swapped,
    another unit, the turn that a camera notes) is reported where it tells them apart much better.

    Args:
        points: read with ``keep_outside=True``, so that a wrong unit shows.
        images_dir: the folder of the images.
        seed: of the choice of images and of random places.
        max_images: so many images with points are looked at, chosen at random.
        progress: called with the images looked at.

    Raises:
        PointsError: if an image cannot be read.
    """
    rng = np.random.default_rng(seed)
    pixels = look_at_pixels(points, images_dir, rng, max_images, progress)
    lost = outside(points)
    inside = points.select(~lost)
    # A few stray rows say nothing of the others; a wrong unit throws many points out.
    within = pixels.of(inside)
    placement = (
        check_placement(points, within if lost.mean() <= _FEW_OUTSIDE else pixels, images_dir, rng)
        if len(points)
        else []
    )
    findings = list(placement)
    if not placement:
        findings += check_outside(points)
        findings += check_empty(inside, within)
    notes = check_whole_numbers(points)
    if not placement:
        shifted, shift_notes = check_shift(within, rng)
        findings += shifted
        notes += shift_notes
        findings += check_doubled(points)
    findings += check_class_names(points)
    findings += check_groups(points)
    image_findings, image_notes = check_images(points, images_dir)
    return CheckReport(findings + image_findings, notes + image_notes, check_rare(points))


def skipped_findings(reasons: Counter[str]) -> list[Finding]:
    """A finding for each reason that a reader skipped rows for.

    Examples:
        >>> print(skipped_findings(Counter({Reason.X.text: 2}))[0].what)
        rows cannot be used: x is not a number
    """
    remedies = {reason.text: reason.remedy for reason in Reason}
    return [
        Finding(f"rows cannot be used: {text}", f"{count} rows", remedies.get(text, "mend the rows"))
        for text, count in reasons.most_common()
    ]


__all__ = ["CheckReport", "Finding", "Pixels", "check_points", "skipped_findings"]
