"""The colour and the noise of what lies between the objects of an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

_SMALL_PX = 160
"""Width to which an image is averaged down before its colours are counted; the time of a call hangs on it."""

_BIN_LEVELS = 8
_BINS = 256 // _BIN_LEVELS
_NEAR_LEVELS = 8.0
_RIVAL_SHARE = 0.5
_NOISE_ROWS = 80


class Background(NamedTuple):
    """Colour ``(3,)`` float and noise (standard deviation in grey levels) of an image's background."""

    color: NDArray[np.float64]
    noise: float


def estimate_background(image: NDArray[np.uint8]) -> Background:
    """Find the background as the most frequent colour of flat places.

    Objects may cover most of an image, and then their colour may be the most frequent one. But they are
    domed, rimmed or grained, so each pixel counts by how flat its surroundings are. Where two colours still
    rival, the longer tail of all grey levels tells whether objects are dark or light: dark ones lie on the
    lightest of the rivals, light ones on the darkest.

    Args:
        image: ``(H, W, 3)`` uint8.

    Returns:
        The median colour of the pixels near that colour; and the noise of single pixels there.
    """
    factor = max(1, round(image.shape[1] / _SMALL_PX))
    small = np.asarray(Image.fromarray(image).reduce(factor), dtype=np.float32)
    grey = small.mean(axis=2)
    colors = small.reshape(-1, 3)
    modes = _frequent_colors(colors, _flatness(grey).ravel())
    low, high = np.percentile(grey, (2, 98))
    first = modes[0].mean()
    darkest_to_lightest = modes[np.argsort(modes.mean(axis=1), kind="stable")]
    mode = darkest_to_lightest[-1 if first - low > high - first else 0]
    near = np.abs(colors - mode).max(axis=1) <= 1.5 * _BIN_LEVELS
    # A bin is coarse, so what is near is chosen once more, round the median of what was near the bin.
    near = np.abs(colors - np.median(colors[near], axis=0)).max(axis=1) <= _NEAR_LEVELS
    color = np.median(colors[near], axis=0).astype(np.float64)
    return Background(color, _noise(image, float(color.mean())))


def _flatness(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(H, W)`` weights in 0..1: 1/2 where the slope is that of the flattest quarter of the image."""
    padded = np.pad(grey, 1, mode="edge")
    slope = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1]) + np.abs(padded[1:-1, 2:] - padded[1:-1, :-2])
    typical = max(float(np.percentile(slope, 25)), 0.5)
    weights: NDArray[np.float32] = 1 / (1 + (slope / typical) ** 2)
    return weights


def _frequent_colors(colors: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centres of the highest bins of a smoothed colour histogram, ``(1 to 3, 3)``, the highest first.

    Args:
        colors: ``(N, 3)``.
        weights: ``(N,)``.

    Returns:
        The highest bin, and those peaks at least two bins away from it that reach half its height.
    """
    bins = (colors / _BIN_LEVELS).astype(np.int64)
    flat = (bins[:, 0] * _BINS + bins[:, 1]) * _BINS + bins[:, 2]
    histogram = np.bincount(flat, weights=weights, minlength=_BINS**3).reshape(_BINS, _BINS, _BINS)
    histogram = ndimage.gaussian_filter(histogram, 0.8, mode="constant", truncate=2.5)
    rest, peaks = histogram.copy(), []
    for _ in range(3):
        peak = np.unravel_index(np.argmax(rest), rest.shape)
        if rest[peak] < _RIVAL_SHARE * histogram.max():
            break
        if histogram[_cube(peak, 1)].max() <= histogram[peak]:
            peaks.append(peak)
        rest[_cube(peak, 2)] = 0
    return (np.array(peaks) + 0.5) * _BIN_LEVELS


def _cube(center: tuple[np.intp, ...], reach: int) -> tuple[slice, ...]:
    return tuple(slice(max(int(place) - reach, 0), int(place) + reach + 1) for place in center)


def _noise(image: NDArray[np.uint8], level: float) -> float:
    """Standard deviation of single pixels near a grey level, from differences of neighbours."""
    rows = image[:: max(1, image.shape[0] // _NOISE_ROWS)].sum(axis=2, dtype=np.int16).astype(np.float32) / 3
    left, right = rows[:, :-1], rows[:, 1:]
    # Chosen by the mean of both, because choosing by each would cut off the noise that is to be measured.
    steps = (right - left)[np.abs(left + right - 2 * level) <= 2 * _NEAR_LEVELS]
    if not steps.size:
        return 0.0
    # The median absolute step of whole grey levels is too coarse, so it only tells noise from edges.
    limit = 3 * (1.4826 * float(np.median(np.abs(steps))) + 1)
    inner = steps[np.abs(steps) <= limit]
    return float(np.sqrt(np.mean(inner**2) / 2))
