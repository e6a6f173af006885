"""Whether all points lie to one side of their objects.

An object and its mirror image through a point agree best where the point is its middle. So the patch round
each point is convolved with itself, the mean over all patches has its peak at twice the mean offset, and
the spread of that over random halves tells how sure it is. People click with a habit of up to about a
pixel, and light from one side moves the apparent middle, so that only more than `LEAST_PX` is a finding.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.points.finding import Finding
from synthmed.points.pointset import PointSet
from synthmed.points.separability import Pixels

LEAST_PX = 2.0
_NOT_TOLD = (
    "whether all points are shifted against their objects cannot be told here: "
    "there are too few points, or the objects are too large"
)
_REACHES = (8, 12, 18, 28)
_MAX_POINTS = 400
_LEAST_POINTS = 24
_HALVES = 10
_AGREE_PX = 0.5


def check_shift(
    points: PointSet, pixels: Pixels, rng: np.random.Generator
) -> tuple[list[Finding], list[str]]:
    """A finding where the points are shifted by more than `LEAST_PX`; else a note, where it is sure."""
    measured = [m for reach in _REACHES if (m := _measure(pixels, reach, rng)) is not None]
    # Objects that are larger than the window have their peak anywhere, and each window finds another one.
    agreeing = [b for a, b in pairwise(measured) if np.abs(a.offset_px - b.offset_px).max() <= _AGREE_PX]
    if not agreeing:
        return [], [_NOT_TOLD]
    (down, right), spread, count, _ = max(agreeing, key=lambda m: m.height)
    said = f"{right:+.1f} px in x and {down:+.1f} px in y (+- {spread:.1f}, {count} points)"
    if np.hypot(down, right) < LEAST_PX or np.hypot(down, right) < 4 * spread:
        return [], [f"the middle of objects lies on average {said} from their points: within what is usual"]
    return [
        Finding(
            "the points are shifted against their objects",
            f"the middle of objects lies on average {said} from their points",
            f"add {right:.1f} to x and {down:.1f} to y, after a look at some points on their images",
        )
    ], []


class _Offset(NamedTuple):
    offset_px: NDArray[np.float64]
    spread_px: float
    patches: int
    height: float


def _measure(pixels: Pixels, reach: int, rng: np.random.Generator) -> _Offset | None:
    """The mean offset seen in windows of one size, ``None`` where it is not sure."""
    surfaces, fractions = _surfaces(pixels, reach, rng)
    if len(surfaces) < _LEAST_POINTS:
        return None
    mean = surfaces.mean(axis=0)
    offset = _peak(mean) - fractions.mean(axis=0)
    halves = [rng.permutation(len(surfaces))[: len(surfaces) // 2] for _ in range(_HALVES)]
    spread = float(np.std([_peak(surfaces[half].mean(axis=0)) for half in halves], axis=0).max())
    if spread > _AGREE_PX or np.abs(offset).max() > reach / 2:
        return None
    return _Offset(offset, spread, len(surfaces), float(mean.max()))


def _surfaces(
    pixels: Pixels, reach: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(N, 4r + 1, 4r + 1)`` self-convolutions; ``(N, 2)`` how far points lie off pixel centres."""
    patches, fractions = [], []
    for grey, centers in zip(pixels.greys, pixels.centers_px, strict=True):
        for center in centers:
            pixel = np.floor(center).astype(np.int64)
            low, high = pixel - reach, pixel + reach + 1
            if (low >= 0).all() and (high <= grey.shape).all():
                patches.append(grey[low[0] : high[0], low[1] : high[1]])
                fractions.append(center - pixel - 0.5)
    if not patches:
        return np.zeros((0, 1, 1)), np.zeros((0, 2))
    chosen = rng.permutation(len(patches))[:_MAX_POINTS]
    stack = np.stack([patches[i] for i in chosen]).astype(np.float64)
    return _self_convolutions(stack), np.array([fractions[i] for i in chosen])


def _self_convolutions(patches: NDArray[np.float64]) -> NDArray[np.float64]:
    side = patches.shape[1]
    window = np.outer(*[np.hanning(side + 2)[1:-1]] * 2)
    middle = (patches * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    tapered = (patches - middle) * window
    tapered /= np.sqrt((tapered**2).sum(axis=(1, 2), keepdims=True)) + 1e-9
    spectrum = np.fft.rfft2(tapered, (2 * side, 2 * side))
    full = np.fft.irfft2(spectrum**2, (2 * side, 2 * side))
    return np.asarray(full[:, : 2 * side - 1, : 2 * side - 1])


def _peak(surface: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(2,)`` half the way from the middle of a surface to its peak, between pixels by a parabola."""
    middle = (surface.shape[0] - 1) // 2
    place = np.unravel_index(int(surface.argmax()), surface.shape)
    row, column = (int(np.clip(n, 1, surface.shape[0] - 2)) for n in place)
    fine = [
        row + _vertex(*surface[row - 1 : row + 2, column]),
        column + _vertex(*surface[row, column - 1 : column + 2]),
    ]
    return np.asarray(np.array(fine) - middle) / 2


def _vertex(left: float, here: float, right: float) -> float:
    bend = left - 2 * here + right
    return 0.0 if bend == 0 else float(np.clip((left - right) / 2 / bend, -1, 1))
