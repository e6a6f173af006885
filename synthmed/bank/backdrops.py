"""Backdrops: source images with their objects taken out, to be canvases of scenes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_KEPT_BYTES = 96_000_000
"""What resized backdrops may take up in each process."""

CELLS = 16
"""Cells per axis of the illumination of a backdrop."""

_FITS = 8


@dataclass(frozen=True, eq=False)
class Backdrops:
    """B backdrops, flat one after the other like the patches of a bank.

    Attributes:
        pixels: ``(Q, 3)`` uint8, RGB.
        shapes_px: ``(B, 2)`` int, height and width.
        image_index: ``(B,)`` int, the source image of each.
    """

    pixels: NDArray[np.uint8]
    shapes_px: NDArray[np.int64]
    image_index: NDArray[np.int64]
    _fields: dict[int, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)
    _lights: dict[int, NDArray[np.int64]] = field(default_factory=dict, init=False, repr=False)
    _kept: OrderedDict[tuple[int, tuple[int, int], bool], NDArray[np.uint8]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self.shapes_px)

    @cached_property
    def largest_px(self) -> int:
        """Pixels of the largest one."""
        return int(self.shapes_px.prod(axis=1).max(initial=0))

    def backdrop(self, index: int) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8."""
        height, width = self.shapes_px[index]
        start = int(self.shapes_px[:index].prod(axis=1).sum())
        return self.pixels[start : start + height * width].reshape(height, width, 3)

    def illumination(self, index: int) -> NDArray[np.float64]:
        """``(16, 16, 3)`` float, the median colours of the cells of a backdrop."""
        if index not in self._fields:
            self._fields[index] = cell_medians(self.backdrop(index))
        return self._fields[index]

    def light(self, index: int) -> NDArray[np.int64]:
        """``(16, 16, 3)`` int, the same in 1/256 of a grey level, smooth and without what lies there."""
        if index not in self._lights:
            self._lights[index] = smooth_light(self.illumination(index))
        return self._lights[index]

    def resized(
        self,
        index: int,
        shape_px: tuple[int, int],
        turned: bool,
        resize: Callable[[NDArray[np.uint8], tuple[int, int], bool], NDArray[np.uint8]],
    ) -> NDArray[np.uint8]:
        """A backdrop of another size, kept for the next time, since all scenes of a recipe have one scale.

        Args:
            index: which one.
            shape_px: the height and width wanted.
            turned: whether rows and columns change places.
            resize: makes it; called with the backdrop and the other two.
        """
        key = (index, shape_px, turned)
        made = self._kept.get(key)
        if made is not None:
            self._kept.move_to_end(key)
            return made
        made = self._kept[key] = resize(self.backdrop(index), shape_px, turned)
        while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return made


NO_BACKDROPS = Backdrops(np.zeros((0, 3), np.uint8), np.zeros((0, 2), np.int64), np.zeros(0, np.int64))


def cell_medians(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The median colours of 16 x 16 cells of an image ``(H, W, 3)``, as ``(16, 16, 3)`` float.

    Medians, since what was left lying on the background is not the light that falls on it.
    """
    rows, columns = (np.linspace(0, n, CELLS + 1).astype(int) for n in image.shape[:2])
    # An image of fewer pixels than cells has cells without any; they take the pixel next to them.
    return np.array(
        [
            [
                np.median(image[a : max(b, a + 1), c : max(d, c + 1)].reshape(-1, 3), axis=0)
                for c, d in pairwise(columns)
            ]
            for a, b in pairwise(rows)
        ]
    )


def smooth_light(cells: NDArray[np.float64]) -> NDArray[np.int64]:
    """The second-order surface that most cells lie on, as whole 1/256 of a grey level.

    A slope of the light and its fall towards the corners are of second order. Cells that lie elsewhere show
    something else, such as the lines of a counting chamber; the farther away, the less they count.

    Args:
        cells: ``(R, C, 3)`` float.

    Examples:
        >>> spot = np.full((16, 16, 3), 7.0)
        >>> spot[1, 1] = 90
        >>> bool((smooth_light(spot) == 7 * 256).all())
        True
    """
    y, x = (((np.arange(n) + 0.5) / n - 0.5) for n in cells.shape[:2])
    y, x = (axis.ravel() for axis in np.meshgrid(y, x, indexing="ij"))
    terms = np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=1)
    values, weights = cells.reshape(-1, 3), np.ones((len(x), 1))
    for _ in range(_FITS):
        root = np.sqrt(weights)
        surface = terms @ np.linalg.lstsq(terms * root, values * root, rcond=None)[0]
        away = np.abs(values - surface).max(axis=1, keepdims=True)
        weights = 1 / (1 + (away / max(2 * float(np.median(away)), 1.0)) ** 2)
    return np.asarray(np.rint(np.clip(surface, 0, 255) * 256), dtype=np.int64).reshape(cells.shape)
