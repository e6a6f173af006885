"""Class sizes from pixels and clicked centres alone, for ``--size auto``.

Measured against boxes: mean side of those that the border does not cut, in pixels. The constants were chosen
on the train splits of the three real datasets, and the rule about bright fringes on the phantom; the val
splits decided nothing.

==================  ===========  =====  ========  ======  =====  ========  ======
dataset             class        train  estimate  error   val    estimate  error
==================  ===========  =====  ========  ======  =====  ========  ======
BCCD, stained       Platelet      42.1      35.6  -15 %    42.4      36.1  -15 %
BCCD                RBC          103.4      96.9   -6 %   104.2     100.0   -4 %
BCCD                WBC          208.3     196.4   -6 %   209.3     189.5   -9 %
LDC, unstained      Dead Cell     20.9      23.6  +13 %    21.2      24.2  +14 %
LDC                 Living Cell   20.5      22.9  +12 %    19.7      21.4   +8 %
DSB, fluorescence   nucleus       22.3      25.6  +15 %
phantom             Bacteria       8.5       9.0   +5 %
phantom             RBC           28.3      28.8   +2 %
phantom             WBC           46.6      44.7   -4 %
==================  ===========  =====  ========  ======  =====  ========  ======

Object by object the outline is steadier than that: within one class its ratio to the drawn box scatters by
3 to 12 %. What is left is custom: the boxes of BCCD stand off all their cells by some 8 %, and those of LDC
cut into them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.segment import is_centered, outline_objects, solidity
from synthmed.errors import BankError
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import ImageSource, open_image

_LEAST_SOLIDITY = 0.88
_FEW = 5
_ENOUGH = 30
_PRECISION = 0.02
_LARGEST_SIDE_PX = 2048


@dataclass(frozen=True)
class SizeEstimate:
    """The size of a class.

    Attributes:
        size_px: the mean of height and width of the box round a typical object.
        spread_px: the standard deviation of that among objects.
        count: the number of objects it was measured on.
    """

    size_px: float
    spread_px: float
    count: int


@dataclass
class _Measured:
    """Sides of the objects of one class: those whose outline can be trusted, and the others."""

    trusted: list[float] = field(default_factory=list)
    doubtful: list[float] = field(default_factory=list)

    def estimate(self) -> SizeEstimate | None:
        """Mean of the middle half, and the deviation of a normal distribution with the same quartiles.

        Sides are whole or half pixels, too coarse for a median of small objects. Doubtful outlines count only
        where hardly any can be trusted.
        """
        sides = self.trusted if len(self.trusted) >= _FEW else self.trusted + self.doubtful
        if not sides:
            return None
        ordered = np.sort(sides)
        quarter = len(ordered) // 4
        size = float(ordered[quarter : len(ordered) - quarter].mean())
        low, high = np.percentile(ordered, (25, 75))
        return SizeEstimate(size, float(high - low) / 1.349, len(sides))

    def is_done(self, most: int) -> bool:
        """Whether further objects would not change the estimate by much.

        The standard error of the mean of the middle half is 1.09 times that of the mean of all, for a normal
        distribution.
        """
        count = len(self.trusted)
        if count >= most:
            return True
        found = self.estimate() if count >= _ENOUGH else None
        return found is not None and 1.09 * found.spread_px / np.sqrt(count) < _PRECISION * found.size_px


def estimate_sizes(
    points: PointSet,
    images_dir: str | os.PathLike[str],
    *,
    seed: int = 0,
    max_points_per_class: int = 300,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, SizeEstimate]:
    """Estimate the size of each class from pixels and clicked centres.

    Extents (``sizes_px``) are not looked at. Images are visited in random order until every class has been
    measured well enough. Clicked objects are outlined by `outline_objects`. An outline is trusted where it
    lies within the image, is about convex, has the click near its middle and no other click on it; the size
    of a class is the mean, over the middle half of them, of the mean side of the bounding box.

    It comes out within about 15 % of the boxes that people draw. They draw some tight and some loose, and
    nothing in the pixels tells which.

    Args:
        points: the clicked centres.
        images_dir: the folder that the image names are relative to.
        seed: of the order in which images are visited.
        max_points_per_class: no class is measured on many more objects than that.
        progress: called with the number of images done.

    Returns:
        The estimates of those classes that have one, in the order of ``points.classes``.

    Raises:
        PointsError: if an image cannot be read.
        BankError: if the points are not in two dimensions.
    """
    if points.ndim != 2:
        raise BankError(
            "sizes are estimated in two dimensions only", value=points.ndim, remedy="give the sizes"
        )
    rng = np.random.default_rng(seed)
    measured = [_Measured() for _ in points.classes]
    counts = points.counts()
    for done, index in enumerate(rng.permutation(len(points.images)), 1):
        open_classes = [not found.is_done(max_points_per_class) for found in measured]
        if (counts[index] * open_classes).any():
            with open_image(resolve_inside(images_dir, points.images[index])) as source:
                _measure_image(source, points.select(points.image_index == index), measured, rng)
        if progress is not None:
            progress(done, len(points.images))
    estimates = {name: found.estimate() for name, found in zip(points.classes, measured, strict=True)}
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def _measure_image(
    image: ImageSource, points: PointSet, measured: list[_Measured], rng: np.random.Generator
) -> None:
    """Measure the objects of an image, or of a window round one of them where it is very large."""
    corner = _window_corner(image.shape_px, points.centers_px, rng)
    window = image.read_region(corner, np.minimum(corner + _LARGEST_SIDE_PX, image.shape_px))
    centers_px = points.centers_px - corner
    inside = ((centers_px >= 0) & (centers_px < window.shape[:2])).all(axis=1)
    sides_px, trusted = measure_objects(window, centers_px[inside])
    rows = zip(points.labels[inside], points.edge[inside], sides_px, trusted, strict=True)
    for label, edge, side_px, is_trusted in rows:
        if np.isfinite(side_px) and not edge:
            found = measured[label]
            (found.trusted if is_trusted else found.doubtful).append(float(side_px))


def _window_corner(
    shape_px: tuple[int, ...], centers_px: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The first pixel of the window to look at: that of the image, unless the image is very large."""
    room = np.maximum(np.array(shape_px) - _LARGEST_SIDE_PX, 0)
    middle = centers_px[rng.integers(len(centers_px))].astype(np.int64)
    return np.asarray(np.clip(middle - _LARGEST_SIDE_PX // 2, 0, room))


def measure_objects(
    image: NDArray[np.uint8], centers_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Outline the clicked objects of an image and measure their boxes.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float.

    Returns:
        ``(N,)`` mean side of each bounding box, NaN where nothing was found or it touches the border of the
        image; and ``(N,)`` bool, which outlines can be trusted.
    """
    sides_px = np.full(len(centers_px), np.nan)
    trusted = np.zeros(len(centers_px), dtype=bool)
    labels, merged = outline_objects(image, centers_px)
    for index, place in enumerate(ndimage.find_objects(labels, max_label=len(centers_px))):
        if place is None:
            continue
        low = np.array([part.start for part in place])
        high = np.array([part.stop for part in place])
        if (low == 0).any() or (high == image.shape[:2]).any():
            continue
        sides_px[index] = (high - low).mean()
        mask = labels[place] == index + 1
        convex = solidity(mask) > _LEAST_SOLIDITY
        trusted[index] = convex and not merged[index] and is_centered(mask, centers_px[index] - low)
    return sides_px, trusted
