"""The steps of the demo, in order. Started again, rendering and training go on where they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthmed._files import is_free
from synthmed.bank import BankSpec, PatchBank, build_bank, open_bank, resolve_sizes, save_bank
from synthmed.datasets import render_dataset
from synthmed.demo.earlier import set_earlier_aside
from synthmed.demo.inputs import DemoInput, read_input
from synthmed.demo.options import DemoOptions
from synthmed.demo.output import check_output
from synthmed.metrics.report import RunReport
from synthmed.terminal import console, print_bank, print_table, progress_bar
from synthmed.training import last_checkpoint, train

if TYPE_CHECKING:
    from synthmed.demo.findings import Findings

_SCENES = 64

# A threshold is one number per class: more train images than this hardly move it, but take time.
_TRAIN_IMAGES = 200

# Both networks are judged together, with thresholds from train, so that training need not do it as well.
_JUDGED_LATER = ("val_cfg=None", "val_dataloader=None", "val_evaluator=None")

_BOXES = (
    ("objects", "objects"),
    ("F1@0.5", "detector.f1_iou"),
    ("centre F1", "detector.f1_center"),
    ("random boxes", "random_detector.f1_center"),
)
_MAPS = (
    ("pointing", "cam.pointing_game"),
    ("centre bell", "baseline_cams.center_gaussian.pointing_game"),
    ("uniform", "baseline_cams.uniform.pointing_game"),
    ("peak F1", "cam.peak_f1"),
    ("centre bell ", "baseline_cams.center_gaussian.peak_f1"),
)


def run_demo(options: DemoOptions) -> RunReport:
    """Run the whole path and print its table.

    Raises:
        SynthmedError: the data, or an earlier result in the same folder, cannot be used.
    """
    trainings = _trainings(options)
    check_output(options.out)
    data = read_input(options.data, options.out)
    work_dir = options.out / data.name
    bank = _bank(data, work_dir / "bank", options.sizes)
    _scenes(data, bank, work_dir)
    env = {
        "SYNTHMED_BANK": str(work_dir / "bank"),
        "SYNTHMED_IMAGES": str(data.images_dir),
        "SYNTHMED_POINTS": str(data.points_file),
        "SYNTHMED_BOXES": data.boxes_of("val") or "none",
    }
    for name, config, iterations in trainings:
        chosen = [*_JUDGED_LATER, *([] if iterations is None else [f"train_cfg.max_iters={iterations}"])]
        with progress_bar(f"Training the {name}") as progress:
            train(config, work_dir / name, env=env, options=chosen, progress=progress, note=console.print)
    return _judge(data, bank, work_dir, options)


def _trainings(options: DemoOptions) -> list[tuple[str, Path, int | None]]:
    return [
        ("detector", options.detector_config, options.detector_iters),
        ("classifier", options.classifier_config, options.classifier_iters),
    ]


def _bank(data: DemoInput, folder: Path, sizes: Sequence[str]) -> PatchBank:
    """Build the bank, or open the same one built before; another one is set aside."""
    with progress_bar("Finding class sizes") as progress:
        sizes_px = resolve_sizes(sizes, data.points, data.images_dir, progress=progress)
    with progress_bar("Cutting patches") as progress:
        bank = build_bank(data.points, data.images_dir, BankSpec(sizes_px=sizes_px), progress=progress)
    note = set_earlier_aside(folder.parent, bank)
    if note is not None:
        console.print(note)
    if is_free(folder):
        save_bank(bank, folder)
    print_bank(folder)
    return open_bank(folder)


def _scenes(data: DemoInput, bank: PatchBank, work_dir: Path) -> None:
    """Render some scenes to look at; training composes its own."""
    from synthmed.demo.pictures import draw_synthesis

    with progress_bar("Rendering scenes") as progress:
        render_dataset(work_dir / "bank", work_dir / "scenes", count=_SCENES, progress=progress)
    draw_synthesis(data, bank, work_dir)


def _judge(data: DemoInput, bank: PatchBank, work_dir: Path, options: DemoOptions) -> RunReport:
    """Predict on train, for the thresholds, and on val; measure, draw, and hand all to FiftyOne."""
    # Imported here, since these cost PyTorch, and a mistake in the data should be told before that.
    from synthmed.demo.findings import find
    from synthmed.demo.judge import judge
    from synthmed.demo.pictures import draw_findings
    from synthmed.nets.inference import Predictor

    models = [Predictor(config, last_checkpoint(work_dir / name)) for name, config, _ in _trainings(options)]
    train_findings = find("train", _TRAIN_IMAGES, data, bank, *models)
    val_findings = find("val", None, data, bank, *models)
    report = judge(data.name, data.points, bank, train_findings, val_findings)
    report.to_json(work_dir / "report.json")
    _keep_thresholds(report, *(last_checkpoint(work_dir / name) for name, _, _ in _trainings(options)))
    draw_findings(data, val_findings, report, work_dir)
    if options.fiftyone:
        try:
            _to_fiftyone(data, bank, work_dir, (train_findings, val_findings))
        finally:
            # Whatever the database says, the figures are what the time was spent on.
            print_report(report)
    else:
        print_report(report)
    console.print(f"pictures: {work_dir / 'pictures'}    figures: {work_dir / 'report.json'}")
    return report


def _keep_thresholds(report: RunReport, detector: Path, classifier: Path) -> None:
    """Put what was chosen on train beside each checkpoint, where `synthmed detect` looks for it."""
    from synthmed.metrics.thresholds import write_thresholds
    from synthmed.nets.model_facts import THRESHOLDS_FILE

    figures = {entry.name: entry.detector for entry in report.classes if entry.detector is not None}
    if len(figures) == len(report.classes):
        chosen = {
            "iou": {name: figure.threshold_iou for name, figure in figures.items()},
            "center": {name: figure.threshold_center for name, figure in figures.items()},
        }
        write_thresholds(chosen, detector.with_name(THRESHOLDS_FILE))
    heights = {entry.name: entry.cam.peak_threshold for entry in report.classes if entry.cam is not None}
    if len(heights) == len(report.classes) and all(map(math.isfinite, heights.values())):
        write_thresholds({"peak": heights}, classifier.with_name(THRESHOLDS_FILE))


def _to_fiftyone(data: DemoInput, bank: PatchBank, work_dir: Path, findings: Sequence[Findings]) -> None:
    from synthmed.demo.in_fiftyone import make_dataset

    name = make_dataset(data, bank, work_dir, findings, _SCENES)
    console.print(f"FiftyOne dataset: {name}    open it: make app")


def print_report(report: RunReport) -> None:
    """Print the tables of the demo."""
    boxes = "annotated boxes" if report.boxes_annotated else "squares of the class's size"
    named = f"{report.run}: {report.images} held-out real images"
    for title, columns in ((f"{named}; F1@0.5 against {boxes}", _BOXES), ("Activation maps", _MAPS)):
        header, *rows = report.texts(columns)
        print_table(title, header, rows)
    if report.resamples and report.units > 1:
        console.print(f"Brackets: {report.level:.0%} intervals by resampling the images (docs/metrics.md).")
