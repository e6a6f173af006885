"""The area under a precision-recall curve, in the three ways that are in use.

A class with nothing to find has none (NaN). The curve may have leading axes, one entry for each resample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.curves import Curve

Floats = NDArray[np.float64]

COCO_RECALLS = np.linspace(0, 1, 101)


def interpolated_average_precision(counts: Curve) -> Floats:
    """The area under the interpolated precision-recall curve, as PASCAL VOC has it since 2010.

    The precision at a recall is the highest at that recall or any greater one; the area is exact, not
    sampled at 101 recalls as COCO's.

    Returns:
        ``(...)`` float in 0..1; NaN where there is nothing to find.
    """
    gains = np.diff(counts.recall, prepend=0.0, axis=-1)
    return _known(counts, (gains * _envelope(counts)).sum(axis=-1))


def coco_average_precision(counts: Curve) -> Floats:
    """The mean of the interpolated precision at recalls 0, 0.01 ... 1, as COCO has it; 0 beyond the last.

    Returns:
        ``(...)`` float in 0..1; NaN where there is nothing to find.
    """
    recall, envelope = (
        np.concatenate([values, np.full((*values.shape[:-1], 1), end)], axis=-1)
        for values, end in ((counts.recall, np.inf), (_envelope(counts), 0.0))
    )
    rows = recall.reshape(-1, recall.shape[-1])
    places = np.array([row.searchsorted(COCO_RECALLS) for row in rows], dtype=np.int64)
    taken = np.take_along_axis(envelope, places.reshape(*recall.shape[:-1], len(COCO_RECALLS)), axis=-1)
    return _known(counts, taken.mean(axis=-1))


def average_precision(counts: Curve) -> Floats:
    """The sum of precision times gain in recall over the thresholds, without interpolation.

    Returns:
        ``(...)`` float in 0..1; NaN where there is nothing to find.
    """
    return _known(counts, (np.diff(counts.recall, prepend=0.0, axis=-1) * counts.precision).sum(axis=-1))


def _envelope(counts: Curve) -> Floats:
    """``(..., K)`` the highest precision at each threshold or a lower one."""
    highest: Floats = np.maximum.accumulate(counts.precision[..., ::-1], axis=-1)[..., ::-1]
    return highest


def _known(counts: Curve, values: Floats) -> Floats:
    return np.where(np.asarray(counts.positives) > 0, values, np.nan)
