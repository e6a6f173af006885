"""Plates: source images with their objects taken out, to be canvases of scenes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_FIELD_CELLS = 16
"""Cells per axis of the illumination of a plate."""


@dataclass(frozen=True, eq=False)
class Plates:
    """B plates, flat one after the other like the patches of a bank.

    Attributes:
        pixels: ``(Q, 3)`` uint8, RGB.
        shapes_px: ``(B, 2)`` int, height and width.
        image_index: ``(B,)`` int, the source image of each.
    """

    pixels: NDArray[np.uint8]
    shapes_px: NDArray[np.int64]
    image_index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.shapes_px)

    def plate(self, index: int) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8."""
        height, width = self.shapes_px[index]
        start = int(self.shapes_px[:index].prod(axis=1).sum())
        return self.pixels[start : start + height * width].reshape(height, width, 3)

    @cached_property
    def fields(self) -> NDArray[np.float64]:
        """``(B, 16, 16, 3)`` float, the median colours of the cells of each plate: its illumination."""
        return np.array([_cell_medians(self.plate(index)) for index in range(len(self))])


NO_PLATES = Plates(np.zeros((0, 3), np.uint8), np.zeros((0, 2), np.int64), np.zeros(0, np.int64))


def _cell_medians(plate: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = (np.linspace(0, n, _FIELD_CELLS + 1).astype(int) for n in plate.shape[:2])
    # A plate of fewer pixels than cells has cells without any; they show the pixel next to them.
    cells = [
        [plate[a : max(b, a + 1), c : max(d, c + 1)] for c, d in zip(columns[:-1], columns[1:], strict=True)]
        for a, b in zip(rows[:-1], rows[1:], strict=True)
    ]
    return np.array([[np.median(cell.reshape(-1, 3), axis=0) for cell in line] for line in cells])
