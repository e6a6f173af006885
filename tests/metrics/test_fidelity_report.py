from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.metrics.fidelity_looks import Looks
from synthmed.metrics.fidelity_measures import MEAN
from synthmed.metrics.fidelity_report import FidelityReport, Row, measure_fidelity

CLASSES, SIZES = ("a", "b"), np.array([20.0, 50.0])


def simulated(
    images: int,
    seed: int,
    *,
    rates: tuple[float, float] = (6.0, 3.0),
    larger: float = 1.0,
    brighter: float = 0.0,
    apart: bool = False,
) -> Looks:
    """Looks at images that never were: Poisson counts, normal diameters and grey levels."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rates, size=(images, 2))
    if apart:  # the same counts of each class, but never of the same image
        counts[:, 1] = rng.permutation(counts[:, 1])
    else:
        counts[:, 1] = np.sort(counts[:, 1])[np.argsort(np.argsort(counts[:, 0], kind="stable"))]
    labels = np.concatenate([np.repeat([0, 1], row) for row in counts])
    number = len(labels)
    levels = np.array([100.0, 140.0])[labels] + rng.normal(0, 5, number) + brighter
    return Looks(
        counts=counts.astype(np.int64),
        foreground=rng.normal(20, 2, images),
        background=rng.normal(200, 3, (images, 3)),
        noise=rng.normal(2, 0.1, images),
        image_index=np.repeat(np.arange(images), counts.sum(axis=1)),
        labels=labels,
        diameters_px=SIZES[labels] * larger * rng.normal(1, 0.1, number),
        contrast=np.abs(levels - 200),
        colors=levels[:, None, None] + rng.normal(0, 2, (number, 16, 3)),
        nearest_px=rng.exponential(30, number),
        nearest_own_px=rng.exponential(50, number),
    )


REAL = simulated(80, 0)


def row(report: FidelityReport, measure: str, name: str) -> Row:
    (found,) = (r for r in report.rows if r.measure.startswith(measure) and r.name == name)
    return found


def test_the_same_population_is_within_twice_the_floor() -> None:
    report = measure_fidelity(CLASSES, SIZES, REAL, simulated(40, 1))
    assert (report.half, report.real_images, report.scenes) == (40, 80, 40)
    assert {r.verdict for r in report.rows} <= {"yes", "-"}
    assert all(r.verdict == "yes" for r in report.of_classes())
    # Ten objects per image make nearly every vector of counts unique, which is said rather than judged.
    assert all(r.floor > 0 and r.gap > 0 for r in report.summary())


@pytest.mark.parametrize(
    ("change", "measures"),
    [
        ({"larger": 1.15}, {"diameter of objects"}),
        ({"brighter": 10.0}, {"brightness of objects", "contrast of objects"}),
        ({"rates": (12.0, 3.0)}, {"objects per image"}),
    ],
)
def test_what_differs_is_found_and_nothing_else(change: dict, measures: set[str]) -> None:
    report = measure_fidelity(CLASSES, SIZES, REAL, simulated(40, 1, **change))
    missed = {r.measure for r in report.summary() if r.verdict == "no"}
    assert missed >= measures
    assert missed - measures <= (
        {m for m in missed if m.startswith("objects")} if "rates" in change else set()
    )


def test_classes_that_no_longer_come_together_are_found() -> None:
    report = measure_fidelity(CLASSES, SIZES, REAL, simulated(40, 1, apart=True))
    assert row(report, "objects per image", MEAN).verdict == "yes"
    assert row(report, "objects per image, pairs", "all").verdict == "no"


def test_distances_are_in_the_units_they_say() -> None:
    still = replace(REAL, diameters_px=SIZES[REAL.labels])
    report = measure_fidelity(CLASSES, SIZES, still, replace(still, diameters_px=still.diameters_px * 1.1))
    of_b = row(report, "diameter", "b")
    assert (of_b.real, of_b.synthetic) == (pytest.approx(50), pytest.approx(55))
    assert (of_b.floor, of_b.gap, of_b.times) == (0, pytest.approx(10), math.inf)
    assert of_b.verdict == "no"
    assert row(report, "diameter", MEAN).gap == pytest.approx(10)


def test_a_class_with_few_objects_is_not_judged() -> None:
    rare = simulated(80, 0, rates=(6.0, 0.05))
    report = measure_fidelity(CLASSES, SIZES, rare, simulated(40, 1, rates=(6.0, 0.05)))
    of_b = row(report, "diameter", "b")
    assert math.isnan(of_b.times)
    assert of_b.verdict == "-"
    assert math.isfinite(row(report, "diameter", MEAN).times)


@pytest.mark.parametrize(
    ("floor", "gap", "unit", "times", "verdict"),
    [
        (1.0, 2.0, "px", 2.0, "yes"),
        (1.0, 2.1, "px", 2.1, "no"),
        (0.0, 0.0, "px", 1.0, "yes"),
        (0.0, 0.1, "px", math.inf, "no"),
        (math.nan, 1.0, "px", math.nan, "-"),
        (0.9, 1.0, "TV", 1.0 / 0.9, "-"),
        (0.2, 0.5, "TV", 2.5, "no"),
    ],
)
def test_verdicts(floor: float, gap: float, unit: str, times: float, verdict: str) -> None:
    judged = Row("m", "g", "all", unit, 0.0, 0.0, floor, 0.0, gap, 0.0)
    assert judged.times == pytest.approx(times, nan_ok=True)
    assert judged.verdict == verdict


def test_the_seed_decides() -> None:
    first, again, other = (
        measure_fidelity(CLASSES, SIZES, REAL, simulated(40, 1), splits=4, seed=seed) for seed in (0, 0, 1)
    )
    assert [r.gap for r in first.rows if r.name != MEAN] == [r.gap for r in again.rows if r.name != MEAN]
    assert row(first, "diameter", "a").floor != row(other, "diameter", "a").floor


@pytest.mark.parametrize(("real", "scenes"), [(7, 40), (80, 3)])
def test_too_few_images_are_refused(real: int, scenes: int) -> None:
    with pytest.raises(SynthmedError, match="8 real images and 4 scenes at least"):
        measure_fidelity(CLASSES, SIZES, simulated(real, 0), simulated(scenes, 1))


def test_files(tmp_path: Path) -> None:
    report = measure_fidelity(CLASSES, SIZES, REAL, simulated(40, 1), splits=3)
    report.to_json(tmp_path / "f.json", bank="abc")
    report.to_csv(tmp_path / "f.csv")
    data = json.loads((tmp_path / "f.json").read_text())
    lines = list(csv.DictReader((tmp_path / "f.csv").read_text().splitlines()))
    assert (data["bank"], data["half"], len(data["rows"])) == ("abc", 40, len(report.rows))
    assert [line["measure"] for line in lines] == [entry["measure"] for entry in data["rows"]]
    for entry, line, own in zip(data["rows"], lines, report.rows, strict=True):
        assert entry["floor"] == pytest.approx(own.floor)
        assert float(line["gap"]) == pytest.approx(own.gap)
        assert entry["verdict"] == line["verdict"] == own.verdict
    assert data["rows"][0]["real"] is None
