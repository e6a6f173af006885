"""An image at the scale that a network was trained on, read window by window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.points.regions import ImageSource
from synthmed.scenes.paste import linear_taps
from synthmed.scenes.resize import resize

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ScaledImage:
    """An image resized by bilinear interpolation, as patches are for scenes.

    Only what is asked for is read and computed. A window has the same bytes as that part of the whole image.

    Attributes:
        source: the image.
        shape_px: height and width after resizing.
    """

    source: ImageSource
    shape_px: tuple[int, int]

    @classmethod
    def at_scale(cls, source: ImageSource, scale: float) -> ScaledImage:
        """The image with each side multiplied by ``scale`` and rounded."""
        height, width = (max(1, int(side * scale + 0.5)) for side in source.shape_px)
        return cls(source, (height, width))

    @property
    def factors(self) -> NDArray[np.float64]:
        """``(2,)`` float, pixels for one pixel of the source, down and across."""
        factors: NDArray[np.float64] = np.array(self.shape_px) / np.array(self.source.shape_px)
        return factors

    def read(self, low_px: tuple[int, int], high_px: tuple[int, int]) -> Image:
        """The window from ``low_px`` to ``high_px``, ``(h, w, 3)`` uint8."""
        if self.shape_px == self.source.shape_px:
            return self.source.read_region(np.array(low_px), np.array(high_px))
        taps, low, high = [], [], []
        for axis in (0, 1):
            before, weight = linear_taps(self.source.shape_px[axis], self.shape_px[axis])
            own = slice(low_px[axis], high_px[axis])
            low.append(int(before[own][0]))
            high.append(min(int(before[own][-1]) + 2, self.source.shape_px[axis]))
            taps.append((before[own] - low[axis], weight[own]))
        region = np.ascontiguousarray(self.source.read_region(np.array(low), np.array(high)))
        window = np.empty((high_px[0] - low_px[0], high_px[1] - low_px[1], 3), dtype=np.uint8)
        resize(region.ravel(), 3, region.shape[1], *taps, window.reshape(-1))
        return window


def pad_with_median(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The image in the upper left corner of a larger one of its median colour.

    Args:
        image: ``(H, W, C)`` uint8.
        height: height of the result, at least H.
        width: width of the result, at least W.

    Returns:
        ``(height, width, C)`` uint8.

    Examples:
        >>> pad_with_median(np.full((1, 1, 3), 7, np.uint8), 1, 2)[..., 0].tolist()
        [[7, 7]]
    """
    if image.shape[:2] == (height, width):
        return image
    color = np.median(image.reshape(-1, image.shape[2]), axis=0)
    padded = np.empty((height, width, image.shape[2]), dtype=np.uint8)
    padded[:] = np.rint(color)
    padded[: image.shape[0], : image.shape[1]] = image
    return padded
