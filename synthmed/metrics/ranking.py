"""What was found in many images, sorted once, to be counted with any weight of each image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.curves import Curve, curve

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """What was found in many images, the best first, to be counted with any weight of each image.

    It keeps the thresholds at which something right is gained; no average precision depends on others.

    Attributes:
        thresholds: ``(K,)`` float, descending.
        hit_images: ``(T,)`` int, the image of each true positive.
        miss_images: ``(F,)`` int, the image of each false positive that stands before the last true one.
        hits_until: ``(K,)`` int, how many true positives score at least the threshold.
        misses_until: ``(K,)`` int, how many false positives do.
        image_positives: ``(I,)`` float, how many there are to find in each image.
    """

    thresholds: Floats
    hit_images: NDArray[np.int64]
    miss_images: NDArray[np.int64]
    hits_until: NDArray[np.int64]
    misses_until: NDArray[np.int64]
    image_positives: Floats

    def curve(self, weights: Floats) -> Curve:
        """The counts where each image is taken so many times.

        Args:
            weights: ``(R, I)`` float.

        Returns:
            A curve with counts of ``(R, K)``.
        """
        tp = _sums_until(weights, self.hit_images, self.hits_until)
        fp = _sums_until(weights, self.miss_images, self.misses_until)
        return Curve(self.thresholds, tp, fp, weights @ self.image_positives)


def rank(scores: ArrayLike, hits: ArrayLike, image_index: ArrayLike, image_positives: ArrayLike) -> Ranking:
    """Sort what was found in many images.

    Args:
        scores: ``(N,)`` float.
        hits: ``(N,)`` bool, whether the scored thing is a true positive.
        image_index: ``(N,)`` int.
        image_positives: ``(I,)`` how many there are to find in each image.

    Examples:
        >>> ranking = rank([0.9, 0.5, 0.5], [True, False, True], [0, 0, 1], [1, 1])
        >>> twice_the_second = ranking.curve(np.array([[0.0, 2.0]]))
        >>> twice_the_second.tp.tolist(), twice_the_second.positives.tolist()
        ([[0.0, 2.0]], [2.0])
    """
    scores, hit = np.asarray(scores, dtype=float), np.asarray(hits, dtype=bool)
    order = np.argsort(-scores, kind="stable")
    counts = curve(scores, hit, 0)
    gains = np.diff(counts.tp, prepend=0) > 0
    images, hit = np.asarray(image_index, dtype=np.int64)[order], hit[order]
    hits_until, misses_until = counts.tp[gains], counts.fp[gains]
    return Ranking(
        counts.thresholds[gains],
        images[hit],
        images[~hit][: misses_until[-1] if len(misses_until) else 0],
        hits_until,
        misses_until,
        np.asarray(image_positives, dtype=float),
    )


def _sums_until(weights: Floats, images: NDArray[np.int64], until: NDArray[np.int64]) -> Floats:
    """``(R, K)`` the weight of the first so many of ``images``."""
    sums = np.zeros((len(weights), len(images) + 1))
    np.cumsum(weights[:, images], axis=1, out=sums[:, 1:])
    taken: Floats = sums[:, until]
    return taken
