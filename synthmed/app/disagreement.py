"""Where the detector and the maps of the classifier contradict each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def peaks_in_boxes(
    peaks_px: Floats, peak_classes: NDArray[np.str_], boxes_px: Floats, box_classes: NDArray[np.str_]
) -> Bools:
    """``(K,)`` bool, whether each peak lies in a box of its class.

    Args:
        peaks_px: ``(K, 2)`` float, ``(row, column)``.
        peak_classes: ``(K,)`` the class of each.
        boxes_px: ``(N, 4)`` float, ``(row0, column0, row1, column1)``.
        box_classes: ``(N,)`` the class of each.

    Examples:
        >>> boxes = np.array([[0.0, 0, 4, 4]])
        >>> peaks, classes = np.array([[1.0, 1], [9, 9]]), np.array(["a", "a"])
        >>> peaks_in_boxes(peaks, classes, boxes, np.array(["a"])).tolist()
        [True, False]
    """
    inside = (peaks_px[:, None] >= boxes_px[:, :2]) & (peaks_px[:, None] < boxes_px[:, 2:])
    same = np.equal(peak_classes[:, None], box_classes)
    boxed: Bools = np.any(inside.all(axis=-1) & same, axis=1)
    return boxed


def disagreement(box_heat: Floats, boxed_peaks: Bools, min_heat: float) -> float:
    """The share of findings that only one of the two networks has.

    A box has the support of the maps where its class's map reaches ``min_heat`` in it, a peak that of the
    detector where it lies in a box of its class.

    Args:
        box_heat: ``(N,)`` float, the highest value in each box; NaN where the classifier lacks its class.
        boxed_peaks: ``(K,)`` bool, whether each peak lies in a box.
        min_heat: the least heat that counts as support.

    Returns:
        0 where both say the same, also where neither finds anything, to 1.

    Examples:
        >>> disagreement(np.array([0.9, 0.1]), np.array([True, False]), 0.3)
        0.5
        >>> disagreement(np.array([]), np.array([], dtype=bool), 0.3)
        0.0
    """
    judged = box_heat[~np.isnan(box_heat)]
    findings = len(judged) + len(boxed_peaks)
    alone = int((judged < min_heat).sum()) + int((~boxed_peaks).sum())
    return alone / findings if findings else 0.0
