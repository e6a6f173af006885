"""Fill holes of an image with what its background goes on as."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.lines import LOOK_PX, continue_lines
from synthmed.bank.medians import channel_medians

_FEWEST_PLACES = 24
_BUSIEST = 1.6
"""Mean detail, per deviation of the noise, up to which a place is background; of mere noise it is 0.8."""
_SIDES_PX = (32, 16, 8)
"""Texture is copied in squares of the first of these sides that fits between the objects in enough places."""
_CELLS = 16
"""Cells per axis in which the median of the background is taken."""
_LEAST_SEEN = 0.1
"""Share of a cell that must be background for that."""
_NEAR_LEVELS = 3.0
_DETAIL_PX = 6.0
"""What varies over more than this is shade and is continued smoothly; the rest is texture and is copied."""


def fill_holes(
    image: NDArray[np.uint8],
    holes: NDArray[np.bool_],
    color: NDArray[np.float64],
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Fill holes with the shade of their surroundings and the texture of other places of the image.

    Args:
        image: ``(H, W, 3)`` uint8.
        holes: ``(H, W)`` bool.
        color: ``(3,)`` float, what an image of nothing but holes becomes.
        noise: standard deviation of the texture where there is no place to copy from.
        rng: source of randomness.

    Returns:
        ``(H, W, 3)`` uint8; what lies outside the holes is as it was.
    """
    if not holes.any():
        return image
    known = ~holes
    values = image.astype(np.float32)
    shade = smooth_fill(values, _trust(image, known, color, noise), color)
    weight = ndimage.gaussian_filter(known.astype(np.float32), _DETAIL_PX)
    local = ndimage.gaussian_filter(values * known[..., None], (_DETAIL_PX, _DETAIL_PX, 0))
    detail = (values - local / np.maximum(weight, 1e-6)[..., None]) * known[..., None]
    filled = values.copy()
    calm = _calm_places(detail, known, noise)
    relief = values - shade
    labels, _ = ndimage.label(holes)
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        own = labels[place] == number
        wide = _widened(place, known.shape)
        lines = continue_lines(relief[wide], known[wide], labels[wide] == number, noise)
        filled[wide] += lines
        filled[place][own] += (shade[place] + _texture(detail, calm, own, noise, rng) - values[place])[own]
    return np.asarray(np.clip(np.rint(filled), 0, 255), dtype=np.uint8)


def _widened(place: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A place with what is looked at round it."""
    rows, columns = (
        slice(max(0, part.start - LOOK_PX), min(size, part.stop + LOOK_PX))
        for part, size in zip(place, shape, strict=True)
    )
    return rows, columns


def _trust(
    image: NDArray[np.uint8], known: NDArray[np.bool_], color: NDArray[np.float64], noise: float
) -> NDArray[np.float32]:
    """How far each pixel tells the shade of the background, ``(H, W)`` in 0..1.

    Halos, shadows and dirt beside a hole would be smeared all over it, so pixels count by how near they are
    to the median of the background in a coarse neighbourhood.
    """
    height, width = known.shape
    cells = max(1, min(_CELLS, height // 8, width // 8))
    rows, columns = (np.searchsorted(np.arange(n) * cells // n, np.arange(cells + 1)) for n in known.shape)
    medians = np.zeros((cells, cells, 3), dtype=np.float32)
    seen = np.zeros((cells, cells), dtype=np.float32)
    for i in range(cells):
        for j in range(cells):
            place = np.s_[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            inside = known[place]
            if inside.mean() > _LEAST_SEEN:
                medians[i, j], seen[i, j] = channel_medians(image[place], inside), 1
    coarse = smooth_fill(medians, seen, color)
    expected = _zoomed(coarse, (height / cells, width / cells))
    away = np.abs(image - expected).max(axis=2) / (2 * noise + _NEAR_LEVELS)
    return np.asarray(known / (1 + away**4), dtype=np.float32)


class _Calm(NamedTuple):
    """Places of an image to copy texture from.

    Attributes:
        side_px: of the squares; 0 where there are none.
        corners_px: ``(K, 2)`` int, the first row and column of each.
    """

    side_px: int
    corners_px: NDArray[np.int64]


def _calm_places(detail: NDArray[np.float32], known: NDArray[np.bool_], noise: float) -> _Calm:
    """The calmer half of the places of the largest squares of which there are enough to choose from."""
    amount = np.abs(detail).mean(axis=2)
    for side in _SIDES_PX:
        if side > min(known.shape):
            continue
        whole = _square_sums(known.astype(np.float64), side) > side**2 - 0.5
        busy = _square_sums(amount.astype(np.float64), side) / side**2
        # Edges, dust and halos are no texture: repeated in each square they would be a pattern.
        calm = whole & (busy <= _BUSIEST * max(noise, 1.0))
        if calm.sum() >= _FEWEST_PLACES:
            return _Calm(side, np.argwhere(calm & (busy <= np.median(busy[calm]))))
    return _Calm(0, np.zeros((0, 2), np.int64))


def _square_sums(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Sums over all squares, ``(H - side + 1, W - side + 1)``."""
    total = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return np.asarray(
        total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    )


def _texture(
    detail: NDArray[np.float32],
    calm: _Calm,
    own: NDArray[np.bool_],
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Texture for one hole, square by square, each from a random place, mirrored and turned at random."""
    height, width = own.shape
    if not calm.side_px:
        return np.repeat(rng.normal(0, noise, (height, width, 1)), 3, axis=2).astype(np.float32)
    texture = np.zeros((height, width, 3), dtype=np.float32)
    side = calm.side_px
    for row in range(0, height, side):
        for column in range(0, width, side):
            top, left = calm.corners_px[rng.integers(len(calm.corners_px))]
            square = detail[top : top + side, left : left + side]
            turns, flip = rng.integers((4, 2)).tolist()
            square = np.rot90(square[:, ::-1] if flip else square, turns)
            part = texture[row : row + side, column : column + side]
            part[:] = square[: part.shape[0], : part.shape[1]]
    return texture


def smooth_fill(
    values: NDArray[np.float32], weights: NDArray[np.float32], color: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Continue values into where their weight is 0, smoothly ("push-pull", Gortler et al. 1996).

    Args:
        values: ``(H, W, C)``.
        weights: ``(H, W)`` in 0..1.
        color: ``(C,)``, the result where nothing has a weight.

    Returns:
        ``(H, W, C)``; the values themselves where the weight is 1.
    """
    height, width = weights.shape
    if weights.min() == 1:
        return values
    if height == width == 1:
        return values if weights[0, 0] > 0 else np.broadcast_to(color, values.shape).astype(np.float32)
    odd = ((0, height % 2), (0, width % 2))
    padded = np.pad(weights, odd)
    sums = _pairs(np.pad(values * weights[..., None], (*odd, (0, 0))))
    total = _pairs(padded[..., None])[..., 0]
    means = (sums / np.where(total > 0, total, 1)[..., None]).astype(np.float32)
    coarse = smooth_fill(means, np.minimum(total, 1).astype(np.float32), color)
    finer = _zoomed(coarse, (2, 2))[:height, :width]
    return np.asarray(values * weights[..., None] + finer * (1 - weights[..., None]), dtype=np.float32)


def _zoomed(values: NDArray[np.float32], zoom: tuple[float, float]) -> NDArray[np.float32]:
    """``(H, W, C)`` at another size; a channel at a time, as SciPy interpolates between channels as well."""
    channels = [
        ndimage.zoom(values[..., channel], zoom, order=1, mode="nearest", grid_mode=True)
        for channel in range(values.shape[2])
    ]
    return np.stack(channels, axis=-1)


def _pairs(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of blocks of 2 x 2."""
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
