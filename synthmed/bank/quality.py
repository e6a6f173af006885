"""How good each patch is: columns to sort, filter and look at patches by."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.shapes import edge, within


@dataclass(frozen=True, eq=False)
class Quality:
    """Quality of P patches.

    Attributes:
        segmented: ``(P,)`` bool, whether the object was segmented; where not, a disc stands in for its
            outline, and what is measured on the mask is NaN.
        contrast: ``(P,)`` float, median distance in colour from the background, in grey levels.
        focus: ``(P,)`` float, sharpness of the edge over the median of its class: 1 is typical.
        solidity: ``(P,)`` float, area of the object over that of its convex hull; low where a neighbour hides
            a part of it.
        touching: ``(P,)`` float, the share of the object's edge beside another one: it was guessed there.
        off_center_px: ``(P,)`` float, from the click to the centroid of the object.
        truncated: ``(P,)`` bool, whether the border of the image may cut the object: the source says so, the
            segmented object touches it, or the window of one that could not be segmented crosses it.
        nearest_px: ``(P,)`` float, from the click to the nearest other one in its image; NaN without one.
        duplicate: ``(P,)`` bool, whether an earlier patch of its class shows the same pixels.
        object_height_px: ``(P,)`` float, extent of the object.
        object_width_px: ``(P,)`` float.
        object_diameter_px: ``(P,)`` float, of a disc of the same area.
    """

    segmented: NDArray[np.bool_]
    contrast: NDArray[np.float64]
    focus: NDArray[np.float64]
    solidity: NDArray[np.float64]
    touching: NDArray[np.float64]
    off_center_px: NDArray[np.float64]
    truncated: NDArray[np.bool_]
    nearest_px: NDArray[np.float64]
    duplicate: NDArray[np.bool_]
    object_height_px: NDArray[np.float64]
    object_width_px: NDArray[np.float64]
    object_diameter_px: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.segmented)

    def select(self, keep: NDArray[np.bool_]) -> Quality:
        """The patches where ``keep`` (``(P,)`` bool) holds."""
        return Quality(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    @classmethod
    def unknown(cls, count: int) -> Quality:
        """Of patches that nobody has looked at.

        Examples:
            >>> Quality.unknown(2).contrast, Quality.unknown(2).duplicate
            (array([nan, nan]), array([False, False]))
        """
        return cls(
            **{
                name: np.zeros(count, dtype=bool) if name in FLAGS else np.full(count, np.nan)
                for name in QUALITY_COLUMNS
            }
        )


QUALITY_COLUMNS = tuple(f.name for f in fields(Quality))
FLAGS = ("segmented", "truncated", "duplicate")


def over_class_median(
    values: NDArray[np.float64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Values over the median of their class; NaN stays NaN, and has no part in the median.

    Args:
        values: ``(P,)``.
        labels: ``(P,)``.
        classes: how many there are.

    Examples:
        >>> over_class_median(np.array([2.0, 4.0, 6.0, 5.0]), np.array([0, 0, 0, 2]), 3)
        array([0.5, 1. , 1.5, 1. ])
    """
    shares = np.where(np.isnan(values), np.nan, 1.0)
    for label in range(classes):
        own = (labels == label) & np.isfinite(values)
        typical = float(np.median(values[own])) if own.any() else 0.0
        if typical > 0:
            shares[own] = values[own] / typical
    return shares


def touching_share(labels: NDArray[np.int32], number: int, gap_px: float) -> float:
    """The share of an object's edge that lies beside another object.

    Args:
        labels: ``(h, w)`` int32, which object has a pixel, with room for the gap round the object.
        number: the object's; it has a pixel at least.
        gap_px: no more lies between what counts as touching.

    Examples:
        >>> labels = np.array([[0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 2, 2], [0, 0, 0, 0, 0, 0]])
        >>> touching_share(labels, 1, 1.0), touching_share(labels, 1, 2.0)
        (0.0, 0.5)
    """
    mask = labels == number
    others = (labels > 0) & ~mask
    if not others.any():
        return 0.0
    return float(within(others, gap_px)[edge(mask)].mean())


def nearest_others(centers_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each of ``(N, 2)`` clicks of an image to the nearest other one; NaN for a lonely one."""
    from scipy.spatial import cKDTree

    if len(centers_px) < 2:
        return np.full(len(centers_px), np.nan)
    return np.asarray(cKDTree(centers_px).query(centers_px, k=2)[0][:, 1])
