"""Take the objects out of source images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops
from synthmed.bank.background import Background
from synthmed.bank.fill import fill_holes
from synthmed.bank.objects import find_objects
from synthmed.bank.spec import BankSpec
from synthmed.points.regions import ImageSource

_LARGEST_PX = 1024
"""Longest side of a backdrop; of a larger image it shows a part."""

_REACH = 1.35
"""Diameter of the disc that is taken out round a click, per side of its class."""

_RIM = 0.25
"""How much of the surroundings of a segmented object goes with it, halo and all, per side of its class."""


class BackdropBuilder:
    """Collects the backdrops of some of the images that a bank is built from.

    Args:
        images: how many images there are.
        spec: how many backdrops are wanted, and the seed.
    """

    def __init__(self, images: int, spec: BankSpec) -> None:
        self._rng = np.random.default_rng([spec.seed, 1])
        self._chosen = set(self._rng.permutation(images)[: spec.backdrops].tolist())
        self._made: list[NDArray[np.uint8]] = []
        self._images: list[int] = []

    def add(
        self,
        image_index: int,
        source: ImageSource,
        centers_px: NDArray[np.float64],
        sizes_px: NDArray[np.float64],
        background: Background,
    ) -> None:
        """Make the backdrop of an image, if it is one of those chosen.

        Args:
            image_index: its number.
            source: the image.
            centers_px: ``(N, 2)`` float, its objects.
            sizes_px: ``(N,)`` float, the side of the class of each.
            background: of the image.
        """
        if image_index not in self._chosen:
            return
        shape = np.array(source.shape_px)
        low = self._rng.integers(0, np.maximum(shape - _LARGEST_PX, 0) + 1)
        high = np.minimum(low + _LARGEST_PX, shape)
        # Objects whose centre lies outside may still reach in.
        reach_px = sizes_px[:, None]
        near = ((centers_px >= low - reach_px) & (centers_px < high + reach_px)).all(axis=1)
        made = emptied(
            source.read_region(low, high), centers_px[near] - low, sizes_px[near], background, self._rng
        )
        self._made.append(made)
        self._images.append(image_index)

    def backdrops(self) -> Backdrops:
        """The backdrops so far."""
        if not self._made:
            return NO_BACKDROPS
        return Backdrops(
            pixels=np.concatenate([one.reshape(-1, 3) for one in self._made]),
            shapes_px=np.array([one.shape[:2] for one in self._made], dtype=np.int64),
            image_index=np.array(self._images, dtype=np.int64),
        )


def emptied(
    image: NDArray[np.uint8],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    background: Background,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """An image without its objects.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float, the objects; may lie outside.
        sizes_px: ``(N,)`` float, the side of the class of each.
        background: of the image.
        rng: source of randomness.
    """
    holes = object_mask(image.shape[:2], centers_px, sizes_px, _REACH)
    inside = ((centers_px >= 0) & (centers_px < image.shape[:2])).all(axis=1)
    labels = find_objects(image, centers_px[inside], sizes_px[inside], background).labels
    if labels.any():
        away_px, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
        rim_px = np.maximum(2.0, _RIM * sizes_px[inside])[labels[tuple(nearest)] - 1]
        holes |= away_px <= rim_px
    return fill_holes(image, holes, background.color, background.noise, rng)


def object_mask(
    shape_px: tuple[int, int], centers_px: NDArray[np.float64], sizes_px: NDArray[np.float64], reach: float
) -> NDArray[np.bool_]:
    """Discs round all centres.

    Args:
        shape_px: height and width.
        centers_px: ``(N, 2)`` float.
        sizes_px: ``(N,)`` float, the side of each object's class.
        reach: diameter of a disc per side.
    """
    mask = np.zeros(shape_px, dtype=bool)
    for (row, column), size in zip(centers_px, sizes_px, strict=True):
        radius = reach * size / 2
        top, bottom = max(0, int(row - radius)), max(0, min(shape_px[0], int(row + radius) + 2))
        left, right = max(0, int(column - radius)), max(0, min(shape_px[1], int(column + radius) + 2))
        rows = np.arange(top, bottom)[:, None] + 0.5 - row
        columns = np.arange(left, right)[None] + 0.5 - column
        mask[top:bottom, left:right] |= rows**2 + columns**2 <= radius**2
    return mask
