"""How far apart two samples are: the distances that a fidelity report is made of.

Every function takes samples of both sides and knows nothing of images. A distance between finite samples of
one and the same population is above zero, the more so the smaller they are; so it means something only beside
the distance between two real samples of the same sizes.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 8
"""Values that a sample needs before its distance to another one is more than luck."""


def total_variation(rows: ArrayLike, others: ArrayLike) -> float:
    """Half the summed difference of the shares that each distinct row has in two samples.

    Args:
        rows: ``(N,)`` or ``(N, K)`` int, a row for each image.
        others: ``(M,)`` or ``(M, K)`` int.

    Returns:
        0 where both have the same rows equally often, 1 where they have none in common; NaN where a sample is
        empty.

    Examples:
        >>> total_variation([0, 0, 1, 1], [0, 1, 1, 1])
        0.25
    """
    one, other = (np.asarray(sample, dtype=np.int64) for sample in (rows, others))
    if not len(one) or not len(other):
        return float("nan")
    both = np.concatenate([one.reshape(len(one), -1), other.reshape(len(other), -1)])
    _, number = np.unique(both, axis=0, return_inverse=True)
    number = number.ravel()
    shares = [
        np.bincount(part, minlength=int(number.max()) + 1) / len(part)
        for part in (number[: len(one)], number[len(one) :])
    ]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def pair_variation(rows: ArrayLike, others: ArrayLike) -> float:
    """The mean `total_variation` of two columns at a time, over all pairs of columns.

    It sees which classes come together, as the variation of whole rows does, and does not saturate with
    many classes, whose whole rows are nearly all different.

    Args:
        rows: ``(N, K)`` int.
        others: ``(M, K)`` int.

    Returns:
        NaN for less than two columns.

    Examples:
        Each column alone is the same on both sides; together they are opposites:

        >>> pair_variation([[0, 0], [1, 1]], [[0, 1], [1, 0]])
        1.0
    """
    one, other = np.asarray(rows), np.asarray(others)
    pairs = [list(pair) for pair in combinations(range(one.shape[1]), 2)]
    found = [total_variation(one[:, pair], other[:, pair]) for pair in pairs]
    return float(np.mean(found)) if found else float("nan")


def count_bins(counts: ArrayLike, most: int) -> list[Floats]:
    """The limits of about equally full bins of counts, for each column; 0 has a bin of its own.

    Args:
        counts: ``(I, C)`` int, of all real images.
        most: bins for counts above 0, or fewer where equal counts fall on several limits.

    Returns:
        ``C`` arrays of limits as `binned` takes them.
    """
    limits = []
    for column in np.asarray(counts).T:
        present = column[column > 0]
        inner = np.quantile(present, np.arange(1, most) / most) if len(present) else []
        # Between whole numbers, so that a count is on one side of each limit.
        limits.append(np.unique([0.5, *(np.floor(inner) + 0.5)]).astype(np.float64))
    return limits


def binned(counts: ArrayLike, limits: list[Floats]) -> Ints:
    """Replace counts by the number of their bin.

    Args:
        counts: ``(I, C)`` int.
        limits: from `count_bins`.

    Returns:
        ``(I, C)`` int, 0 where the count is 0.

    Examples:
        >>> limits = count_bins([[0], [1], [2], [3], [4]], 2)
        >>> binned([[0], [2], [3], [99]], limits).ravel().tolist()
        [0, 1, 2, 2]
    """
    columns = np.asarray(counts).T
    bins = [np.searchsorted(edges, column) for edges, column in zip(limits, columns, strict=True)]
    return np.stack(bins, axis=1).astype(np.int64)


def wasserstein(values: ArrayLike, others: ArrayLike, fewest: int = FEWEST) -> float:
    """The Wasserstein-1 distance: how far values must be moved on average to turn one sample into the other.

    Args:
        values: ``(N,)`` or ``(N, K)`` float; NaN is left out.
        others: ``(M,)`` or ``(M, K)`` float.
        fewest: rows that each sample must have.

    Returns:
        The distance in the unit of the values, for ``K`` columns the mean of theirs; NaN where a sample has
        too few rows.

    Examples:
        >>> wasserstein([1, 1, 4], [2, 2, 5], fewest=1)
        1.0
    """
    from scipy.stats import wasserstein_distance

    columns = []
    for sample in (values, others):
        rows = np.asarray(sample, dtype=np.float64)
        rows = rows[:, None] if rows.ndim == 1 else rows
        columns.append(rows[np.isfinite(rows).all(axis=1)])
    one, other = columns
    if min(len(one), len(other)) < max(fewest, 1):
        return float("nan")
    return float(np.mean([wasserstein_distance(a, b) for a, b in zip(one.T, other.T, strict=True)]))


def nearest_distances(centers_px: ArrayLike, labels: ArrayLike | None = None) -> Floats:
    """The distance from each centre to the nearest other one.

    Args:
        centers_px: ``(N, D)`` float, on one image.
        labels: ``(N,)`` int; where given, only centres of the same label count.

    Returns:
        ``(N,)`` float, NaN where there is no other.

    Examples:
        >>> nearest_distances([[0, 0], [0, 3], [4, 0]]).tolist()
        [3.0, 3.0, 4.0]
        >>> nearest_distances([[0, 0], [0, 3], [4, 0]], [0, 1, 0]).tolist()
        [4.0, nan, 4.0]
    """
    from scipy.spatial import cKDTree

    centers = np.asarray(centers_px, dtype=np.float64)
    found = np.full(len(centers), np.nan)
    group = np.zeros(len(centers), dtype=np.int64) if labels is None else np.asarray(labels)
    for label in np.unique(group):
        own = np.flatnonzero(group == label)
        if len(own) > 1:
            found[own] = cKDTree(centers[own]).query(centers[own], k=2)[0][:, 1]
    return found
