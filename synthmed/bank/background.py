"""The colour and the noise of what lies between the objects of an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Background(NamedTuple):
    """Colour ``(3,)`` float and noise (standard deviation in grey levels) of an image's background."""

    color: NDArray[np.float64]
    noise: float


def estimate_background(image: NDArray[np.uint8]) -> Background:
    """Find the background as the most frequent grey level, and what is near it.

    Args:
        image: ``(H, W, 3)`` uint8.

    Returns:
        The median colour of the pixels near the mode of the smoothed histogram, and the noise as the robust
        standard deviation of the differences of neighbouring background pixels.
    """
    grey = image.astype(np.float32).mean(axis=2)
    histogram = np.bincount(np.rint(grey).astype(np.int64).ravel(), minlength=256).astype(float)
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    mode = int(np.argmax(np.convolve(histogram, kernel, mode="same")))
    near = np.abs(grey - mode) <= 8
    color = np.median(image[near], axis=0).astype(np.float64)
    both = near[:, 1:] & near[:, :-1]
    steps = (grey[:, 1:] - grey[:, :-1])[both]
    # The difference of two independent values has sqrt(2) times their deviation; 1.4826 is that of MAD.
    noise = float(1.4826 * np.median(np.abs(steps)) / np.sqrt(2)) if steps.size else 0.0
    return Background(color, noise)
