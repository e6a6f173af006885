"""Where a patch lies in its image, and what the border does to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.background import Background
from synthmed.bank.medians import channel_medians


class Windows(NamedTuple):
    """Windows round N centres in one image on D axes.

    Attributes:
        low_px: ``(N, D)`` int, the first pixel; may lie outside the image.
        high_px: ``(N, D)`` int, one past the last pixel.
        cut_off: ``(N,)`` float, the share of the window outside the image.
        usable: ``(N,)`` bool, whether the border policy keeps the window.
    """

    low_px: NDArray[np.int64]
    high_px: NDArray[np.int64]
    cut_off: NDArray[np.float64]
    usable: NDArray[np.bool_]


def place_windows(
    centers_px: NDArray[np.float64], sides_px: NDArray[np.int64], shape_px: NDArray[np.int64], border: str
) -> Windows:
    """Lay a window round each centre, and tell which of them the border policy keeps.

    Args:
        centers_px: ``(N, D)`` float.
        sides_px: ``(N,)`` int.
        shape_px: ``(D,)`` int, the shape of the image.
        border: ``drop``, ``shift`` or ``pad`` (see `BankSpec`).
    """
    sides = np.repeat(sides_px[:, None], centers_px.shape[1], axis=1)
    low = np.floor(centers_px - sides / 2 + 0.5).astype(np.int64)
    inside = np.clip(np.minimum(low + sides, shape_px) - np.maximum(low, 0), 0, None)
    cut_off = 1 - inside.prod(axis=1) / sides.prod(axis=1)
    if border == "shift":
        usable = np.all(sides <= shape_px, axis=1) & (cut_off < 1)
    elif border == "pad":
        usable = cut_off < 1
    else:
        usable = cut_off == 0
    return Windows(low, low + sides, cut_off, usable)


def cut_patch(
    image: NDArray[np.uint8], low_px: NDArray[np.int64], high_px: NDArray[np.int64], fill: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut a window, filled with a colour where it leaves the image.

    Args:
        image: ``(H, W, 3)`` uint8.
        low_px: ``(2,)`` int, the first pixel.
        high_px: ``(2,)`` int, one past the last pixel.
        fill: ``(3,)`` float.

    Returns:
        The patch ``(h, w, 3)`` uint8, and where it shows the image ``(h, w)`` bool.
    """
    height, width = (int(n) for n in high_px - low_px)
    patch = np.empty((height, width, 3), dtype=np.uint8)
    patch[:] = np.rint(fill)
    shown = np.zeros((height, width), dtype=bool)
    first = np.maximum(low_px, 0)
    last = np.maximum(np.minimum(high_px, image.shape[:2]), first)
    source = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    target = tuple(slice(a, b) for a, b in zip(first - low_px, last - low_px, strict=True))
    patch[target] = image[source]
    shown[target] = True
    return patch, shown


def local_background(
    image: NDArray[np.uint8],
    low_px: NDArray[np.int64],
    high_px: NDArray[np.int64],
    background: Background,
) -> NDArray[np.float64]:
    """The background colour round a window, ``(3,)`` float.

    It is the median of those pixels in a ring round the window's inscribed ellipse that look like background;
    where neighbours leave too few of them, the background of the whole image.
    """
    margin = np.maximum(2, (high_px - low_px) // 8)
    first = np.maximum(low_px - margin, 0)
    last = np.minimum(high_px + margin, image.shape[:2])
    window = image[first[0] : last[0], first[1] : last[1]]
    center, half = (low_px + high_px) / 2, (high_px - low_px) / 2
    row, column = (
        (np.arange(a, b) + 0.5 - c) / h for a, b, c, h in zip(first, last, center, half, strict=True)
    )
    ring = np.hypot(row[:, None], column[None, :]) > 1
    tolerance = max(12.0, 4 * background.noise)
    like_background = ring.copy()
    for channel, level in enumerate(background.color):
        like_background &= np.abs(window[:, :, channel] - level) <= tolerance
    if like_background.sum() < max(8, 0.1 * ring.sum()):
        return background.color
    return channel_medians(window, like_background)
