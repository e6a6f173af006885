"""Whether all points lie to one side of their objects.

An object and its mirror image through a point agree best where the point is its middle. So the patch round
each point is convolved with itself, the mean over all patches has its peak at twice the mean offset, and
the spread of that over random halves tells how sure it is. A patch fades out towards its edge, which draws
the peak to its middle; so patches are taken anew round where the peak was, until it stays in the middle.
Large windows come first, each smaller one starts where the last sure one ended.

People click with a habit of up to about a pixel, and light from one side moves the apparent middle, of a
large object by more than of a small one. So only `LEAST_PX` and more is a finding, and of large objects
`_LEAST_SHARE` of the reach of the smallest window that shows them well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.points.finding import Finding
from synthmed.points.separability import Pixels

LEAST_PX = 2.0
_LEAST_SHARE = 0.08
_NOT_TOLD = (
    "whether all points are shifted against their objects cannot be told here: "
    "there are too few points, or the objects are too large or too unlike"
)
_WINDOWS = ((4, 28), (4, 18), (2, 28), (2, 18), (1, 28), (1, 18), (1, 12), (1, 8))
"""By how much the image is reduced, and how many pixels of that a window reaches to each side."""

_MAX_POINTS = 400
_LEAST_POINTS = 24
_ROUNDS = 8
_STAYS_PX = 0.05
_HALVES = 10
_AGREE_PX = 0.5
_SHOWN_WELL = 0.7


def check_shift(pixels: Pixels, rng: np.random.Generator) -> tuple[list[Finding], list[str]]:
    """A finding where the points are shifted by more than is usual; else a note, with what would be found.

    Args:
        pixels: the images that are looked at, with the points inside them.
        rng: for the choice of points.
    """
    measured: list[_Offset] = []
    order = rng.permutation(sum(map(len, pixels.centers_px)))
    for factor, reach in _WINDOWS:
        start = measured[-1].offset_px if measured else np.zeros(2)
        found = _measure(pixels, order, factor, reach, start, rng)
        if found is not None and found.spread_px <= _AGREE_PX:
            measured.append(found)
    # Objects that are larger than the window have their peak anywhere, and each window finds another one.
    agreeing = [b for a, b in pairwise(measured) if np.abs(a.offset_px - b.offset_px).max() <= _AGREE_PX]
    if not agreeing:
        return [], [_NOT_TOLD]
    highest = max(one.height for one in agreeing)
    best = min((one for one in agreeing if one.height >= _SHOWN_WELL * highest), key=lambda m: m.reach_px)
    down, right = best.offset_px
    least = max(LEAST_PX, _LEAST_SHARE * best.reach_px, 4 * best.spread_px)
    seen = (
        f"the middle of objects lies on average {_px(right)} px in x and {_px(down)} px in y "
        f"from their points (+- {best.spread_px:.1f}, {best.patches} points)"
    )
    if np.hypot(down, right) < least:
        return [], [f"{seen}: within what is usual, as {least:.1f} px and more would not be"]
    return [
        Finding(
            "the points are shifted against their objects",
            f"{seen}; up to {least:.1f} px are usual",
            f"add {_px(right)} to x and {_px(down)} to y, after a look at some points on their images",
        )
    ], []


def _px(length: float) -> str:
    """A length with its sign and one decimal; what rounds to nothing is 0.0 without a sign.

    Examples:
        >>> _px(2.04), _px(-0.36), _px(-0.04)
        ('+2.0', '-0.4', '0.0')
    """
    return f"{length:+.1f}" if abs(length) >= 0.05 else "0.0"


class _Offset(NamedTuple):
    offset_px: NDArray[np.float64]
    spread_px: float
    reach_px: int
    patches: int
    height: float


def _measure(
    pixels: Pixels,
    order: NDArray[np.int64],
    factor: int,
    reach: int,
    start_px: NDArray[np.float64],
    rng: np.random.Generator,
) -> _Offset | None:
    """The mean offset seen in windows of one size, ``None`` where there are too few or it runs away.

    Args:
        pixels: the images and their points.
        order: of the points, the first that lie far enough from the border count.
        factor: by which the images are reduced.
        reach: of a window to each side, in pixels of a reduced image.
        start_px: ``(2,)`` float, where the middle of objects is looked for first.
        rng: for the halves.
    """
    greys = [_reduced(grey, factor) for grey in pixels.greys]
    centers = [center / factor for center in pixels.centers_px]
    offset = start = start_px / factor
    for _ in range(_ROUNDS):
        patches, fractions = _patches(greys, centers, order, reach, offset)
        if len(patches) < _LEAST_POINTS:
            return None
        squares, side = _squared_spectra(patches)
        mean = _surface(squares, side)
        step = _peak(mean) - fractions.mean(axis=0)
        offset = offset + step
        if np.abs(offset - start).max() > reach / 2:
            return None
        if np.abs(step).max() <= _STAYS_PX:
            break
    halves = [rng.permutation(len(squares))[: len(squares) // 2] for _ in range(_HALVES)]
    spread = float(np.std([_peak(_surface(squares[half], side)) for half in halves], axis=0).max())
    return _Offset(offset * factor, spread * factor, reach * factor, len(patches), float(mean.max()))


def _reduced(grey: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """``(H // factor, W // factor)`` means of blocks."""
    height, width = (n // factor for n in grey.shape)
    blocks = grey[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _patches(
    greys: list[NDArray[np.float32]],
    centers_px: list[NDArray[np.float64]],
    order: NDArray[np.int64],
    reach: int,
    offset_px: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """``(N, side, side)`` windows beside points; ``(N, 2)`` how far their middles are off pixel centres."""
    side = 2 * reach + 1
    image = np.repeat(np.arange(len(greys)), [len(c) for c in centers_px])[order]
    middles = np.concatenate([*centers_px, np.zeros((0, 2))])[order] + offset_px
    corners = np.floor(middles).astype(np.int64) - reach
    shapes = np.array([grey.shape for grey in greys], dtype=np.int64).reshape(-1, 2)[image]
    inside = np.flatnonzero(((corners >= 0) & (corners + side <= shapes)).all(axis=1))[:_MAX_POINTS]
    patches = np.zeros((len(inside), side, side), dtype=np.float32)
    for k, i in enumerate(inside.tolist()):
        row, column = corners[i]
        patches[k] = greys[image[i]][row : row + side, column : column + side]
    return patches, (middles - corners - reach - 0.5)[inside]


def _squared_spectra(patches: NDArray[np.float32]) -> tuple[NDArray[np.complex64], int]:
    """The spectra of the self-convolutions of tapered patches, and the side of those."""
    from scipy import fft

    side = patches.shape[1]
    window = np.outer(*[np.hanning(side + 2)[1:-1].astype(np.float32)] * 2)
    middle = (patches * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    tapered = (patches - middle) * window
    tapered /= np.sqrt((tapered**2).sum(axis=(1, 2), keepdims=True)) + 1e-9
    padded = fft.next_fast_len(2 * side, real=True)
    return fft.rfft2(tapered, (padded, padded)) ** 2, 2 * side - 1


def _surface(squares: NDArray[np.complex64], side: int) -> NDArray[np.float64]:
    """``(side, side)`` mean of self-convolutions."""
    from scipy import fft

    padded = squares.shape[1]
    mean = fft.irfft2(squares.mean(axis=0, dtype=np.complex128), (padded, padded))
    return np.asarray(mean[:side, :side])


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
