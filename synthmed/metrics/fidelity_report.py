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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmed._files import write_atomic
from synthmed.errors import SynthmedError
from synthmed.metrics.fidelity_looks import Looks
from synthmed.metrics.fidelity_measures import MEAN, WHOLE, count_limits, distances, layout, mean_values

Floats = NDArray[np.float64]

WITHIN = 2.0
"""A measure is met where the distance is at most so many times the floor."""

_SATURATED = 0.8
"""Total variation above which two samples have hardly anything in common, whatever they are of."""

_FEWEST_IMAGES = 4


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


def half_size(real: int, scenes: int) -> int:
    """How many images stand on each side of a comparison: half of the real ones, and as many scenes.

    Raises:
        SynthmedError: there are too few images or scenes.
    """
    half = min(real // 2, scenes)
    if half >= _FEWEST_IMAGES:
        return half
    few_real = real < 2 * _FEWEST_IMAGES
    raise SynthmedError(
        f"fidelity needs {2 * _FEWEST_IMAGES} real images and {_FEWEST_IMAGES} scenes at least",
        value=f"{real} real images of the bank's splits and {scenes} scenes",
        remedy="click objects on more images" if few_real else "ask for more scenes (--scenes)",
    )


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
    half = half_size(len(real), len(synthetic))
    rng = np.random.default_rng([seed, 3])
    limits = count_limits(real.counts)
    floors, gaps = [], []
    for _ in range(splits):
        order = rng.permutation(len(real))
        one, other = real.of_images(order[:half]), real.of_images(order[half : 2 * half])
        scenes = synthetic.of_images(rng.permutation(len(synthetic))[:half])
        floors.append(distances(one, other, limits, sizes_px))
        gaps.append(distances(one, scenes, limits, sizes_px))
    rows = _rows(classes, mean_values(real), mean_values(synthetic), np.array(floors), np.array(gaps))
    return FidelityReport(classes, len(real), len(synthetic), half, splits, seed, tuple(rows))


def _rows(
    classes: tuple[str, ...], real: list[float], synthetic: list[float], floors: Floats, gaps: Floats
) -> list[Row]:
    # What is not defined on both sides would bias their ratio.
    undefined = ~(np.isfinite(floors) & np.isfinite(gaps))
    floors, gaps = (_with_means(np.where(undefined, np.nan, d), classes) for d in (floors, gaps))
    rows = []
    for k, (measure, name) in enumerate(layout(classes)):
        figures = [sample[np.isfinite(sample[:, k]), k] for sample in (floors, gaps)]
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


def _with_means(found: Floats, classes: tuple[str, ...]) -> Floats:
    """Distances ``(splits, rows)`` with the means over the classes that are defined filled in."""
    for k, (_, name) in enumerate(layout(classes)):
        if name == MEAN:
            of_classes = found[:, k + 1 : k + 1 + len(classes)]
            number = np.isfinite(of_classes).sum(axis=1)
            total = np.nansum(of_classes, axis=1)
            found[:, k] = np.divide(total, number, out=np.full(len(found), np.nan), where=number > 0)
    return found
