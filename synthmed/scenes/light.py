"""The light that falls on a backdrop, smooth, at every pixel of a canvas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

_ONE = 1 << 16


class Taps(NamedTuple):
    """Between which two cells of the light places lie.

    Attributes:
        before: ``(N,)`` int, the cell before.
        weight: ``(N,)`` int, the weight of the cell after it in 1/256.
    """

    before: NDArray[np.int64]
    weight: NDArray[np.int64]


def light_taps(places: NDArray[np.int64], length: int, cells: int) -> Taps:
    """Where pixels of a line lie among the middles of its cells; beyond the outermost, on those.

    Args:
        places: ``(N,)``, pixels of the line.
        length: how many it has.
        cells: how many cells it is divided into, 2 at least.

    Examples:
        >>> light_taps(np.array([0, 1, 2, 3]), 4, 2)
        Taps(before=array([0, 0, 0, 0]), weight=array([  0,  64, 192, 256]))
    """
    at = (2 * places + 1) * cells * _ONE // (2 * length) - _ONE // 2
    at = np.clip(at, 0, (cells - 1) * _ONE)
    before = np.minimum(at >> 16, cells - 2)
    return Taps(before, (at - (before << 16)) >> 8)


def light_at(cells: NDArray[np.int64], rows: Taps, columns: Taps) -> NDArray[np.float64]:
    """The light at N places, ``(N, 3)`` float in grey levels.

    Args:
        cells: ``(R, C, 3)``, in 1/256 of a grey level.
        rows: of the N places.
        columns: of the N places.
    """
    total = np.zeros((len(rows.before), 3))
    for i in range(2):
        for j in range(2):
            down, right = (
                taps.weight if after else 256 - taps.weight for taps, after in ((rows, i), (columns, j))
            )
            total += (down * right)[:, None] * cells[rows.before + i, columns.before + j]
    return total / (1 << 24)


@compiled
def paint_light(
    cells: NDArray[np.int64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    columns: tuple[NDArray[np.int64], NDArray[np.int64]],
    tile: NDArray[np.int16],
    amplitude: int,
    origin: NDArray[np.int64],
    image: NDArray[np.uint8],
) -> None:
    """Write light with noise.

    Args:
        cells: ``(R, C, 3)``, the light in 1/256 of a grey level.
        rows: `Taps` of the rows.
        columns: `Taps` of the columns.
        tile: ``(S, 3 * S)``, noise that is repeated without end.
        amplitude: grey levels per unit of the tile, in 1/65536.
        origin: ``(2,)``, the pixel of the tile in which the canvas begins.
        image: ``(H, W, 3)``, written.
    """
    side = tile.shape[0]
    for i in range(image.shape[0]):
        line = _line(cells, rows[0][i], rows[1][i])
        noise = tile[(origin[0] + i) % side]
        for j in range(image.shape[1]):
            a, weight = columns[0][j], columns[1][j]
            grain = np.int64(noise[3 * ((origin[1] + j) % side)]) * amplitude
            for channel in range(3):
                level = (line[a, channel] * (256 - weight) + line[a + 1, channel] * weight) >> 8
                image[i, j, channel] = min(max((level + grain + 32768) >> 16, 0), 255)


@compiled
def level_light(
    cells: NDArray[np.int64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    columns: tuple[NDArray[np.int64], NDArray[np.int64]],
    wanted_rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    wanted_columns: tuple[NDArray[np.int64], NDArray[np.int64]],
    image: NDArray[np.uint8],
) -> None:
    """Replace one light by another wherever they differ.

    Args:
        cells: ``(R, C, 3)``, the light in 1/256 of a grey level.
        rows: `Taps` of the rows that are shown.
        columns: `Taps` of the columns that are shown.
        wanted_rows: `Taps` of the rows whose light they are to have.
        wanted_columns: the same of the columns.
        image: ``(H, W, 3)``, changed.
    """
    height, width = image.shape[:2]
    shown, wanted = _across(cells, columns), _across(cells, wanted_columns)
    everywhere, differing = np.array([[0, width]]), _runs(columns, wanted_columns)
    flat = image.reshape(-1)
    for i in range(height):
        a, v = rows[0][i], rows[1][i]
        b, w = wanted_rows[0][i], wanted_rows[1][i]
        above, below, upper, lower = wanted[b], wanted[b + 1], shown[a], shown[a + 1]
        for begin, end in differing if a == b and v == w else everywhere:
            for n in range(3 * begin, 3 * end):
                # Unsigned indices spare numba's test whether an index counts from the end.
                s, at = np.uintp(n), np.uintp(3 * width * i + n)
                more = np.int64(above[s]) * (256 - w) + np.int64(below[s]) * w
                less = np.int64(upper[s]) * (256 - v) + np.int64(lower[s]) * v
                level = np.int64(flat[at]) + ((more - less + (1 << 23)) >> 24)
                flat[at] = min(max(level, 0), 255)


@compiled
def _across(
    cells: NDArray[np.int64], columns: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.int32]:
    """The light of each row of cells at all columns of pixels, ``(R, 3 * W)`` in 1/65536."""
    light = np.empty((len(cells), 3 * len(columns[0])), dtype=np.int32)
    for row in range(len(cells)):
        for j in range(len(columns[0])):
            before, weight = columns[0][j], columns[1][j]
            for channel in range(3):
                left, right = cells[row, before, channel], cells[row, before + 1, channel]
                light[row, 3 * j + channel] = left * (256 - weight) + right * weight
    return light


@compiled
def _runs(
    columns: tuple[NDArray[np.int64], NDArray[np.int64]],
    wanted: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Begin and end of each run of columns whose taps differ, ``(K, 2)``."""
    bounds = np.empty((len(columns[0]) // 2 + 1, 2), dtype=np.int64)
    count, inside = 0, False
    for j in range(len(columns[0])):
        differs = columns[0][j] != wanted[0][j] or columns[1][j] != wanted[1][j]
        if differs and not inside:
            bounds[count, 0] = j
            count += 1
        if differs:
            bounds[count - 1, 1] = j + 1
        inside = differs
    return bounds[:count]


@compiled
def _line(cells: NDArray[np.int64], before: int, weight: int) -> NDArray[np.int64]:
    """The light of one row of pixels at the middles of all columns of cells, ``(C, 3)`` in 1/65536."""
    line: NDArray[np.int64] = cells[before] * (256 - weight) + cells[before + 1] * weight
    return line
