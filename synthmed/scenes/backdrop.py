"""A canvas cut from a backdrop: the part that it shows, and its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.backdrops import Backdrops
from synthmed.scenes.paste import linear_taps
from synthmed.scenes.resize import resize


class BackdropWindow(NamedTuple):
    """The part of a backdrop that a canvas shows.

    A backdrop is resized like everything that comes from a source image. Beyond its border it goes on as its
    mirror image.

    Attributes:
        number: which backdrop of the bank.
        shape_px: height and width of the backdrop at the scale of the scene.
        origin_px: where in it the canvas begins, in pixels of the scene.
        mirrored: whether the rows, and whether the columns of the backdrop run backwards.
        turned: whether rows and columns change places, before all the above.
    """

    number: int
    shape_px: tuple[int, int]
    origin_px: tuple[int, int]
    mirrored: tuple[bool, bool]
    turned: bool


def draw_window(
    shape_px: tuple[int, int], backdrops: Backdrops, scale: float, rng: np.random.Generator
) -> BackdropWindow:
    """Draw a backdrop and a part of it.

    Args:
        shape_px: height and width of the canvas.
        backdrops: of the bank; not empty.
        scale: canvas pixels per pixel of a backdrop.
        rng: source of randomness.
    """
    index = int(rng.integers(len(backdrops)))
    turned, *mirrored = (rng.random(3) < 0.5).tolist()
    scaled_px = np.maximum(1, np.rint(backdrops.shapes_px[index] * scale)).astype(np.int64)
    scaled_px = scaled_px[::-1] if turned else scaled_px
    # Where the backdrop is the larger one the canvas lies within it, and else it lies within the canvas.
    room_px = scaled_px - shape_px
    origin_px = np.minimum(room_px, 0) + (rng.random(2) * (np.abs(room_px) + 1)).astype(np.int64)
    height, width = scaled_px.tolist()
    row, column = origin_px.tolist()
    return BackdropWindow(index, (height, width), (row, column), (mirrored[0], mirrored[1]), turned)


def paint_window(
    window: BackdropWindow, backdrops: Backdrops, shape_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """The pixels of a canvas, ``(H, W, 3)`` uint8.

    Args:
        window: the part of the backdrop.
        backdrops: of the bank.
        shape_px: height and width of the canvas.
    """
    resized_px = window.shape_px[::-1] if window.turned else window.shape_px
    resized = backdrops.resized(window.number, resized_px, _resized)
    rows, columns = shown_places(window, shape_px)
    image = np.empty((*shape_px, 3), dtype=np.uint8)
    if window.turned:
        _gather_turned(resized, rows, columns, image)
    else:
        _gather(resized, rows, columns, image.reshape(len(image), -1))
    return image


def shown_places(
    window: BackdropWindow, shape_px: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows and the columns of the resized backdrop that those of the canvas show."""
    rows, columns = (
        reflected(line, n) for line, n in zip(_lines(window, shape_px), window.shape_px, strict=True)
    )
    return rows, columns


def border_places(
    window: BackdropWindow, shape_px: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same with all beyond the border of the backdrop on its border."""
    rows, columns = (
        np.clip(line, 0, n - 1) for line, n in zip(_lines(window, shape_px), window.shape_px, strict=True)
    )
    return rows, columns


def _lines(window: BackdropWindow, shape_px: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """Rows and columns of a backdrop that would have no border."""
    for begin, size, mirrored in zip(window.origin_px, shape_px, window.mirrored, strict=True):
        yield np.arange(begin, begin + size)[:: -1 if mirrored else 1]


def reflected(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices of a line that goes on as its mirror image.

    Examples:
        >>> reflected(np.arange(-2, 5), 3).tolist()
        [1, 0, 0, 1, 2, 2, 1]
    """
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def _resized(backdrop: NDArray[np.uint8], shape_px: tuple[int, int]) -> NDArray[np.uint8]:
    """A backdrop at the scale of the scenes, ``(h, 3 * w)``."""
    height, width = backdrop.shape[:2]
    image = np.empty((*shape_px, 3), dtype=np.uint8)
    row_taps, column_taps = linear_taps(height, shape_px[0]), linear_taps(width, shape_px[1])
    resize(np.array(backdrop).reshape(-1), 3, width, row_taps, column_taps, image.reshape(-1))
    return image.reshape(len(image), -1)


@compiled
def _gather(
    values: NDArray[np.uint8],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    image: NDArray[np.uint8],
) -> None:
    """Copy rows and columns of an image.

    Args:
        values: ``(h, 3 * w)``.
        rows: ``(H,)``.
        columns: ``(W,)``.
        image: ``(H, 3 * W)``, written.
    """
    # Columns follow one another forwards or backwards for long runs, each copied in one tight loop.
    width = len(columns)
    runs, steps = np.ones(width, dtype=np.int64), np.ones(width, dtype=np.int64)
    for j in range(width - 2, -1, -1):
        step = columns[j + 1] - columns[j]
        if abs(step) == 1:
            steps[j] = step
            runs[j] = runs[j + 1] + 1 if runs[j + 1] == 1 or steps[j + 1] == step else 2
    for i in range(len(rows)):
        source, target = values[rows[i]], image[i]
        j = 0
        while j < width:
            run, first = runs[j], columns[j]
            if steps[j] == 1:
                target[3 * j : 3 * (j + run)] = source[3 * first : 3 * (first + run)]
            else:
                for k in range(run):
                    p, q = np.uintp(3 * (j + k)), np.uintp(3 * (first - k))
                    target[p] = source[q]
                    target[p + np.uintp(1)] = source[q + np.uintp(1)]
                    target[p + np.uintp(2)] = source[q + np.uintp(2)]
            j += run


@compiled
def _gather_turned(
    values: NDArray[np.uint8],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    image: NDArray[np.uint8],
) -> None:
    """Copy rows and columns of an image whose rows and columns change places.

    Args:
        values: ``(w, 3 * h)``.
        rows: ``(H,)``, in 0..h.
        columns: ``(W,)``, in 0..w.
        image: ``(H, W, 3)``, written.
    """
    for j in range(len(columns)):
        source = values[columns[j]]
        for i in range(len(rows)):
            p = np.uintp(3 * rows[i])
            image[i, j, 0] = source[p]
            image[i, j, 1] = source[p + np.uintp(1)]
            image[i, j, 2] = source[p + np.uintp(2)]
