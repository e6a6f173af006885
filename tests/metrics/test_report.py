from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from synthmed.metrics.report import (
    COLUMNS,
    CamFigures,
    ClassifierFigures,
    ClassReport,
    DetectorFigures,
    RunReport,
    _at,
)


def filled(kind: type, start: float) -> object:
    """Figures that all differ, so that a mix-up shows."""
    values: dict[str, object] = {f.name: start + k / 100 for k, f in enumerate(fields(kind))}
    values["intervals"] = {name: (start, start + 0.1) for name in list(values)[:2]}
    if kind is CamFigures:
        values["pairs"] = 7
    return kind(**values)


def report() -> RunReport:
    full = ClassReport(
        name="cell",
        objects=5,
        edge_objects=1,
        images=3,
        detector=replace(filled(DetectorFigures, 0.1), f1_iou=math.nan),  # type: ignore[type-var]
        random_detector=filled(DetectorFigures, 0.3),  # type: ignore[arg-type]
        cam=filled(CamFigures, 0.5),  # type: ignore[arg-type]
        baseline_cams={"uniform": filled(CamFigures, 0.7), "center_gaussian": filled(CamFigures, 0.8)},  # type: ignore[dict-item]
        classifier=filled(ClassifierFigures, 0.9),  # type: ignore[arg-type]
    )
    return RunReport("run", "val", 4, True, (10.0,), (full,), replace(full, name="mean"))


def bare() -> RunReport:
    empty = ClassReport(name="cell", objects=0, edge_objects=0, images=0)
    return RunReport("run", "val", 0, False, (10.0,), (empty,), replace(empty, name="mean"))


@pytest.mark.parametrize("make", [bare, report])
def test_json_round_trip(make: object, tmp_path: Path) -> None:
    first = make()  # type: ignore[operator]
    first.to_json(tmp_path / "report.json")
    again = RunReport.from_json(tmp_path / "report.json")
    assert repr(again) == repr(first)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert json.loads(text)["schema_version"] == 1


def test_another_schema_version_is_refused() -> None:
    with pytest.raises(ValueError, match="schema version 99"):
        RunReport.from_dict(bare().to_dict() | {"schema_version": 99})


def test_every_column_has_its_figure() -> None:
    rows = report().rows()
    assert [row["class"] for row in rows] == ["cell", "mean"]
    assert list(rows[0]) == ["class", *(title for title, _ in COLUMNS)]
    for title, place in COLUMNS:
        assert _at(report().classes[0], place) is not None, f"{title} has no figure at {place}"


def test_columns_without_any_figure_are_left_out() -> None:
    assert bare().rows() == [{"class": "cell", "objects": 0}, {"class": "mean", "objects": 0}]


def test_a_figure_that_one_class_lacks_is_nan() -> None:
    whole = report()
    rows = replace(whole, classes=(replace(whole.classes[0], classifier=None),)).rows()
    assert math.isnan(rows[0]["classifier AP"])  # type: ignore[arg-type]
    assert rows[1]["classifier AP"] == pytest.approx(0.94)


def test_a_report_of_before_intervals_is_read() -> None:
    data = report().to_dict()
    for entry in (*data["classes"], data["overall"]):
        for group in (entry["detector"], entry["cam"], entry["classifier"], *entry["baseline_cams"].values()):
            del group["intervals"]
        del entry["detector"]["coco_map"]
    for name in ("thresholds_from", "resamples", "level", "units"):
        del data[name]
    again = RunReport.from_dict(data)
    assert again.classes[0].cam is not None and again.classes[0].cam.intervals == {}
    assert again.rows()[0]["centre F1"] == report().rows()[0]["centre F1"]


def test_figures_are_shown_with_their_intervals() -> None:
    columns = [("objects", "objects"), ("F1", "detector.f1_iou"), ("precision", "detector.precision_iou")]
    columns += [("uniform", "baseline_cams.uniform.pointing_game"), ("none", "random_detector.nothing")]
    header, row, _ = report().texts(columns)
    assert header == ["class", "objects", "F1", "precision", "uniform"]
    assert row == ["cell", "5", "-", "0.11 [0.10, 0.20]", "0.71 [0.70, 0.80]"]
