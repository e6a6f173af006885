"""How well image-level scores tell which classes an image has: a bad map is not always a bad classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.errors import SynthmedError
from synthmed.metrics.average_precision import average_precision
from synthmed.metrics.checks import DIVERGED
from synthmed.metrics.curves import Curve, best_f1_threshold, curve
from synthmed.metrics.detection import FIXED_THRESHOLD, DetectionScores, sum_over_images
from synthmed.metrics.ranking import Ranking, rank
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def presence(truth: PointSet) -> Bools:
    """``(I, C)`` bool, whether each image has an object of each class, be it at the border."""
    present: Bools = truth.counts() > 0
    return present


def multilabel_average_precisions(scores: ArrayLike, present: ArrayLike) -> Floats:
    """Average precision of each class over the images, without interpolation.

    Args:
        scores: ``(I, C)`` float.
        present: ``(I, C)`` bool.

    Returns:
        ``(C,)`` float in 0..1; NaN for a class that no image has.

    Examples:
        >>> multilabel_average_precisions([[0.9], [0.8], [0.1]], [[True], [False], [True]]).round(3).tolist()
        [0.833]
    """
    return np.array([average_precision(counts) for counts in _curves(scores, present)], dtype=float)


def best_multilabel_thresholds(
    scores: ArrayLike, present: ArrayLike, *, fallback: float = FIXED_THRESHOLD
) -> Floats:
    """The threshold of each class that gives the highest F1: to be called on the train split.

    Args:
        scores: ``(I, C)`` float.
        present: ``(I, C)`` bool.
        fallback: the threshold of a class that no image has.

    Returns:
        ``(C,)`` float.
    """
    return np.array([best_f1_threshold(counts, fallback) for counts in _curves(scores, present)], dtype=float)


def multilabel_rankings(scores: ArrayLike, present: ArrayLike) -> list[Ranking]:
    """The images ranked by the score of each class, to be counted with any weight of each.

    Args:
        scores: ``(I, C)`` float.
        present: ``(I, C)`` bool.
    """
    scores, present = _checked(scores, present)
    images = np.arange(len(scores))
    columns = zip(scores.T, present.T, strict=True)
    return [rank(of_class, has, images, has) for of_class, has in columns]


def multilabel_scores(
    classes: Sequence[str],
    scores: ArrayLike,
    present: ArrayLike,
    thresholds: ArrayLike,
    weights: Floats | None = None,
) -> DetectionScores:
    """Count the images that are rightly and wrongly said to have each class.

    Args:
        classes: the class names.
        scores: ``(I, C)`` float.
        present: ``(I, C)`` bool.
        thresholds: ``(C,)`` float, or one number for all classes.
        weights: ``(R, I)`` float, how often each image counts; by default once.

    Returns:
        Counts and rates per class, in images.
    """
    scores, present = _checked(scores, present)
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), len(classes)).copy()
    said = scores >= limits
    tp, fp, fn = (
        sum_over_images(cases, weights) for cases in (said & present, said & ~present, ~said & present)
    )
    return DetectionScores(tuple(classes), limits, tp, fp, fn)


def _curves(scores: ArrayLike, present: ArrayLike) -> list[Curve]:
    scores, present = _checked(scores, present)
    return [curve(of_class, has, int(has.sum())) for of_class, has in zip(scores.T, present.T, strict=True)]


def _checked(scores: ArrayLike, present: ArrayLike) -> tuple[Floats, Bools]:
    values, has = np.asarray(scores, dtype=float), np.asarray(present, dtype=bool)
    if values.ndim != 2 or values.shape != has.shape:
        raise SynthmedError(
            f"image-level scores need one row for each image and one column for each class, {has.shape}",
            value=values.shape,
            remedy="apply the classifier to the same images and classes",
        )
    if not np.isfinite(values).all():
        raise SynthmedError(
            "some image-level scores are not finite numbers",
            remedy=DIVERGED,
        )
    return values, has
