"""A canvas cut from a backdrop: the part that it shows, and its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.backdrops import Backdrops
from synthmed.scenes.chance import Uniform
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
    shape_px: tuple[int, int],
    backdrops: Backdrops,
    scale: float,
    rng: Uniform,
    among: NDArray[np.int64] | None = None,
) -> BackdropWindow:
    """Draw a backdrop and a part of it.

    Args:
        shape_px: height and width of the canvas.
        backdrops: of the bank; not empty.
        scale: canvas pixels per pixel of a backdrop.
        rng: source of randomness.
        among: ``(K,)`` int, the backdrops to choose from; by default all.
    """
    # Plain numbers: arrays of two cost more than all the rest.
    which, turned, up, left, down, right = rng.random(6).tolist()
    index = int(which * (len(backdrops) if among is None else len(among)))
    index = index if among is None else int(among[index])
    height, width = (max(1, round(side * scale)) for side in backdrops.shapes_px[index].tolist())
    scaled_px = (width, height) if turned < 0.5 else (height, width)
    # Where the backdrop is the larger one the canvas lies within it, and else it lies within the canvas.
    row, column = (
        min(scaled - side, 0) + int(chance * (abs(scaled - side) + 1))
        for scaled, side, chance in zip(scaled_px, shape_px, (down, right), strict=True)
    )
    return BackdropWindow(index, scaled_px, (row, column), (up < 0.5, left < 0.5), turned < 0.5)


def paint_window(
    window: BackdropWindow, backdrops: Backdrops, shape_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """The pixels of a canvas, ``(H, W, 3)`` uint8.

    Args:
        window: the part of the backdrop.
        backdrops: of the bank.
        shape_px: height and width of the canvas.
    """
    shown = backdrops.resized(window.number, window.shape_px, window.turned, _resized)
    image = np.empty((*shape_px, 3), dtype=np.uint8)
    _show(shown, window.origin_px, window.mirrored, image)
    return image


def shown_places(
    window: BackdropWindow, shape_px: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows and the columns of the resized backdrop that those of the canvas show."""
    rows, columns = (
        reflected(line, n) for line, n in zip(_lines(window, shape_px), window.shape_px, strict=True)
    )
    return rows, columns


def lies_within(window: BackdropWindow, shape_px: tuple[int, int]) -> bool:
    """Whether a canvas shows nothing beyond the border of the backdrop."""
    (top, left), (height, width) = window.origin_px, window.shape_px
    return 0 <= top <= height - shape_px[0] and 0 <= left <= width - shape_px[1]


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


def _resized(backdrop: NDArray[np.uint8], shape_px: tuple[int, int], turned: bool) -> NDArray[np.uint8]:
    """A backdrop at the scale of the scenes, ``(h, w, 3)``, where asked for with rows and columns swapped."""
    height, width = backdrop.shape[:2]
    image = np.empty((*(shape_px[::-1] if turned else shape_px), 3), dtype=np.uint8)
    row_taps, column_taps = linear_taps(height, image.shape[0]), linear_taps(width, image.shape[1])
    resize(np.array(backdrop).reshape(-1), 3, width, row_taps, column_taps, image.reshape(-1))
    return np.ascontiguousarray(image.swapaxes(0, 1)) if turned else image


@compiled
def _show(
    shown: NDArray[np.uint8],
    origin: tuple[int, int],
    mirrored: tuple[bool, bool],
    image: NDArray[np.uint8],
) -> None:
    """Copy the part of an image that begins at ``origin``; beyond its border it is mirrored.

    Args:
        shown: ``(h, w, 3)``.
        origin: the first row and column, before they are mirrored.
        mirrored: whether the rows, and whether the columns run backwards.
        image: ``(H, W, 3)``, written.
    """
    rows, columns = shown.shape[:2]
    height, width = image.shape[:2]
    source, target = shown.reshape(-1), image.reshape(-1)
    for i in range(height):
        row = (origin[0] + (height - 1 - i if mirrored[0] else i)) % (2 * rows)
        begin = 3 * columns * min(row, 2 * rows - 1 - row)
        j = 0
        # Run by run between the borders, so that what is copied lies side by side.
        while j < width:
            column = (origin[1] + (width - 1 - j if mirrored[1] else j)) % (2 * columns)
            beyond = column >= columns
            left = (column if mirrored[1] else 2 * columns - 1 - column) % columns
            run = min(left + 1, width - j)
            first = begin + 3 * (2 * columns - 1 - column if beyond else column)
            to = 3 * (i * width + j)
            if beyond == mirrored[1]:
                for n in range(3 * run):
                    target[np.uintp(to + n)] = source[np.uintp(first + n)]
            else:
                for n in range(run):
                    for channel in range(3):
                        target[np.uintp(to + 3 * n + channel)] = source[np.uintp(first - 3 * n + channel)]
            j += run
