"""Take the objects out of source images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops
from synthmed.bank.background import Background
from synthmed.bank.fill import fill_holes
from synthmed.bank.spec import BankSpec
from synthmed.points.regions import Block

_LARGEST_PX = 3000
"""Longest side of a backdrop; of a larger image it shows a part."""

_ALL_PX = 64_000_000
"""Pixels of all backdrops together; of large images there are fewer."""

_MARGIN_PX = 64
"""How far round a part the image is looked at, beside the size of the largest object."""

_REACH = 1.35
"""Diameter of the disc that is taken out round a click, per side of its class."""

_RIM = 0.3
"""How much of the surroundings of a segmented object goes with it, halo and all, per side of its class."""

_LEAST_RIM_PX = 5.0
"""The same in pixels: optics make halos of small objects no narrower."""


class ClickedObjects:
    """The objects on an image or a part of one, and what belongs to them.

    Args:
        centers_px: ``(N, 2)`` float; may lie outside.
        sizes_px: ``(N,)`` float, the side of the class of each.
        owners: ``(H, W)`` int32, which object has a pixel, from 1; 0 for none.
    """

    def __init__(
        self, centers_px: NDArray[np.float64], sizes_px: NDArray[np.float64], owners: NDArray[np.int32]
    ) -> None:
        self.centers_px, self.sizes_px, self.owners = centers_px, sizes_px, owners

    @cached_property
    def taken(self) -> NDArray[np.bool_]:
        """``(H, W)`` bool: discs round the clicks, the segmented objects and their halos; worked out once."""
        taken = object_mask(self.owners.shape, self.centers_px, self.sizes_px, _REACH)
        if self.owners.any():
            away_px, nearest = ndimage.distance_transform_edt(self.owners == 0, return_indices=True)
            rims_px = np.maximum(_LEAST_RIM_PX, _RIM * self.sizes_px)
            taken |= away_px <= rims_px[self.owners[tuple(nearest)] - 1]
        return taken

    def part(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> ClickedObjects:
        """The same on a part of the image, from its first pixel to the one past its last."""
        if not begin.any() and tuple(end) == self.owners.shape:
            return self
        owners = self.owners[begin[0] : end[0], begin[1] : end[1]]
        return ClickedObjects(self.centers_px - begin, self.sizes_px, owners)


class BackdropBuilder:
    """Collects the backdrops of some of the images that a bank is built from.

    Args:
        images: how many images there are.
        spec: how many backdrops are wanted, and the seed.
    """

    def __init__(self, images: int, spec: BankSpec) -> None:
        self._rng = np.random.default_rng([spec.seed, 1])
        self._chosen = set(self._rng.permutation(images)[: spec.backdrops].tolist())
        # A slide of many blocks gives several, where there are fewer images than are wanted.
        self._per_image = max(1, spec.backdrops // max(1, images))
        self._made: dict[int, list[NDArray[np.uint8]]] = {}
        self._seen: dict[int, int] = {}
        self._free_px = _ALL_PX

    def add(
        self,
        image_index: int,
        block: Block,
        objects: ClickedObjects,
        background: Background,
    ) -> None:
        """Make a backdrop of an image or of a block of it, if it is among those chosen.

        Of the blocks of an image each is as likely to be chosen as any other.

        Args:
            image_index: its number.
            block: the image, or a part of it.
            objects: those on the block.
            background: of the image.
        """
        if image_index not in self._chosen:
            return
        made = self._made.setdefault(image_index, [])
        seen = self._seen[image_index] = self._seen.get(image_index, 0) + 1
        # Reservoir sampling: the number of blocks is not known before.
        place = len(made) if len(made) < self._per_image else int(self._rng.integers(seen))
        if place >= self._per_image:
            return
        low, high = self._draw_part(block.core_px)
        if place == len(made):
            if int((high - low).prod()) > self._free_px:
                return
            self._free_px -= int((high - low).prod())
            made.append(np.empty((0, 0, 3), np.uint8))
        made[place] = _emptied_part(block.image, low, high, objects, background, self._rng)

    def _draw_part(self, core_px: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        room_px = np.maximum(core_px[1] - core_px[0] - _LARGEST_PX, 0)
        low = core_px[0] + self._rng.integers(0, room_px + 1)
        return low, np.minimum(low + _LARGEST_PX, core_px[1])

    def backdrops(self) -> Backdrops:
        """The backdrops so far."""
        pairs = [(index, one) for index, made in self._made.items() for one in made]
        if not pairs:
            return NO_BACKDROPS
        return Backdrops(
            pixels=np.concatenate([one.reshape(-1, 3) for _, one in pairs]),
            shapes_px=np.array([one.shape[:2] for _, one in pairs], dtype=np.int64),
            image_index=np.array([index for index, _ in pairs], dtype=np.int64),
        )


def _emptied_part(
    image: NDArray[np.uint8],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    objects: ClickedObjects,
    background: Background,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """A part of an image without its objects; no more of the image is looked at than may matter for it."""
    room = int(objects.sizes_px.max(initial=0)) + _MARGIN_PX
    begin = np.maximum(low - room, 0)
    end = np.minimum(high + room, image.shape[:2])
    seen = image[begin[0] : end[0], begin[1] : end[1]]
    empty = emptied(seen, objects.part(begin, end), background, rng)
    part = empty[low[0] - begin[0] : high[0] - begin[0], low[1] - begin[1] : high[1] - begin[1]]
    # A view would keep the whole block in memory.
    return np.array(part)


def emptied(
    image: NDArray[np.uint8], objects: ClickedObjects, background: Background, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """An image without its objects.

    Args:
        image: ``(H, W, 3)`` uint8.
        objects: those on the image.
        background: of the image.
        rng: source of randomness.
    """
    return fill_holes(image, objects.taken, background.color, background.noise, rng)


def object_mask(
    shape_px: tuple[int, ...], centers_px: NDArray[np.float64], sizes_px: NDArray[np.float64], reach: float
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
