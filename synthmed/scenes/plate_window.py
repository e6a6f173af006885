"""A canvas cut from a plate: the part that it shows, and its pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.plates import Plates

_UNIT = 1 << 16


class PlateWindow(NamedTuple):
    """The part of a plate that a canvas shows.

    Attributes:
        plate: its number in the bank.
        origin: ``(2,)``, where the canvas begins in the plate, in 1/65536 of a pixel of the plate. Beyond its
            border a plate goes on as its mirror image.
        mirrored: whether the rows, and whether the columns of the canvas run backwards.
        turned: whether rows and columns change places.
    """

    plate: int
    origin: tuple[int, int]
    mirrored: tuple[bool, bool]
    turned: bool


def draw_window(
    shape_px: tuple[int, int], plates: Plates, scale: float, rng: np.random.Generator
) -> PlateWindow:
    """Draw a plate and a part of it.

    Args:
        shape_px: height and width of the canvas.
        plates: the plates of the bank.
        scale: canvas pixels per pixel of a plate.
        rng: source of randomness.
    """
    plate = int(rng.integers(len(plates)))
    flips = rng.random(3) < 0.5
    chance = rng.random(2)
    plate_px = plates.shapes_px[plate][::-1] if flips[2] else plates.shapes_px[plate]
    # Where the plate is the larger one the canvas lies within it, and else it lies within the canvas.
    room = plate_px * _UNIT - np.rint(np.array(shape_px) / scale * _UNIT).astype(np.int64)
    origin = np.floor(chance * room).astype(np.int64)
    return PlateWindow(
        plate, (int(origin[0]), int(origin[1])), (bool(flips[0]), bool(flips[1])), bool(flips[2])
    )


def paint_window(
    window: PlateWindow, plates: Plates, shape_px: tuple[int, int], step: float
) -> NDArray[np.uint8]:
    """The pixels of the canvas, ``(H, W, 3)`` uint8, resized by bilinear interpolation.

    Args:
        window: the part of the plate.
        plates: the plates of the bank.
        shape_px: height and width of the canvas.
        step: pixels of the plate per pixel of the canvas.
    """
    plate = plates.plate(window.plate)
    if window.turned:
        plate = np.ascontiguousarray(plate.swapaxes(0, 1))
    rows, columns = (
        _taps(plate.shape[axis], shape_px[axis], window.origin[axis], step, window.mirrored[axis])
        for axis in (0, 1)
    )
    image = np.empty((*shape_px, 3), dtype=np.uint8)
    flat = plate.reshape(len(plate), -1)
    flat = flat.view()
    flat.flags.writeable = False
    _resample(flat, *rows, *columns, image.reshape(len(image), -1))
    return image


def window_colors(
    window: PlateWindow,
    plates: Plates,
    shape_px: tuple[int, int],
    step: float,
    centers_px: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The illumination of the canvas at some places ``(M, 2)``, as ``(M, 3)`` float."""
    field = plates.fields[window.plate]
    plate_px = plates.shapes_px[window.plate]
    if window.turned:
        field, plate_px = field.swapaxes(0, 1), plate_px[::-1]
    cells = []
    for axis in (0, 1):
        size = shape_px[axis]
        before = _taps(int(plate_px[axis]), size, window.origin[axis], step, window.mirrored[axis])[0]
        at = before[np.clip(centers_px[:, axis].astype(np.int64), 0, size - 1)]
        cells.append(at * len(field) // plate_px[axis])
    return np.asarray(field[cells[0], cells[1]])


def _taps(
    length: int, size: int, origin: int, step: float, mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each pixel of a line of the canvas the plate's pixel before and after, and the latter's weight."""
    unit = round(step * _UNIT)
    at = origin + np.arange(size, dtype=np.int64) * unit + (unit - _UNIT) // 2
    if mirrored:
        at = at[::-1]
    before = at >> 16
    return _reflected(before, length), _reflected(before + 1, length), (at >> 8) & 255


def _reflected(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices of a line that goes on as its mirror image.

    Examples:
        >>> _reflected(np.arange(-2, 5), 3).tolist()
        [1, 0, 0, 1, 2, 2, 1]
    """
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


@compiled
def _resample(
    plate: NDArray[np.uint8],
    row: NDArray[np.int64],
    next_row: NDArray[np.int64],
    row_weight: NDArray[np.int64],
    column: NDArray[np.int64],
    next_column: NDArray[np.int64],
    column_weight: NDArray[np.int64],
    image: NDArray[np.uint8],
) -> None:
    """Bilinear interpolation of ``(h, 3 * w)`` at given places, into ``(H, 3 * W)``."""
    line = np.empty(plate.shape[1], dtype=np.uint16)
    for i in range(len(row)):
        upper, lower = plate[row[i]], plate[next_row[i]]
        wanted, rest = np.uint32(row_weight[i]), np.uint32(256 - row_weight[i])
        for s in range(len(line)):
            line[s] = upper[s] * rest + lower[s] * wanted
        for j in range(len(column)):
            p, q = column[j] * 3, next_column[j] * 3
            wanted, rest = np.uint32(column_weight[j]), np.uint32(256 - column_weight[j])
            for channel in range(3):
                mixed = line[p + channel] * rest + line[q + channel] * wanted
                image[i, 3 * j + channel] = (mixed + np.uint32(32768)) >> np.uint32(16)
