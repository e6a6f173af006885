"""Images by region: a slide is looked at window by window, and never held in memory as a whole.

TIFF files of more than `LARGE_PX` pixels are read through tifffile, tile by tile, and whole-slide formats
(SVS, NDPI, MRXS, SCN ...) through openslide, which the extra ``wsi`` brings. Every other image is decoded
once, as `read_image` does. Images of more than 8 bits are stretched by one window for all of their regions:
that of the whole image where it is small; for a large one estimated from its largest pyramid level of up to
4 megapixels, or else from 64 windows spread evenly over it. `ImageSource.window` tells it.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError
from synthmed.points.images import read_with_window

LARGE_PX = 32_000_000
SLIDE_SUFFIXES = frozenset(".svs .ndpi .mrxs .scn .vms .vmu .bif .svslide .dcm .czi".split())
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GRID = 8
_GRID_SIDE_PX = 128
_BLOCK_PX = 1024


class Block(NamedTuple):
    """A part of an image with the points that lie on it.

    Attributes:
        image: ``(h, w, 3)`` uint8.
        corner_px: ``(2,)`` int, where its first pixel lies in the image.
        points: ``(M,)`` int, the places of the points on it.
        own: ``(M,)`` bool, which of them this block is for; the others belong to its neighbours.
        core_px: ``(2, 2)`` int, the first pixel and the one past the last of what is no neighbour's: all
            points that may reach there are on the block.
    """

    image: NDArray[np.uint8]
    corner_px: NDArray[np.int64]
    points: NDArray[np.int64]
    own: NDArray[np.bool_]
    core_px: NDArray[np.int64]


class ImageSource(ABC):
    """An image that can be read by region.

    Attributes:
        shape_px: height and width.
        window: the levels that became black and white, where the image has more than 8 bits.
    """

    shape_px: tuple[int, int]
    window: tuple[float, float] | None = None

    @abstractmethod
    def read_region(self, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pixels of a window that lies inside the image, ``(h, w, 3)`` uint8.

        Args:
            low_px: ``(2,)`` int, the first pixel.
            high_px: ``(2,)`` int, one past the last pixel.
        """

    @property
    def is_large(self) -> bool:
        """Whether the image should not be held in memory."""
        return self.shape_px[0] * self.shape_px[1] > LARGE_PX

    def sample(self) -> NDArray[np.uint8]:
        """The image, or of a large one a mosaic of windows spread evenly over it, at full resolution."""
        if not self.is_large:
            return self.read_region(np.zeros(2, np.int64), np.array(self.shape_px))
        rows = [self.read_region(low, high) for low, high in grid_windows(self.shape_px)]
        lines = [np.concatenate(rows[i : i + _GRID], axis=1) for i in range(0, len(rows), _GRID)]
        return np.concatenate(lines, axis=0)

    def blocks(self, centers_px: NDArray[np.float64], reach_px: int) -> Iterator[Block]:
        """The image in parts that hold every point with its surroundings; a small image is one part.

        Args:
            centers_px: ``(N, 2)`` float, the points.
            reach_px: how far the surroundings of a point reach.
        """
        if not self.is_large:
            count = len(centers_px)
            whole = np.array([(0, 0), self.shape_px])
            yield Block(self.sample(), np.zeros(2, np.int64), np.arange(count), np.ones(count, bool), whole)
            return
        places = np.floor(centers_px).astype(np.int64) // _BLOCK_PX
        for place in np.unique(places, axis=0):
            low = np.maximum(place * _BLOCK_PX - reach_px, 0)
            high = np.minimum((place + 1) * _BLOCK_PX + reach_px, self.shape_px)
            near = np.flatnonzero(((centers_px >= low) & (centers_px < high)).all(axis=1))
            own = (places[near] == place).all(axis=1)
            core = np.stack([place * _BLOCK_PX, np.minimum((place + 1) * _BLOCK_PX, self.shape_px)]) - low
            yield Block(self.read_region(low, high), low, near, own, core)


class _Whole(ImageSource):
    """An image that was decoded once."""

    def __init__(self, path: Path) -> None:
        self._image, self.window = read_with_window(path)
        self.shape_px = (self._image.shape[0], self._image.shape[1])

    def read_region(self, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self._image[low_px[0] : high_px[0], low_px[1] : high_px[1]]

    def sample(self) -> NDArray[np.uint8]:
        return self._image


def grid_windows(shape_px: tuple[int, int]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """64 windows of equal size, spread evenly over an image, row by row."""
    side = np.minimum(_GRID_SIDE_PX, shape_px).astype(np.int64)
    steps = [np.linspace(0, n - s, _GRID).astype(np.int64) for n, s in zip(shape_px, side, strict=True)]
    corners = [np.array([row, column]) for row in steps[0] for column in steps[1]]
    return [(corner, corner + side) for corner in corners]


@contextmanager
def open_image(path: str | os.PathLike[str]) -> Iterator[ImageSource]:
    """Open an image to read it by region.

    Raises:
        PointsError: if there is no image, it does not decode, or its format needs what is not installed.
    """
    path = Path(path)
    if is_slide(path):
        from synthmed.points.slide_regions import SlideSource

        with SlideSource.opened(path) as source:
            yield source
    elif is_region_tiff(path):
        from synthmed.points.tiff_regions import TiffSource

        with TiffSource.opened(path) as source:
            yield source
    else:
        yield _Whole(path)


def is_slide(path: str | os.PathLike[str]) -> bool:
    """Whether the suffix is that of a whole-slide format."""
    return Path(path).suffix.lower() in SLIDE_SUFFIXES


def is_region_tiff(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a TIFF of more than `LARGE_PX` pixels, or one that Pillow does not read right."""
    try:
        with Path(path).open("rb") as file:
            if file.read(4) not in _TIFF_MAGIC:
                return False
    except (OSError, ValueError):
        return False
    from synthmed.points.tiff_regions import tiff_needs_regions

    try:
        return tiff_needs_regions(Path(path), LARGE_PX)
    except PointsError:
        return False  # reading it as a whole says better what is wrong
