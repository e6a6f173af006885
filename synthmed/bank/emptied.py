"""Take the objects out of source images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops
from synthmed.bank.background import Background
from synthmed.bank.fill import fill_holes
from synthmed.bank.spec import BankSpec

_LARGEST_PX = 1024
"""Longest side of a backdrop; of a larger image it shows a part."""

_REACH = 1.35
"""Diameter of the disc that is taken out round a click, per side of its class."""

_RIM = 0.3
"""How much of the surroundings of a segmented object goes with it, halo and all, per side of its class."""

_LEAST_RIM_PX = 5.0
"""The same in pixels: optics make halos of small objects no narrower."""


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
        image: NDArray[np.uint8],
        centers_px: NDArray[np.float64],
        sizes_px: NDArray[np.float64],
        owners: NDArray[np.int32],
        background: Background,
    ) -> None:
        """Make the backdrop of an image, if it is one of those chosen and has none yet.

        Args:
            image_index: its number.
            image: ``(H, W, 3)`` uint8, the image, or a part of it.
            centers_px: ``(N, 2)`` float, the objects.
            sizes_px: ``(N,)`` float, the side of the class of each.
            owners: ``(H, W)`` int32, which object has a pixel, from 1; 0 for none.
            background: of the image.
        """
        if image_index not in self._chosen:
            return
        self._chosen.remove(image_index)
        backdrop = emptied(image, centers_px, sizes_px, owners, background, self._rng)
        low = self._rng.integers(0, np.maximum(np.array(image.shape[:2]) - _LARGEST_PX, 0) + 1)
        self._made.append(backdrop[low[0] : low[0] + _LARGEST_PX, low[1] : low[1] + _LARGEST_PX])
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
    owners: NDArray[np.int32],
    background: Background,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """An image without its objects.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float, the objects.
        sizes_px: ``(N,)`` float, the side of the class of each.
        owners: ``(H, W)`` int32, which object has a pixel, from 1; 0 for none.
        background: of the image.
        rng: source of randomness.
    """
    holes = object_mask(image.shape[:2], centers_px, sizes_px, _REACH)
    if owners.any():
        away_px, nearest = ndimage.distance_transform_edt(owners == 0, return_indices=True)
        rim_px = np.maximum(_LEAST_RIM_PX, _RIM * sizes_px)[owners[tuple(nearest)] - 1]
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
