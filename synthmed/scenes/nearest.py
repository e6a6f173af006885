"""How far from each other the real objects lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.recipe import PlacementRecipe

_FEWEST, _SHARE = 10, 0.1
"""Of so many images, or such a share of them, one is drawn: those whose density is most like the scene's."""


class Crowd(NamedTuple):
    """How the objects of one image lie; N of them, two at least.

    Attributes:
        density: objects per pixel.
        labels: ``(N,)`` int.
        nearest_px: ``(N,)`` float, from each to the nearest other one, whatever its class.
    """

    density: float
    labels: NDArray[np.int64]
    nearest_px: NDArray[np.float64]


def source_crowds(bank: PatchBank, _: PlacementRecipe) -> list[Crowd]:
    """Those of the source images, from the sparsest to the most crowded."""
    clicks = bank.clicks
    order = np.argsort(clicks.image_index, kind="stable")
    counts = np.bincount(clicks.image_index, minlength=len(bank.images))
    areas_px = bank.image_shapes_px.prod(axis=1)
    crowds = [
        Crowd(float(len(index) / area_px), clicks.labels[index], clicks.nearest_px[index])
        for index, area_px in zip(np.split(order, np.cumsum(counts)[:-1]), areas_px, strict=True)
        if len(index) > 1
    ]
    return sorted(crowds, key=lambda crowd: crowd.density)


def draw_nearest(
    crowds: list[Crowd], labels: NDArray[np.int64], density: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """For each object of a scene a distance to its nearest neighbour, all of them of one real image.

    Args:
        crowds: of the source images, in the order of their density.
        labels: ``(M,)`` int, the objects of the scene.
        density: objects per source pixel.
        rng: source of randomness.

    Returns:
        ``(M,)`` float, in source pixels; NaN where no image has two objects.
    """
    wishes = np.full(len(labels), np.nan)
    if not crowds:
        return wishes
    alike = min(len(crowds), max(_FEWEST, round(_SHARE * len(crowds))))
    # All images of one density are one group, in whose middle the search begins.
    densities = [crowd.density for crowd in crowds]
    low, high = (int(np.searchsorted(densities, density, side=side)) for side in ("left", "right"))
    begin = min(max((low + high - alike) // 2, 0), len(crowds) - alike)
    crowd = crowds[begin + int(rng.integers(alike))]
    for label in np.unique(labels):
        own = crowd.nearest_px[crowd.labels == label]
        pool = rng.permutation(own if len(own) else crowd.nearest_px)
        wishes[labels == label] = np.resize(pool, int((labels == label).sum()))
    return wishes
