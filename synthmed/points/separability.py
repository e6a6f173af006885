"""Whether points lie on objects: how well their surroundings are told from those of random places.

Each place is described by the band-passed colours of its surroundings at four scales and their energy. A
linear discriminant (Fisher 1936), trained on three quarters of the points, tells points from random places
of the same images in the last quarter; the area under its ROC curve is 0.5 where points are as good as
random and about 0.9 and more where they lie on objects, dark or light, crowded or few. So the readings of
coordinates can be compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import open_image

_SIDE_PX = 320
_PER_IMAGE = 60
LEAST_POINTS = 30
_ENOUGH_IMAGES = 4

Centers = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Pixels:
    """The images that were looked at.

    Attributes:
        images: ``(M,)`` int, their places in the point set.
        features: ``(h, w, F)`` description of every place of each image, at a reduced size.
        factors: by how much each was reduced.
        greys: ``(H, W)`` float32 of each image at full size.
        centers_px: the points of each image.
    """

    images: NDArray[np.int64]
    features: list[NDArray[np.float32]]
    factors: list[int]
    greys: list[NDArray[np.float32]]
    centers_px: Centers

    def of(self, points: PointSet) -> Pixels:
        """The same images with other points of the same set."""
        centers = [points.centers_px[points.image_index == image] for image in self.images]
        return replace(self, centers_px=centers)


def look_at_pixels(
    points: PointSet,
    images_dir: str | os.PathLike[str],
    rng: np.random.Generator,
    max_images: int,
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """Read some images that have points; of a large one only a mosaic could be seen, so it is left out."""
    with_points = rng.permutation(np.unique(points.image_index))[:max_images]
    found, features, factors, greys, centers = [], [], [], [], []
    for done, image in enumerate(with_points.tolist(), 1):
        with open_image(resolve_inside(images_dir, points.images[image])) as source:
            if not source.is_large:
                pixels = source.sample()
                described, factor = describe(pixels)
                found.append(image)
                features.append(described)
                factors.append(factor)
                greys.append(pixels.mean(axis=2, dtype=np.float32))
                centers.append(points.centers_px[points.image_index == image])
        if progress is not None:
            progress(done, len(with_points))
    return Pixels(np.array(found, dtype=np.int64), features, factors, greys, centers)


def describe(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], int]:
    """``(h, w, 16)`` band-passed colours and energies of a reduced image, and the factor of reduction."""
    from scipy import ndimage

    factor = max(1, round(max(image.shape[:2]) / _SIDE_PX))
    height, width = (max(n // factor, 1) * factor for n in image.shape[:2])
    padded = np.pad(
        image, [(0, max(height - image.shape[0], 0)), (0, max(width - image.shape[1], 0)), (0, 0)]
    )
    blocks = padded[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    small = blocks.mean(axis=(1, 3), dtype=np.float32)
    small = (small - small.mean(axis=(0, 1))) / (small.std() + 1e-6)
    bands = []
    for scale in (1, 2, 4, 8):
        fine, coarse = (ndimage.gaussian_filter(small, (s, s, 0)) for s in (scale, 2 * scale))
        band = fine - coarse
        bands += [band, np.sqrt(ndimage.gaussian_filter((band**2).sum(axis=2), 2 * scale))[:, :, None]]
    return np.concatenate(bands, axis=2).astype(np.float32), factor


def separability(pixels: Pixels, centers_px: Centers, rng: np.random.Generator) -> tuple[float, float]:
    """How well points are told from random places (0.5 to 1), and the share of them inside their images.

    The first figure is drawn towards 0.5 by the share outside, so that readings can be compared by it.
    """
    inside_count, count = 0, 0
    own, other = [], []
    sizes = [np.array(f.shape[:2]) * k for f, k in zip(pixels.features, pixels.factors, strict=True)]
    for image, (features, factor) in enumerate(zip(pixels.features, pixels.factors, strict=True)):
        inside = _inside(centers_px[image], sizes[image])
        inside_count, count = inside_count + len(inside), count + len(centers_px[image])
        if len(inside) > _PER_IMAGE:
            inside = rng.permutation(inside)[:_PER_IMAGE]
        elsewhere = _other_places(image, centers_px, sizes, max(len(inside), 10), rng)
        own.append(_at(features, factor, inside))
        other.append(_at(features, factor, elsewhere))
    points, places = np.concatenate(own), np.concatenate(other)
    if len(points) < LEAST_POINTS:
        return 0.5, inside_count / max(count, 1)
    folds_own, folds_other = rng.permutation(len(points)) % 4, rng.permutation(len(places)) % 4
    areas = []
    for fold in range(4):
        train, test = points[folds_own != fold], points[folds_own == fold]
        weights = _discriminant(train, places[folds_other != fold])
        areas.append(_roc_area(test @ weights, places[folds_other == fold] @ weights))
    share = inside_count / count
    return 0.5 + (float(np.mean(areas)) - 0.5) * share, share


def _other_places(
    image: int, centers_px: Centers, sizes: list[NDArray[np.int64]], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """``(M, 2)`` places that are spread as the points are, but without regard to pixels.

    They are points of other images; of few images, places between the outermost points. Uniform ones would do
    for points that fill their images, but points that a wrong unit draws into a corner would be told from
    them by the light of the corner.
    """
    others = [
        _inside(c, s) / s * sizes[image]
        for i, (c, s) in enumerate(zip(centers_px, sizes, strict=True))
        if i != image
    ]
    pool = np.concatenate(others) if others else np.zeros((0, 2))
    if len(others) >= _ENOUGH_IMAGES and len(pool):
        chosen = pool[rng.integers(len(pool), size=count)]
        spread = np.ptp(pool, axis=0) * 0.02
        return np.asarray(np.clip(chosen + rng.normal(0, 1, chosen.shape) * spread, 0, sizes[image] - 1))
    inside = _inside(centers_px[image], sizes[image])
    low, high = (inside.min(axis=0), inside.max(axis=0)) if len(inside) else (np.zeros(2), sizes[image])
    return np.asarray(rng.uniform(low, high, (count, 2)))


def _inside(centers_px: NDArray[np.float64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    return centers_px[((centers_px >= 0) & (centers_px < size)).all(axis=1)]


def _at(features: NDArray[np.float32], factor: int, centers_px: NDArray[np.float64]) -> NDArray[np.float64]:
    place = np.clip((centers_px / factor).astype(np.int64), 0, np.array(features.shape[:2]) - 1)
    values = features[place[:, 0], place[:, 1]].astype(np.float64)
    return np.concatenate([values, values**2], axis=1)


def _discriminant(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = np.cov(points.T) + np.cov(places.T)
    spread += np.eye(len(spread)) * 1e-3 * np.trace(spread) / len(spread) + np.eye(len(spread)) * 1e-9
    return np.asarray(np.linalg.solve(spread, points.mean(axis=0) - places.mean(axis=0)))


def _roc_area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """The share of pairs in which the positive one is higher (Mann and Whitney 1947), ties as halves."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    pairs = len(positive) * len(negative)
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / pairs)
