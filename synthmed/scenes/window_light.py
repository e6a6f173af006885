"""The light of a canvas that is a part of a backdrop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.backdrops import CELLS, Backdrops
from synthmed.scenes.backdrop import BackdropWindow, border_places, lies_within, shown_places
from synthmed.scenes.light import Taps, level_light, light_at, light_taps, paint_light


def level_mirrored(window: BackdropWindow, backdrops: Backdrops, image: NDArray[np.uint8]) -> None:
    """Give what lies beyond the border of a backdrop the light of the border.

    Mirrored light would rise and fall once more, which leaves a dark band where there are dark corners.

    Args:
        window: the part of the backdrop.
        backdrops: of the bank.
        image: ``(H, W, 3)`` uint8, `paint_window`; changed.
    """
    if lies_within(window, (image.shape[0], image.shape[1])):
        return
    shown = shown_places(window, image.shape[:2])
    wanted = border_places(window, image.shape[:2])
    if not all(np.array_equal(a, b) for a, b in zip(shown, wanted, strict=True)):
        level_light(_light(window, backdrops), *_taps(window, *shown), *_taps(window, *wanted), image)


def paint_window_light(
    window: BackdropWindow,
    backdrops: Backdrops,
    shape_px: tuple[int, int],
    tile: NDArray[np.int16],
    amplitude: int,
    origin: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """The light of a window without anything that lies there, with noise, ``(H, W, 3)`` uint8.

    Args:
        window: the part of the backdrop.
        backdrops: of the bank.
        shape_px: height and width of the canvas.
        tile: ``(S, 3 * S)``, noise that is repeated without end.
        amplitude: grey levels per unit of the tile, in 1/65536.
        origin: ``(2,)``, the pixel of the tile in which the canvas begins.
    """
    image = np.empty((*shape_px, 3), dtype=np.uint8)
    taps = _taps(window, *border_places(window, shape_px))
    paint_light(_light(window, backdrops), *taps, tile, amplitude, origin, image)
    return image


def window_light(
    window: BackdropWindow,
    backdrops: Backdrops,
    shape_px: tuple[int, int],
    centers_px: NDArray[np.float64],
) -> NDArray[np.float64]:
    """That light at some places ``(M, 2)`` of the canvas, as ``(M, 3)`` float."""
    at = _nearest(centers_px, shape_px)
    places = (line[at[:, axis]] for axis, line in enumerate(border_places(window, shape_px)))
    return light_at(_light(window, backdrops), *_taps(window, *places))


def window_colors(
    window: BackdropWindow,
    backdrops: Backdrops,
    shape_px: tuple[int, int],
    centers_px: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The illumination of a canvas at some places ``(M, 2)``, as ``(M, 3)`` float."""
    field = backdrops.illumination(window.number)
    if lies_within(window, shape_px):
        return np.asarray(_cell_colors(field, centers_px, shape_px, *window[1:]))
    field = field.swapaxes(0, 1) if window.turned else field
    at = _nearest(centers_px, shape_px)
    places = [line[at[:, axis]] for axis, line in enumerate(shown_places(window, shape_px))]
    rows, columns = (line * field.shape[axis] // window.shape_px[axis] for axis, line in enumerate(places))
    cells, taps = _light(window, backdrops), _taps(window, *places)
    mirrored = light_at(cells, *taps)
    return np.asarray(field[rows, columns] + window_light(window, backdrops, shape_px, centers_px) - mirrored)


@compiled
def _cell_colors(
    field: NDArray[np.float64],
    centers: NDArray[np.float64],
    canvas: tuple[int, int],
    shape: tuple[int, int],
    origin: tuple[int, int],
    mirrored: tuple[bool, bool],
    turned: bool,
) -> NDArray[np.float64]:
    """The colours of the cells under some places ``(M, 2)`` of a canvas within its backdrop, ``(M, 3)``."""
    colors = np.empty((len(centers), 3))
    cell = np.zeros(2, dtype=np.int64)
    for k in range(len(centers)):
        for axis in range(2):
            at = min(max(np.int64(centers[k, axis]), 0), canvas[axis] - 1)
            line = origin[axis] + (canvas[axis] - 1 - at if mirrored[axis] else at)
            cell[axis ^ int(turned)] = line * field.shape[axis] // shape[axis]
        colors[k] = field[cell[0], cell[1]]
    return colors


def _nearest(centers_px: NDArray[np.float64], shape_px: tuple[int, int]) -> NDArray[np.int64]:
    """The pixels of a canvas next to some places."""
    return np.clip(centers_px.astype(np.int64), 0, np.array(shape_px) - 1)


def _light(window: BackdropWindow, backdrops: Backdrops) -> NDArray[np.int64]:
    """The cells of the light, with rows and columns as the canvas has them."""
    cells = backdrops.light(window.number)
    return np.ascontiguousarray(cells.swapaxes(0, 1)) if window.turned else cells


def _taps(window: BackdropWindow, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[Taps, Taps]:
    """Where rows and columns of the resized backdrop lie among the cells of the light."""
    height, width = window.shape_px
    return light_taps(rows, height, CELLS), light_taps(columns, width, CELLS)
