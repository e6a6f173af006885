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
    """True and false positives at every distinct score, from the highest down.

    Attributes:
        thresholds: ``(K,)`` float, descending.
        tp: ``(K,)`` int, true positives that score at least the threshold.
        fp: ``(K,)`` int, false positives that do.
        positives: how many there are to find.
    """

    thresholds: Floats
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    positives: int

    @property
    def precision(self) -> Floats:
        """``(K,)`` float."""
        precision: Floats = self.tp / (self.tp + self.fp)
        return precision

    @property
    def recall(self) -> Floats:
        """``(K,)`` float; NaN where there is nothing to find."""
        return self.tp / self.positives if self.positives else np.full(len(self.tp), np.nan)


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


def interpolated_average_precision(counts: Curve) -> float:
    """The area under the interpolated precision-recall curve, as PASCAL VOC has it since 2010.

    The precision at a recall is the highest at that recall or any greater one; the area is exact, not
    sampled at 101 recalls as COCO's.

    Returns:
        A number in 0..1; NaN where there is nothing to find.
    """
    if not counts.positives:
        return float("nan")
    envelope = np.maximum.accumulate(counts.precision[::-1])[::-1]
    return float((np.diff(counts.recall, prepend=0.0) * envelope).sum())


def average_precision(counts: Curve) -> float:
    """The sum of precision times gain in recall over the thresholds, without interpolation.

    Returns:
        A number in 0..1; NaN where there is nothing to find.
    """
    if not counts.positives:
        return float("nan")
    return float((np.diff(counts.recall, prepend=0.0) * counts.precision).sum())


def mean_over_classes(values: ArrayLike) -> float:
    """The unweighted mean of the classes that have a value; NaN where none has.

    Examples:
        >>> mean_over_classes([0.5, float("nan"), 1.0])
        0.75
    """
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
