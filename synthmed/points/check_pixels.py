"""Checks of points against the pixels: other readings of the coordinates, and points on empty background."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from synthmed.points.finding import Finding
from synthmed.points.images import exif_orientation, resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.separability import LEAST_POINTS, Centers, Pixels, separability
from synthmed.points.turns import from_stored

_MARGIN = 0.12
_GOOD = 0.7
_SUSPECT = 0.8
_EMPTY_SHARE = 0.02
_TIE = 0.01


def check_placement(
    points: PointSet, pixels: Pixels, images_dir: str | os.PathLike[str], rng: np.random.Generator
) -> list[Finding]:
    """The reading of the coordinates that fits the pixels much better than the one as they are."""
    if not len(pixels.images):
        return []
    seed = int(rng.integers(2**32))

    def score(centers: Centers) -> tuple[float, float]:
        return separability(pixels, centers, np.random.default_rng(seed))

    plain, inside = score(pixels.centers_px)
    best: tuple[float, float, str, str] = (plain, inside, "", "")
    for what, centers, remedy in _readings(points, pixels, images_dir):
        fit, share = score(centers)
        if fit > best[0]:
            best = (fit, share, what, remedy)
    if best[0] < _SUSPECT or (not best[2] and inside < 0.99):
        for what, centers, remedy in _scales(pixels, score):
            fit, share = score(centers)
            if fit > best[0] + _TIE:
                best = (fit, share, what, remedy)
    fit, share, what, remedy = best
    if what and fit >= plain + _MARGIN and fit >= _GOOD:
        return [
            Finding(
                what,
                f"read so, points are told from random places with {fit:.2f} and {share:.0%} lie inside "
                f"their image; as they are, with {plain:.2f} and {inside:.0%} (0.50 is chance)",
                remedy,
            )
        ]
    count = sum(map(len, pixels.centers_px))
    if plain < 0.6 and count >= 100 and inside > 0.9:
        return [
            Finding(
                "the points lie on nothing that differs from its surroundings",
                f"points are told from random places with {plain:.2f} (0.50 is chance), {count} points",
                "check that the file belongs to these images, and draw some points on them",
            )
        ]
    return []


def _readings(
    points: PointSet, pixels: Pixels, images_dir: str | os.PathLike[str]
) -> list[tuple[str, Centers, str]]:
    centers = pixels.centers_px
    shapes = [points.image_shapes_px[image].astype(float) for image in pixels.images]
    largest = max((float(c.max(initial=0)) for c in centers), default=0.0)
    readings = [
        (
            "x and y are swapped",
            [c[:, ::-1] for c in centers],
            "exchange the columns x and y, or --column x=y --column y=x",
        )
    ]
    if largest <= 1:
        shares = [c * s for c, s in zip(centers, shapes, strict=True)]
        readings.append(("the coordinates are shares of the image", shares, "multiply by width and height"))
    if largest <= 100:
        percent = [c * s / 100 for c, s in zip(centers, shapes, strict=True)]
        readings.append(("the coordinates are percent", percent, "multiply by width / 100 and height / 100"))
    turns = [exif_orientation(resolve_inside(images_dir, points.images[i])) for i in pixels.images]
    if any(turn != 1 for turn in turns):
        turned = [from_stored(c, s, t) for c, s, t in zip(centers, shapes, turns, strict=True)]
        readings.append(
            (
                "the points were set on images that were not turned by their EXIF tag",
                turned,
                f"{sum(turn != 1 for turn in turns)} of {len(turns)} images have the tag, and are turned by "
                "it when they are read here: save them turned, without the tag, and set the points on those",
            )
        )
    return readings


def _scales(
    pixels: Pixels, score: Callable[[Centers], tuple[float, float]]
) -> list[tuple[str, Centers, str]]:
    """The factor that fits best, first in steps of 4 %, then of half a per cent."""

    def fit(factor: float) -> float:
        return score([c * factor for c in pixels.centers_px])[0]

    coarse = [float(f) for f in np.geomspace(1 / 16, 16, 142) if abs(np.log(f)) > 0.05]
    first = max(coarse, key=fit)
    factor = max((first * (1 + step) for step in np.arange(-0.04, 0.0401, 0.005)), key=fit)
    if fit(factor) < _GOOD:
        return []
    nearest = round(factor) if factor >= 1 else 1 / round(1 / factor)
    if abs(nearest / factor - 1) < 0.01 and fit(nearest) >= fit(factor) - 0.01:
        factor = nearest
    what = f"the coordinates are in another unit: 1 of it is {factor:.3g} px"
    remedy = (
        f"multiply x and y by {factor:.3g} (a pixel is {1 / factor:.3g} of it, say micrometres); of a table "
        f"of ImageJ pass --unit {1 / factor:.3g}"
    )
    return [(what, [c * factor for c in pixels.centers_px], remedy)]


def check_empty(points: PointSet, pixels: Pixels) -> list[Finding]:
    """Points with nothing under them: the surroundings are flat, as in the emptiest part of the image."""
    from scipy import ndimage

    if sum(map(len, pixels.centers_px)) < LEAST_POINTS:
        return []
    side = _window_side(pixels)
    levels, floors = [], []
    for grey, centers in zip(pixels.greys, pixels.centers_px, strict=True):
        smooth = ndimage.gaussian_filter(grey, 1.5)
        local = ndimage.maximum_filter(smooth, side) - ndimage.minimum_filter(smooth, side)
        place = np.clip(np.floor(centers).astype(np.int64), 0, np.array(grey.shape) - 1)
        levels.append(local[place[:, 0], place[:, 1]])
        floors.append(np.full(len(centers), np.percentile(local, 20)))
    level, floor = np.concatenate(levels), np.concatenate(floors)
    labels = np.concatenate([points.labels[points.image_index == image] for image in pixels.images])
    # A class may be faint by nature, so each is measured by its own.
    usual = np.array(
        [np.median(level[labels == c]) if (labels == c).any() else 0 for c in range(len(points.classes))]
    )
    empty = (level < 0.3 * usual[labels]) & (level <= 2 * floor)
    if empty.mean() <= _EMPTY_SHARE:
        return []
    image = np.repeat(pixels.images, [len(c) for c in pixels.centers_px])
    centers = np.concatenate(pixels.centers_px)
    shown = ", ".join(
        f"{points.images[image[i]]} (x {centers[i, 1]:g}, y {centers[i, 0]:g})"
        for i in np.flatnonzero(empty)[:3]
    )
    return [
        Finding(
            "points lie on empty background",
            f"{empty.sum()} of {len(empty)} points have a local contrast below 30 % of what is usual "
            f"in their class ({usual.max():.0f} grey levels or less), such as {shown}",
            "look at these points, and delete those without an object",
        )
    ]


def _window_side(pixels: Pixels) -> int:
    """The side of the window in which an object shows: 0.7 of the usual distance of neighbours."""
    from scipy.spatial import cKDTree

    nearest = [cKDTree(c).query(c, k=2)[0][:, 1] for c in pixels.centers_px if len(c) > 1]
    usual = float(np.median(np.concatenate(nearest))) if nearest else 35.0
    return int(np.clip(0.7 * usual, 15, 81)) // 2 * 2 + 1
