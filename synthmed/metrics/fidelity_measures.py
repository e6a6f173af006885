"""The measures of a fidelity report: what is compared, in which unit, and by which distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.fidelity import binned, count_bins, pair_variation, total_variation, wasserstein
from synthmed.metrics.fidelity_looks import Looks

Floats = NDArray[np.float64]

MEAN = "mean of classes"
WHOLE = "all"

_BINS, _BINS_OF_PAIRS = 4, 2


@dataclass(frozen=True)
class Measure:
    """One way of comparing.

    Attributes:
        name: what is compared.
        unit: of its distances.
        group: ``counts``, ``sizes``, ``intensity``, ``places`` or ``ground``.
    """

    name: str
    unit: str
    group: str


CLASS_COUNTS = Measure("objects per image", "TV", "counts")
PAIR_COUNTS = Measure("objects per image, pairs of classes", "TV", "counts")
TOTAL_COUNTS = Measure("objects per image, all classes", "TV", "counts")
JOINT_COUNTS = Measure("objects per image, whole vectors", "TV", "counts")
DIAMETER = Measure("diameter of objects", "% of size", "sizes")
COLOR = Measure("brightness of objects", "grey levels", "intensity")
CONTRAST = Measure("contrast of objects", "grey levels", "intensity")
NEAREST_OWN = Measure("nearest of its class", "% of size", "places")
NEAREST = Measure("nearest of any class", "px", "places")
FOREGROUND = Measure("foreground share", "% of pixels", "ground")
BACKGROUND = Measure("background brightness", "grey levels", "ground")
NOISE = Measure("background noise", "grey levels", "ground")


class _Values(NamedTuple):
    """A measure of single values: where they stand, and whether they are told apart by class."""

    measure: Measure
    of: Callable[[Looks], Floats]
    by_class: bool
    of_size: bool = False


VALUES = (
    _Values(DIAMETER, lambda looks: looks.diameters_px, by_class=True, of_size=True),
    _Values(COLOR, lambda looks: looks.colors, by_class=True),
    _Values(CONTRAST, lambda looks: looks.contrast, by_class=True),
    _Values(NEAREST_OWN, lambda looks: looks.nearest_own_px, by_class=True, of_size=True),
    _Values(NEAREST, lambda looks: looks.nearest_px, by_class=False),
    _Values(FOREGROUND, lambda looks: looks.foreground, by_class=False),
    _Values(BACKGROUND, lambda looks: looks.background, by_class=False),
    _Values(NOISE, lambda looks: looks.noise, by_class=False),
)


class Limits(NamedTuple):
    """Bins of counts, from all real images."""

    classes: list[Floats]
    pairs: list[Floats]
    total: list[Floats]


def count_limits(counts: NDArray[np.int64]) -> Limits:
    """Bins of counts from those of all real images, ``(I, C)``."""
    total = counts.sum(axis=1, keepdims=True)
    return Limits(count_bins(counts, _BINS), count_bins(counts, _BINS_OF_PAIRS), count_bins(total, _BINS))


def layout(classes: tuple[str, ...]) -> list[tuple[Measure, str]]:
    """The measure and the name of each row, in the order of `distances` and `mean_values`."""
    rows = [(CLASS_COUNTS, MEAN), *((CLASS_COUNTS, name) for name in classes)]
    rows += [(measure, WHOLE) for measure in (PAIR_COUNTS, TOTAL_COUNTS, JOINT_COUNTS)]
    for values in VALUES:
        rows.append((values.measure, MEAN if values.by_class else WHOLE))
        rows += [(values.measure, name) for name in classes if values.by_class]
    return rows


def distances(one: Looks, other: Looks, limits: Limits, sizes_px: Floats) -> list[float]:
    """How far two samples of images are apart, by each measure; NaN in the places of means over classes.

    Args:
        one: a sample.
        other: another one.
        limits: bins of counts.
        sizes_px: ``(C,)`` float, what lengths of a class are told in.
    """
    bins, pairs = ([binned(looks.counts, edges) for looks in (one, other)] for edges in limits[:2])
    totals = [binned(looks.counts.sum(axis=1, keepdims=True), limits.total) for looks in (one, other)]
    found = [math.nan, *(total_variation(a, b) for a, b in zip(bins[0].T, bins[1].T, strict=True))]
    found += [pair_variation(*pairs), total_variation(*totals), total_variation(one.counts, other.counts)]
    for values in VALUES:
        if not values.by_class:
            found.append(wasserstein(values.of(one), values.of(other)))
            continue
        found.append(math.nan)
        for label, size_px in enumerate(sizes_px):
            samples = [values.of(looks)[looks.labels == label] for looks in (one, other)]
            flat = [
                sample.reshape(-1, *sample.shape[2:]) if sample.ndim == 3 else sample for sample in samples
            ]
            distance = wasserstein(*flat)
            found.append(100 * distance / size_px if values.of_size else distance)
    return found


def mean_values(looks: Looks) -> list[float]:
    """The mean value behind each row; NaN where there is no single one."""
    counts = looks.counts
    found = [math.nan, *counts.mean(axis=0).tolist(), math.nan, float(counts.sum(axis=1).mean()), math.nan]
    for values in VALUES:
        sample = values.of(looks)
        if not values.by_class:
            found.append(_mean(sample))
            continue
        found += [math.nan, *(_mean(sample[looks.labels == k]) for k in range(counts.shape[1]))]
    return found


def _mean(sample: Floats) -> float:
    sample = sample[np.isfinite(sample)]
    return float(sample.mean()) if sample.size else math.nan
