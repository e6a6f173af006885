"""Two models on the same images: how much they differ, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from synthmed._files import write_atomic
from synthmed.metrics.bootstrap import (
    DEFAULT,
    Resampling,
    Statistic,
    difference,
    draw_weights,
    estimate,
    resampling_units,
)
from synthmed.metrics.report import OVERALL, RunReport, without_nan
from synthmed.points.pointset import PointSet


@dataclass(frozen=True, eq=False)
class Judged:
    """One model, judged.

    Attributes:
        report: its figures.
        statistic: these as a function of the images' weights, for a comparison.
    """

    report: RunReport
    statistic: Statistic


@dataclass(frozen=True)
class Difference:
    """The second model's figures less the first's, on the same images.

    Attributes:
        first: the name of the first model.
        second: the name of the second.
        classes: the class names, and ``mean`` last.
        figures: by name of the figure, value and ends of the interval for each of ``classes``.
    """

    first: str
    second: str
    classes: tuple[str, ...]
    figures: dict[str, list[tuple[float, float, float]]]


def compare(first: Judged, second: Judged, truth: PointSet, resampling: Resampling = DEFAULT) -> Difference:
    """The paired difference of two models: both on the same resamples of the same images.

    Args:
        first: the one to compare with.
        second: the other one.
        truth: what both were judged against.
        resampling: how intervals are found.
    """
    weights = draw_weights(resampling_units(truth.groups), resampling)
    found = estimate(difference(first.statistic, second.statistic), weights, resampling.level)
    figures = {
        name: [tuple(map(float, row)) for row in zip(e.value, e.low, e.high, strict=True)]
        for name, e in found.items()
        if name != "pairs"
    }
    return Difference(first.report.run, second.report.run, (*truth.classes, OVERALL), figures)  # type: ignore[arg-type]


def write_json(path: Path, judged: Sequence[Judged], differences: Sequence[Difference]) -> None:
    """Write all figures: ``reports``, one for each model, and ``differences`` from the first of them."""
    data = {
        "reports": [one.report.to_dict() for one in judged],
        "differences": [without_nan(asdict(one)) for one in differences],
    }
    write_atomic(path, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())
