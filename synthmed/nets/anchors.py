"""Anchor boxes: the few sizes that a detector starts from, found by clustering object sizes (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.errors import ModelError

_MAX_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Anchors:
    """Sizes that stand for many.

    Attributes:
        sizes_px: ``(k, 2)`` float, height and width, from the smallest area to the largest.
        average_iou: the weighted mean, over all sizes, of the IoU with the best anchor.
    """

    sizes_px: NDArray[np.float64]
    average_iou: float


def shape_iou(first_px: NDArray[np.float64], second_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU of boxes that share their centre.

    Args:
        first_px: ``(N, 2)`` heights and widths.
        second_px: ``(M, 2)`` heights and widths.

    Returns:
        ``(N, M)`` float.

    Examples:
        >>> shape_iou(np.array([[10.0, 10.0]]), np.array([[10.0, 10.0], [5.0, 20.0]])).round(3)
        array([[1.   , 0.333]])
    """
    common = np.minimum(first_px[:, None], second_px[None]).prod(axis=2)
    union = first_px.prod(axis=1)[:, None] + second_px.prod(axis=1)[None] - common
    return np.asarray(common / union)


def iou_kmeans(
    sizes_px: NDArray[np.float64],
    k: int,
    *,
    weights: NDArray[np.float64] | None = None,
    restarts: int = 10,
    seed: int = 0,
) -> Anchors:
    """Cluster sizes by ``1 - IoU``, as YOLOv2 does, with medians and restarts.

    Medians, because the mean of a cluster is drawn by its largest members and the rounds then stall early.
    Starting points are drawn as in k-means++ (Arthur and Vassilvitskii 2007).

    Args:
        sizes_px: ``(N, 2)`` heights and widths.
        k: number of anchors; where fewer different sizes exist, each of them is an anchor.
        weights: ``(N,)``, how much each size counts; equal if not given.
        restarts: independent starts, of which the best is taken.
        seed: of the starts.

    Raises:
        ModelError: without sizes, with sizes that are not positive, or with ``k`` below 1.
    """
    sizes_px = np.asarray(sizes_px, dtype=np.float64).reshape(-1, 2)
    if k < 1 or not len(sizes_px) or not (np.isfinite(sizes_px) & (sizes_px > 0)).all():
        raise ModelError(
            "anchors need at least one size, all sizes positive, and k of 1 or more",
            value=f"{len(sizes_px)} sizes, k={k}",
            remedy="build the bank with at least one patch",
        )
    sizes_px, inverse = np.unique(sizes_px, axis=0, return_inverse=True)
    given = np.ones(len(inverse)) if weights is None else np.asarray(weights, dtype=np.float64)
    merged = np.bincount(inverse.reshape(-1), weights=given).astype(np.float64)
    rng = np.random.default_rng(seed)
    runs = (_cluster(sizes_px, merged, min(k, len(sizes_px)), rng) for _ in range(max(1, restarts)))
    best = max(runs, key=lambda anchors: anchors.average_iou)
    order = np.argsort(best.sizes_px.prod(axis=1), kind="stable")
    return Anchors(best.sizes_px[order], best.average_iou)


def anchors_from_bank(bank: PatchBank, scale: float, k: int, *, restarts: int = 10, seed: int = 0) -> Anchors:
    """Anchors for scenes composed from a bank; known before the first scene is rendered.

    Every class counts the same, however rare it is: without that the most frequent class would take all
    anchors, and a platelet among red cells none.

    Args:
        bank: its ``shapes_px`` and ``labels`` are read.
        scale: scene pixels per source pixel (`synthmed.scenes.scene_scale`).
        k: number of anchors.
        restarts: independent starts, of which the best is taken.
        seed: of the starts.

    Raises:
        ModelError: for an empty bank.
    """
    labels = np.asarray(bank.labels)
    per_class = np.bincount(labels, minlength=len(bank.classes))
    sizes_px = np.asarray(bank.shapes_px, dtype=np.float64) * scale
    return iou_kmeans(sizes_px, k, weights=1.0 / per_class[labels], restarts=restarts, seed=seed)


def _cluster(
    sizes_px: NDArray[np.float64], weights: NDArray[np.float64], k: int, rng: np.random.Generator
) -> Anchors:
    """One run of k-medians from a random start, until no size changes its anchor."""
    anchors = _spread_start(sizes_px, weights, k, rng)
    nearest = np.full(len(sizes_px), -1)
    for _ in range(_MAX_ROUNDS):
        iou = shape_iou(sizes_px, anchors)
        moved = iou.argmax(axis=1)
        if (moved == nearest).all():
            break
        nearest = moved
        for index in range(k):
            mine = nearest == index
            if mine.any():
                anchors[index] = _weighted_medians(sizes_px[mine], weights[mine])
            else:  # an anchor that lost all its sizes restarts at the one that is served worst
                anchors[index] = sizes_px[iou.max(axis=1).argmin()]
    best_iou = shape_iou(sizes_px, anchors).max(axis=1)
    return Anchors(anchors, float(np.average(best_iou, weights=weights)))


def _spread_start(
    sizes_px: NDArray[np.float64], weights: NDArray[np.float64], k: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """``k`` of the sizes, each drawn with a probability that grows with its distance from those before."""
    chosen = [int(rng.choice(len(sizes_px), p=weights / weights.sum()))]
    while len(chosen) < k:
        distance = (1.0 - shape_iou(sizes_px, sizes_px[chosen]).max(axis=1)).clip(min=0)
        chances = weights * distance**2
        chances[chosen] = 0
        chosen.append(int(rng.choice(len(sizes_px), p=chances / chances.sum())))
    return np.array(sizes_px[chosen])


def _weighted_medians(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(2,)``, per column the value at which half of the weight is reached."""
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    middle = (reached >= reached[-1] / 2 * (1 - 1e-12)).argmax(axis=0)
    columns = np.arange(values.shape[1])
    return np.asarray(values[order[middle, columns], columns])
