"""Take the objects out of source images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.background import Background
from synthmed.bank.fill import fill_holes
from synthmed.bank.objects import find_objects
from synthmed.bank.plates import NO_PLATES, Plates
from synthmed.bank.spec import BankSpec
from synthmed.points.regions import ImageSource

_LARGEST_PX = 1024
"""Longest side of a plate; of a larger image it shows a part."""

_REACH = 1.35
"""Diameter of the disc that is taken out round a click, per side of its class."""

_RIM = 0.25
"""How much of the surroundings of a segmented object goes with it, halo and all, per side of its class."""


class PlateBuilder:
    """Collects the plates of some of the images that a bank is built from.

    Args:
        images: how many images there are.
        spec: how many plates are wanted, and the seed.
    """

    def __init__(self, images: int, spec: BankSpec) -> None:
        self._rng = np.random.default_rng([spec.seed, 1])
        self._chosen = set(self._rng.permutation(images)[: spec.plates].tolist())
        self._plates: list[NDArray[np.uint8]] = []
        self._images: list[int] = []

    def add(
        self,
        image_index: int,
        source: ImageSource,
        centers_px: NDArray[np.float64],
        sizes_px: NDArray[np.float64],
        background: Background,
    ) -> None:
        """Make the plate of an image, if it is one of those chosen.

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
        near = ((centers_px >= low) & (centers_px < high)).all(axis=1)
        plate = without_objects(
            source.read_region(low, high), centers_px[near] - low, sizes_px[near], background, self._rng
        )
        self._plates.append(plate)
        self._images.append(image_index)

    def plates(self) -> Plates:
        """The plates so far."""
        if not self._plates:
            return NO_PLATES
        return Plates(
            pixels=np.concatenate([plate.reshape(-1, 3) for plate in self._plates]),
            shapes_px=np.array([plate.shape[:2] for plate in self._plates], dtype=np.int64),
            image_index=np.array(self._images, dtype=np.int64),
        )


def without_objects(
    image: NDArray[np.uint8],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    background: Background,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """An image without its objects.

    Args:
        image: ``(H, W, 3)`` uint8.
        centers_px: ``(N, 2)`` float, the objects.
        sizes_px: ``(N,)`` float, the side of the class of each.
        background: of the image.
        rng: source of randomness.
    """
    holes = object_mask(image.shape[:2], centers_px, sizes_px, _REACH)
    labels = find_objects(image, centers_px, sizes_px, background).labels
    if labels.any():
        away_px, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
        rim_px = np.maximum(2.0, _RIM * sizes_px)[labels[tuple(nearest)] - 1]
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
        top, bottom = max(0, int(row - radius)), min(shape_px[0], int(row + radius) + 2)
        left, right = max(0, int(column - radius)), min(shape_px[1], int(column + radius) + 2)
        rows = np.arange(top, bottom)[:, None] + 0.5 - row
        columns = np.arange(left, right)[None] + 0.5 - column
        mask[top:bottom, left:right] |= rows**2 + columns**2 <= radius**2
    return mask
