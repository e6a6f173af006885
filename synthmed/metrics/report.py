"""The figures of one run as plain data, which the printed table, FiftyOne and the JSON file share.

A figure that is not defined (a class without objects, say) is NaN, and ``null`` in JSON. The intervals are
those of `synthmed.metrics.bootstrap`; a figure that has none is not among them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synthmed._files import write_atomic

OVERALL = "mean"
SCHEMA_VERSION = 1

Intervals = dict[str, tuple[float, float]]
"""Low and high end by the name of the figure."""

COLUMNS = (
    ("objects", "objects"),
    ("F1@0.5", "detector.f1_iou"),
    ("AP@0.5", "detector.average_precision"),
    ("COCO mAP", "detector.coco_map"),
    ("centre F1", "detector.f1_center"),
    ("centre F1, random boxes", "random_detector.f1_center"),
    ("CAM pointing", "cam.pointing_game"),
    ("pointing, centre bell", "baseline_cams.center_gaussian.pointing_game"),
    ("pointing, uniform", "baseline_cams.uniform.pointing_game"),
    ("CAM energy gain", "cam.energy_gain"),
    ("CAM peak F1", "cam.peak_f1"),
    ("peak F1, centre bell", "baseline_cams.center_gaussian.peak_f1"),
    ("classifier AP", "classifier.average_precision"),
)
"""What `RunReport.rows` shows: the title of each column, and where its figure stands in a `ClassReport`."""


@dataclass(frozen=True)
class DetectorFigures:
    """A detector on one class.

    Attributes:
        f1_iou: F1 by IoU 0.5, at the threshold tuned on train.
        precision_iou: at that threshold.
        recall_iou: at that threshold.
        threshold_iou: that threshold.
        f1_iou_fixed: F1 by IoU 0.5, at 0.3.
        average_precision: area under the interpolated precision-recall curve at IoU 0.5.
        f1_center: F1 by centre distance, at its own threshold tuned on train.
        precision_center: at that threshold.
        recall_center: at that threshold.
        threshold_center: that threshold.
        f1_center_fixed: F1 by centre distance, at 0.3.
        coco_map: mean over IoU 0.50, 0.55 ... 0.95 of COCO's average precision.
        count_error: by how many objects the count of an image is off, the mean over all images, also those
            without the class; at the threshold of centres.
        intervals: of these.
    """

    f1_iou: float
    precision_iou: float
    recall_iou: float
    threshold_iou: float
    f1_iou_fixed: float
    average_precision: float
    f1_center: float
    precision_center: float
    recall_center: float
    threshold_center: float
    f1_center_fixed: float
    coco_map: float = math.nan
    count_error: float = math.nan
    intervals: Intervals = field(default_factory=dict)


@dataclass(frozen=True)
class CamFigures:
    """Class activation maps on one class; see `synthmed.metrics.cam.CamScores`.

    In the row over all classes the last three are pooled over all maps, the others are means over classes,
    and ``pairs`` is a sum.
    """

    pairs: int
    pointing_game: float
    energy_share: float
    energy_gain: float
    peak_f1: float
    peak_precision: float
    peak_recall: float
    peak_threshold: float
    px_ap: float
    max_box_acc: float
    max_box_acc_v2: float
    intervals: Intervals = field(default_factory=dict)


@dataclass(frozen=True)
class ClassifierFigures:
    """Image-level scores on one class: F1 and rates at the threshold tuned on train, average precision."""

    f1: float
    precision: float
    recall: float
    threshold: float
    average_precision: float
    intervals: Intervals = field(default_factory=dict)


@dataclass(frozen=True)
class ClassReport:
    """What was measured for one class; ``None`` where it was not measured.

    Attributes:
        name: the class.
        objects: truths away from the border.
        edge_objects: truths that are ignore regions: at the border, and crowds.
        images: images with an object of the class.
        detector: the detector.
        random_detector: boxes at random places, as many as train images have.
        cam: the activation maps.
        baseline_cams: maps that know no image, by name.
        classifier: the image-level scores.
    """

    name: str
    objects: int
    edge_objects: int
    images: int
    detector: DetectorFigures | None = None
    random_detector: DetectorFigures | None = None
    cam: CamFigures | None = None
    baseline_cams: dict[str, CamFigures] = field(default_factory=dict)
    classifier: ClassifierFigures | None = None


@dataclass(frozen=True)
class RunReport:
    """All figures of one run on one split.

    Attributes:
        run: what was evaluated, in the user's words.
        split: the split that the figures are of.
        images: how many images.
        boxes_annotated: whether boxes are truth; otherwise they are squares of the class's size, and
            every figure by boxes inherits that guess.
        class_sizes_px: the patch size of each class; half of it is how far a centre may be off.
        classes: one report for each class.
        overall: the row over all classes: unweighted means unless said otherwise.
        thresholds_from: what the thresholds were tuned on; empty where they were not.
        resamples: how many resamples the intervals are from; 0 where there are none.
        level: the share of the resamples within an interval.
        units: how many units were drawn from: groups, and images without one.
    """

    run: str
    split: str
    images: int
    boxes_annotated: bool
    class_sizes_px: tuple[float, ...]
    classes: tuple[ClassReport, ...]
    overall: ClassReport
    thresholds_from: str = "train"
    resamples: int = 0
    level: float = 0.95
    units: int = 0

    def rows(self, columns: Sequence[tuple[str, str]] = COLUMNS) -> list[dict[str, str | int | float]]:
        """The table: one row for each class, then one over all.

        Args:
            columns: titles and dotted places of figures; those that nothing was measured for are left out.

        Returns:
            Rows from title to value, the first title being ``class``.
        """
        reports = [*self.classes, self.overall]
        used = [(title, place) for title, place in columns if any(_at(r, place) is not None for r in reports)]
        return [
            {"class": report.name} | {title: _number(_at(report, place)) for title, place in used}
            for report in reports
        ]

    def texts(self, columns: Sequence[tuple[str, str]] = COLUMNS) -> list[list[str]]:
        """The table as text, each figure with its interval where it has one: ``0.70 [0.61, 0.78]``.

        Args:
            columns: titles and dotted places of figures; those that nothing was measured for are left out.

        Returns:
            The titles, then a row for each class and one over all.
        """
        rows = self.rows(columns)
        places = [place for title, place in columns if title in rows[0]]
        reports = (*self.classes, self.overall)
        return [list(rows[0])] + [
            [report.name, *(_text(report, place) for place in places)] for report in reports
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: NaN becomes ``None``."""
        data: dict[str, Any] = without_nan({"schema_version": SCHEMA_VERSION, **asdict(self)})
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunReport:
        """The report that `to_dict` was called on.

        Raises:
            ValueError: where the data is of another schema version.
        """
        if data.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"a report of schema version {data.get('schema_version')}, not {SCHEMA_VERSION}")
        values = {key: value for key, value in data.items() if key != "schema_version"}
        values["class_sizes_px"] = tuple(values["class_sizes_px"])
        values["classes"] = tuple(_class_report(entry) for entry in values["classes"])
        values["overall"] = _class_report(values["overall"])
        return cls(**values)

    def to_json(self, path: str | Path) -> None:
        """Write the report to a JSON file."""
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_atomic(Path(path), text.encode())

    @classmethod
    def from_json(cls, path: str | Path) -> RunReport:
        """Read a report that `to_json` wrote."""
        return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))


def _class_report(data: Mapping[str, Any]) -> ClassReport:
    values = dict(data)
    for name, kind in (
        ("detector", DetectorFigures),
        ("random_detector", DetectorFigures),
        ("cam", CamFigures),
        ("classifier", ClassifierFigures),
    ):
        if values[name] is not None:
            values[name] = _figures(kind, values[name])
    values["baseline_cams"] = {
        name: _figures(CamFigures, figures) for name, figures in values["baseline_cams"].items()
    }
    return ClassReport(**values)


def without_nan(data: Any) -> Any:
    """Plain data with ``None`` for every NaN, as JSON has none."""
    if isinstance(data, Mapping):
        return {key: without_nan(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [without_nan(value) for value in data]
    return None if isinstance(data, float) and math.isnan(data) else data


def _figures(kind: Any, data: Mapping[str, Any]) -> Any:
    """Figures from JSON; those of an earlier version have no intervals."""
    values = {key: math.nan if value is None else value for key, value in data.items()}
    values["intervals"] = {name: (low, high) for name, (low, high) in data.get("intervals", {}).items()}
    return kind(**values)


def interval_text(value: float, interval: tuple[float, float] | None, sign: str = "") -> str:
    """A figure with its interval.

    Examples:
        >>> interval_text(0.7, (0.61, 0.784)), interval_text(0.1, (-0.02, 0.2), "+"), interval_text(0.5, None)
        ('0.70 [0.61, 0.78]', '+0.10 [-0.02, +0.20]', '0.50')
    """
    if math.isnan(value):
        return "-"
    form = f"{sign}.2f" if abs(value) < 10 else f"{sign}.1f"
    ends = "" if interval is None else f" [{interval[0]:{form}}, {interval[1]:{form}}]"
    return f"{value:{form}}{ends}"


def _text(report: ClassReport, place: str) -> str:
    value = _at(report, place)
    if value is None or isinstance(value, int):
        return "-" if value is None else str(value)
    *group, name = place.split(".")
    owner = _owner(report, group)
    return interval_text(value, owner.intervals.get(name) if hasattr(owner, "intervals") else None)


def _at(report: ClassReport, place: str) -> int | float | None:
    *group, name = place.split(".")
    value = getattr(_owner(report, group), name, None)
    return value if isinstance(value, (int, float)) else None


def _owner(report: ClassReport, group: Sequence[str]) -> Any:
    """What holds the figures of a group, such as ``["baseline_cams", "uniform"]``."""
    value: Any = report
    for name in group:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def _number(value: int | float | None) -> int | float:
    return math.nan if value is None else value
