"""Faults that show in the rows alone: outside, doubled, class names, images without points."""

from __future__ import annotations

import os
import re
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from synthmed._wording import counted
from synthmed.points.finding import Finding
from synthmed.points.image_names import ImageNames
from synthmed.points.pointset import PointSet

_DOUBLED_PX = 1.0
_SHOWN = 3

LEAST_OBJECTS = 10
"""Of a class: with one image in five held out, about two of them are left to judge by."""


def outside(points: PointSet) -> NDArray[np.bool_]:
    """``(N,)`` which points lie outside their image."""
    shapes = points.image_shapes_px[points.image_index]
    inside = ((points.centers_px >= 0) & (points.centers_px < shapes)).all(axis=1)
    return np.asarray(~inside)


def check_outside(points: PointSet) -> list[Finding]:
    """Points outside their image, where no other reading of the coordinates explains them."""
    bad = outside(points)
    if not bad.any():
        return []
    return [
        Finding(
            "points lie outside their image",
            f"{bad.sum()} of {len(points)} points, such as {_places(points, bad)}",
            "check that these rows belong to these images, in pixels; readers skip them",
        )
    ]


def check_doubled(points: PointSet) -> list[Finding]:
    """Points of one class within a pixel of another in the same image."""
    from scipy.spatial import cKDTree

    doubled = np.zeros(len(points), dtype=bool)
    for image in np.unique(points.image_index):
        for label in range(len(points.classes)):
            own = np.flatnonzero((points.image_index == image) & (points.labels == label))
            if len(own) > 1:
                pairs = cKDTree(points.centers_px[own]).query_pairs(_DOUBLED_PX, output_type="ndarray")
                doubled[own[pairs[:, 1]]] = True
    if not doubled.any():
        return []
    images = len(np.unique(points.image_index[doubled]))
    return [
        Finding(
            "objects are clicked twice",
            f"{doubled.sum()} of {len(points)} points lie within {_DOUBLED_PX:g} px of another of their "
            f"class, in {images} images, such as {_places(points, doubled)}",
            "delete one of each pair; a file that was exported twice, or merged with itself, looks like this",
        )
    ]


def check_class_names(points: PointSet) -> list[Finding]:
    """Classes that differ only in case, spaces, hyphens and underscores."""
    alike = defaultdict(list)
    for name in points.classes:
        alike[re.sub(r"[\s_\-]+", "", name).casefold()].append(name)
    counts = dict(zip(points.classes, np.bincount(points.labels, minlength=len(points.classes)), strict=True))
    return [
        Finding(
            "class names differ only in case or spaces",
            ", ".join(f"{name!r} ({counts[name]} points)" for name in names),
            f"write one of them throughout, such as {max(names, key=counts.__getitem__)!r}",
        )
        for names in alike.values()
        if len(names) > 1
    ]


def check_rare(points: PointSet) -> list[str]:
    """A sentence for each class with fewer objects than a bank and a measured figure need."""
    counts = np.bincount(points.labels, minlength=len(points.classes)).tolist()
    return [
        f"class {name!r} has {counted(count, 'point')} only: every scene repeats the few "
        "that there are, and a split that holds none of them cannot tell whether they are found. "
        f"Click {LEAST_OBJECTS} or more, mend the name, or leave the class out (--class names those to keep)"
        for name, count in zip(points.classes, counts, strict=True)
        if 0 < count < LEAST_OBJECTS
    ]


def check_groups(points: PointSet) -> list[Finding]:
    """Groups that occur in train and in a split that is evaluated on."""
    splits_of = defaultdict(set)
    for group, split in zip(points.groups, points.splits, strict=True):
        if group:
            splits_of[group].add(split)
    leaking = sorted(group for group, splits in splits_of.items() if "train" in splits and len(splits) > 1)
    if not leaking:
        return []
    shown = ", ".join(leaking[:5]) + (", ..." if len(leaking) > 5 else "")
    return [
        Finding(
            "groups occur in train and in another split too",
            f"{len(leaking)} of {len(splits_of)} groups: {shown}",
            "put all images of a group (slide, patient) into one split; no bank is built from such points",
        )
    ]


def check_images(points: PointSet, images_dir: str | os.PathLike[str]) -> tuple[list[Finding], list[str]]:
    """Images of the folder that the points do not name, and listed images without points."""
    names = ImageNames(images_dir).names
    unnamed = sorted(set(names) - set(points.images))
    notes, findings = [], []
    if unnamed and len(unnamed) > 0.5 * len(names):
        findings.append(
            Finding(
                "most images of the folder have no points",
                f"{len(unnamed)} of {len(names)}, such as {', '.join(unnamed[:_SHOWN])}",
                "check that this is the folder that the file belongs to",
            )
        )
    elif unnamed:
        shown = ", ".join(unnamed[:_SHOWN])
        notes.append(f"{len(unnamed)} of {len(names)} images of the folder are not named, such as {shown}")
    empty = int((points.counts().sum(axis=1) == 0).sum())
    if empty:
        notes.append(f"{empty} of {len(points.images)} images are listed without points: they are negatives")
    return findings, notes


def check_whole_numbers(points: PointSet) -> list[str]:
    """A note where nearly all coordinates are whole numbers: they may be the indices of pixels."""
    whole = (points.centers_px == np.floor(points.centers_px)).all(axis=1)
    if len(points) < 20 or whole.mean() < 0.95:
        return []
    return [
        f"{whole.mean():.0%} of the coordinates are whole numbers. Here the centre of the first pixel is "
        "(0.5, 0.5): if the tool wrote indices of pixels, all points are half a pixel too far up and left"
    ]


def _places(points: PointSet, chosen: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(chosen)[:_SHOWN]
    return ", ".join(
        f"{points.images[image]} (x {x:g}, y {y:g})"
        for image, (y, x) in zip(points.image_index[rows], points.centers_px[rows], strict=True)
    )
