"""Counts over all score thresholds from one sort, and what follows from them.

A threshold keeps what scores at least that much, so equal scores are kept or dropped together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """True and false positives at some score thresholds, from the highest down.

    Attributes:
        thresholds: ``(K,)`` float, descending.
        tp: ``(..., K)`` true positives that score at least the threshold.
        fp: ``(..., K)`` false positives that do.
        positives: ``(...)`` how many there are to find.
    """

    thresholds: Floats
    tp: NDArray
    fp: NDArray
    positives: NDArray | float

    @property
    def precision(self) -> Floats:
        """``(..., K)`` float; 0 where nothing scores that much."""
        found = np.asarray(self.tp + self.fp, dtype=float)
        precision: Floats = np.divide(self.tp, found, out=np.zeros_like(found), where=found > 0)
        return precision

    @property
    def recall(self) -> Floats:
        """``(..., K)`` float; NaN where there is nothing to find."""
        return ratio(self.tp, np.asarray(self.positives)[..., None])


def curve(scores: ArrayLike, hits: ArrayLike, positives: int) -> Curve:
    """Count hits and misses at every threshold.

    Args:
        scores: ``(N,)`` float.
        hits: ``(N,)`` bool, whether the scored thing is a true positive.
        positives: how many there are to find, found or not.

    Returns:
        The counts at each distinct score.

    Examples:
        >>> counts = curve([0.9, 0.5, 0.5], [True, False, True], positives=4)
        >>> counts.thresholds.tolist(), counts.tp.tolist(), counts.fp.tolist()
        ([0.9, 0.5], [1, 2], [0, 1])
    """
    scores = np.asarray(scores, dtype=float)
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    hit = np.asarray(hits, dtype=bool)[order]
    last = np.flatnonzero(np.append(descending[1:] != descending[:-1], True)[: len(descending)])
    return Curve(descending[last], np.cumsum(hit)[last], np.cumsum(~hit)[last], positives)


def f1(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> Floats:
    """The F1 score ``2 tp / (2 tp + fp + fn)``; NaN where there is neither truth nor prediction.

    Examples:
        >>> f1([3, 0, 0], [1, 2, 0], [1, 0, 0]).tolist()
        [0.75, 0.0, nan]
    """
    tp = np.asarray(tp)
    return ratio(2 * tp, 2 * tp + np.asarray(fp) + np.asarray(fn))


def ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    """``part / whole``; NaN where ``whole`` is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    result: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)
    return result


def best_f1_threshold(counts: Curve, fallback: float) -> float:
    """The threshold with the highest F1; of several, the highest.

    Args:
        counts: the curve of one class.
        fallback: returned where no threshold finds anything, so that none is better than another.

    Examples:
        >>> best_f1_threshold(curve([0.9, 0.5, 0.1], [True, True, False], positives=2), fallback=0.3)
        0.5
    """
    if not len(counts.tp) or counts.tp[-1] == 0:
        return fallback
    return float(counts.thresholds[np.argmax(f1(counts.tp, counts.fp, counts.positives - counts.tp))])


def mean_over_classes(values: ArrayLike) -> float:
    """The unweighted mean of the classes that have a value; NaN where none has.

    Examples:
        >>> mean_over_classes([0.5, float("nan"), 1.0])
        0.75
    """
    return float(with_mean(np.asarray(values, dtype=float))[-1])


def with_mean(values: Floats) -> Floats:
    """``(..., C + 1)`` from ``(..., C)``: the unweighted mean of the classes that have a value comes last.

    Examples:
        >>> with_mean(np.array([0.5, np.nan, 1.0])).tolist()
        [0.5, nan, 1.0, 0.75]
    """
    known = ~np.isnan(values)
    mean = ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))
    return np.concatenate([values, mean[..., None]], axis=-1)
