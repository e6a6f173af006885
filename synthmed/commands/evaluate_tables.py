"""The tables of ``synthmed evaluate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synthmed.terminal import console, print_table

if TYPE_CHECKING:
    from synthmed.metrics.comparison import Difference
    from synthmed.metrics.file_evaluation import Judging
    from synthmed.metrics.report import RunReport

FEW = 20
"""Below so many images or groups, percentile intervals hold the truth clearly less often than they say."""

_BOXES = (
    ("F1@0.5", "detector.f1_iou"),
    ("centre F1", "detector.f1_center"),
    ("AP@0.5", "detector.average_precision"),
    ("COCO mAP", "detector.coco_map"),
)
_MAPS = (
    ("pointing", "cam.pointing_game"),
    ("energy gain", "cam.energy_gain"),
    ("peak F1", "cam.peak_f1"),
    ("PxAP", "cam.px_ap"),
    ("MaxBoxAcc", "cam.max_box_acc"),
    ("MaxBoxAccV2", "cam.max_box_acc_v2"),
)
_RATES = (
    ("IoU 0.5: threshold", "detector.threshold_iou"),
    ("precision", "detector.precision_iou"),
    ("recall", "detector.recall_iou"),
    ("centre: threshold", "detector.threshold_center"),
    ("precision ", "detector.precision_center"),
    ("recall ", "detector.recall_center"),
    ("count off by", "detector.count_error"),
)


def _with_objects(report: RunReport) -> RunReport:
    """The report without classes that no image has."""
    return replace(report, classes=tuple(entry for entry in report.classes if entry.objects))


def print_report(report: RunReport) -> None:
    """Print the figures of a model, and the rates at its thresholds."""
    shown = _with_objects(report)
    of_boxes = report.overall.detector is not None
    columns = _columns(report)
    header, *rows = shown.texts([("objects", "objects"), *(columns if of_boxes else columns[:3])])
    print_table(f"{report.run}: {report.images} images", header, rows)
    if not of_boxes:
        header, *rows = shown.texts(columns[3:])
        print_table(f"{report.run}, as boxes and pixels", header, rows)
    if of_boxes:
        chosen = _RATES if report.boxes_annotated else _RATES[3:]
        numbers = shown.rows(chosen)
        cells = [list(row.values()) for row in numbers]
        print_table(f"{report.run}, at these thresholds", list(numbers[0]), cells)
    if not report.boxes_annotated and not of_boxes:
        console.print("The truth has points alone: boxes are squares of the class's size.")
    left_out = len(report.classes) - len(shown.classes)
    if left_out:
        console.print(f"{left_out} classes without objects are not shown.")


def print_baselines(report: RunReport) -> None:
    """What one gets without looking at the images."""
    if report.overall.random_detector is not None:
        places = [(title, f"random_{place}") for title, place in _columns(report)]
        header, *rows = report.texts(places)
        print_table("boxes at random places, as many as the tuning images have", header, rows[-1:])
    lines: list[list[object]] = []
    for key, name in (("center_gaussian", "bell at the centre"), ("uniform", "uniform map")):
        if key in report.overall.baseline_cams:
            places = [(title, place.replace("cam.", f"baseline_cams.{key}.")) for title, place in _MAPS]
            lines.append([name, *list(report.rows(places)[-1].values())[1:]])
    if lines:
        print_table("maps that know no image, mean", ("", *(title for title, _ in _MAPS)), lines)


def how(report: RunReport, judging: Judging, tuned: bool) -> str:
    """What thresholds and intervals are, in a few sentences."""
    of_boxes = report.overall.detector is not None
    if tuned:
        said = f"Thresholds are those with the best F1 on {report.thresholds_from}."
    elif of_boxes:
        said = (
            f"Thresholds are fixed at {judging.threshold:g}. Scores of models differ in scale, so tune "
            "on other images by --tune-truth and --tune-predictions for a fair F1."
        )
    elif judging.peak_threshold is None:
        said = "Peaks are not judged: that needs --tune-truth and --tune-predictions, or --peak-threshold."
    else:
        said = f"Peaks count from {judging.peak_threshold:g} on, not tuned."
    if report.resamples and report.units > 1:
        unit = "images" if report.units == report.images else "groups (and images without one)"
        said += (
            f" Brackets: {report.level:.0%} percentile intervals of {report.resamples:,} resamples of the "
            f"{report.units} {unit}."
        )
        if report.units < FEW:
            said += " Of so few, intervals are too narrow."
    return said


def _columns(report: RunReport) -> tuple[tuple[str, str], ...]:
    """What is shown of a report; squares of a class's size are no boxes that others could be judged by."""
    if report.overall.detector is None:
        return _MAPS
    return _BOXES if report.boxes_annotated else _BOXES[1:2]


def print_difference(found: Difference, report: RunReport) -> None:
    """Print how a model differs from the first, whose report tells what is shown."""
    from synthmed.metrics.report import interval_text

    columns = _columns(report)
    compared = columns if report.overall.detector else (*columns[:3], columns[-1])
    named = [(title, found.figures.get(place.rpartition(".")[2])) for title, place in compared]
    used = [(title, rows) for title, rows in named if rows]
    counts = [entry.objects for entry in (*report.classes, report.overall)]
    lines = [
        [name, *(interval_text(value, (low, high), "+") + _mark(low, high) for value, low, high in cells)]
        for name, count, *cells in zip(found.classes, counts, *(rows for _, rows in used), strict=True)
        if count
    ]
    title = f"{found.second} less {found.first}, on the same resamples; * where the interval leaves 0 out"
    print_table(title, ("class", *(title for title, _ in used)), lines)


def _mark(low: float, high: float) -> str:
    return " *" if low > 0 or high < 0 else ""
