"""Fill holes of an image with what its background goes on as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.medians import channel_medians

_TRIES = 24
"""Places looked at for the texture of a hole."""
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
        noise: standard deviation of the texture where no place is large enough to copy from.
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
    labels, _ = ndimage.label(holes)
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        own = labels[place] == number
        filled[place][own] = (shade[place] + _texture(detail, known, own, noise, rng))[own]
    return np.asarray(np.clip(np.rint(filled), 0, 255), dtype=np.uint8)


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


def _texture(
    detail: NDArray[np.float32],
    known: NDArray[np.bool_],
    own: NDArray[np.bool_],
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Texture for one hole, from the least busy of the places that can be seen whole."""
    height, width = own.shape
    best, least = None, np.inf
    for _ in range(_TRIES):
        row = int(rng.integers(known.shape[0] - height + 1))
        column = int(rng.integers(known.shape[1] - width + 1))
        place = np.s_[row : row + height, column : column + width]
        if known[place][own].all():
            busy = float(np.abs(detail[place][own]).mean())
            if busy < least:
                best, least = detail[place], busy
    if best is not None:
        return best
    return np.repeat(rng.normal(0, noise, (height, width, 1)), 3, axis=2).astype(np.float32)


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
