"""Are scenes as near to real images as real images are to each other? `measure_fidelity` answers by measure.

Real images are split into two halves at random, many times. The distance between the halves is the floor: no
synthesis can be expected to come nearer. Beside it stands the distance between a half and equally many
scenes. A measure is met where that is within twice the floor.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._files import write_atomic
from synthmed.errors import SynthmedError
from synthmed.metrics.fidelity import binned, count_bins, pair_variation, total_variation, wasserstein
from synthmed.metrics.fidelity_looks import Looks

Floats = NDArray[np.float64]

WITHIN = 2.0
"""A measure is met where the distance is at most so many times the floor."""

MEAN = "mean of classes"
WHOLE = "all"

_BINS, _BINS_OF_PAIRS = 4, 2
_SATURATED = 0.8
_FEWEST_IMAGES = 4


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
DIAMETER = Measure("diameter", "% of size", "sizes")
COLOR = Measure("brightness of the object's pixels", "grey levels", "intensity")
CONTRAST = Measure("contrast to the background", "grey levels", "intensity")
NEAREST_OWN = Measure("nearest of its class", "% of size", "places")
NEAREST = Measure("nearest of any class", "px", "places")
FOREGROUND = Measure("foreground share", "% of pixels", "ground")
BACKGROUND = Measure("brightness of the background", "grey levels", "ground")
NOISE = Measure("noise of the background", "grey levels", "ground")


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


@dataclass(frozen=True)
class Row:
    """One measure for one class, or over all.

    Attributes:
        measure: what is compared.
        group: of measures, see `Measure`.
        name: the class, `MEAN` or `WHOLE`.
        unit: of the distances.
        real: the mean value on real images in natural units (objects per image, pixels, grey levels ...);
            NaN where there is no single value.
        synthetic: that on scenes.
        floor: distance between two halves of the real images, mean over the splits.
        floor_deviation: its standard deviation over the splits.
        gap: distance between a half and equally many scenes, mean over the splits.
        gap_deviation: its standard deviation over the splits.
    """

    measure: str
    group: str
    name: str
    unit: str
    real: float
    synthetic: float
    floor: float
    floor_deviation: float
    gap: float
    gap_deviation: float

    @property
    def times(self) -> float:
        """The gap in floors; NaN where it cannot be told."""
        if math.isnan(self.floor) or math.isnan(self.gap):
            return math.nan
        if self.floor == 0:
            return math.inf if self.gap else 1.0
        return self.gap / self.floor

    @property
    def verdict(self) -> str:
        """``yes`` within twice the floor, ``no`` above; ``-`` where it says nothing."""
        saturated = self.unit == "TV" and self.floor > _SATURATED
        if math.isnan(self.times) or saturated:
            return "-"
        return "yes" if self.times <= WITHIN else "no"


@dataclass(frozen=True)
class FidelityReport:
    """All measures.

    Attributes:
        classes: the class names.
        real_images: real images looked at.
        scenes: scenes looked at.
        half: images in each half, and scenes compared with one.
        splits: how often the real images were split.
        seed: of the choice of images, the splits and the scenes.
        rows: for each measure one over all, and where it is told by class one for each class after it.
    """

    classes: tuple[str, ...]
    real_images: int
    scenes: int
    half: int
    splits: int
    seed: int
    rows: tuple[Row, ...]

    def summary(self) -> tuple[Row, ...]:
        """The rows over all classes."""
        return tuple(row for row in self.rows if row.name in (MEAN, WHOLE))

    def of_classes(self) -> tuple[Row, ...]:
        """The rows of single classes."""
        return tuple(row for row in self.rows if row.name not in (MEAN, WHOLE))

    def to_json(self, path: Path, **more: object) -> None:
        """Write all figures to a JSON file; what is not defined is ``null``."""
        data = {**more, **asdict(self), "rows": [_plain(row) for row in self.rows]}
        write_atomic(path, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())

    def to_csv(self, path: Path) -> None:
        """Write one line for each row; what is not defined is empty."""
        text = io.StringIO()
        rows = [_plain(row) for row in self.rows]
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomic(path, text.getvalue().encode())


def _plain(row: Row) -> dict[str, object]:
    values = {**asdict(row), "times": row.times, "verdict": row.verdict}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def measure_fidelity(
    classes: tuple[str, ...],
    sizes_px: Floats,
    real: Looks,
    synthetic: Looks,
    *,
    splits: int = 20,
    seed: int = 0,
) -> FidelityReport:
    """Compare real images with each other and with scenes.

    Args:
        classes: ``C`` names.
        sizes_px: ``(C,)`` float, what lengths of a class are told in.
        real: what was measured on real images.
        synthetic: what was measured on scenes; at least half as many.
        splits: random splits into halves.
        seed: of the splits.

    Raises:
        SynthmedError: there are too few images or scenes.
    """
    half = min(len(real) // 2, len(synthetic))
    if half < _FEWEST_IMAGES:
        raise SynthmedError(
            f"fidelity needs {2 * _FEWEST_IMAGES} real images and {_FEWEST_IMAGES} scenes at least",
            value=f"{len(real)} real images and {len(synthetic)} scenes",
            remedy="click objects on more images, or ask for more scenes (--scenes)",
        )
    rng = np.random.default_rng([seed, 3])
    limits = _limits(real.counts)
    floors, gaps = [], []
    for _ in range(splits):
        order = rng.permutation(len(real))
        one, other = real.of_images(order[:half]), real.of_images(order[half : 2 * half])
        scenes = synthetic.of_images(rng.permutation(len(synthetic))[:half])
        floors.append(_distances(one, other, limits, sizes_px))
        gaps.append(_distances(one, scenes, limits, sizes_px))
    rows = _rows(classes, _means(real), _means(synthetic), np.array(floors), np.array(gaps))
    return FidelityReport(classes, len(real), len(synthetic), half, splits, seed, tuple(rows))


class _Limits(NamedTuple):
    """Bins of counts, from all real images."""

    classes: list[Floats]
    pairs: list[Floats]
    total: list[Floats]


def _limits(counts: NDArray[np.int64]) -> _Limits:
    total = counts.sum(axis=1, keepdims=True)
    return _Limits(count_bins(counts, _BINS), count_bins(counts, _BINS_OF_PAIRS), count_bins(total, _BINS))


def _layout(classes: tuple[str, ...]) -> list[tuple[Measure, str]]:
    """The measure and the name of each row, in the order of `_distances` and `_means`."""
    layout = [(CLASS_COUNTS, MEAN), *((CLASS_COUNTS, name) for name in classes)]
    layout += [(measure, WHOLE) for measure in (PAIR_COUNTS, TOTAL_COUNTS, JOINT_COUNTS)]
    for values in VALUES:
        layout.append((values.measure, MEAN if values.by_class else WHOLE))
        layout += [(values.measure, name) for name in classes if values.by_class]
    return layout


def _distances(one: Looks, other: Looks, limits: _Limits, sizes_px: Floats) -> list[float]:
    bins, pairs = ([binned(looks.counts, edges) for looks in (one, other)] for edges in limits[:2])
    totals = [binned(looks.counts.sum(axis=1, keepdims=True), limits.total) for looks in (one, other)]
    found = _with_mean([total_variation(a, b) for a, b in zip(bins[0].T, bins[1].T, strict=True)])
    found += [pair_variation(*pairs), total_variation(*totals), total_variation(one.counts, other.counts)]
    for values in VALUES:
        if not values.by_class:
            found.append(wasserstein(values.of(one), values.of(other)))
            continue
        own = []
        for label, size_px in enumerate(sizes_px):
            samples = [values.of(looks)[looks.labels == label] for looks in (one, other)]
            flat = [
                sample.reshape(-1, *sample.shape[2:]) if sample.ndim == 3 else sample for sample in samples
            ]
            distance = wasserstein(*flat)
            own.append(100 * distance / size_px if values.of_size else distance)
        found += _with_mean(own)
    return found


def _means(looks: Looks) -> list[float]:
    """The mean value behind each row."""
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


def _with_mean(values: list[float]) -> list[float]:
    """Values with the mean of those that are defined before them."""
    return [_mean(np.array(values)), *values]


def _rows(
    classes: tuple[str, ...], real: list[float], synthetic: list[float], floors: Floats, gaps: Floats
) -> list[Row]:
    # A split in which one of the two is not defined would bias their ratio.
    both = np.isfinite(floors) & np.isfinite(gaps)
    rows = []
    for k, (measure, name) in enumerate(_layout(classes)):
        figures = [sample[both[:, k], k] for sample in (floors, gaps)]
        spread = [(float(f.mean()), float(f.std())) if len(f) else (math.nan, math.nan) for f in figures]
        (floor, floor_sd), (gap, gap_sd) = spread
        row = Row(
            measure.name,
            measure.group,
            name,
            measure.unit,
            real[k],
            synthetic[k],
            floor,
            floor_sd,
            gap,
            gap_sd,
        )
        rows.append(row)
    return rows
