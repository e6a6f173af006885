"""The demo's images, scenes, predictions and activation maps as a FiftyOne dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.app.evaluate import evaluate
from synthmed.app.import_points import import_points
from synthmed.app.owned import fresh_dataset
from synthmed.app.results import ClassifierOutput, DetectorOutput
from synthmed.app.synthesize import synthesize
from synthmed.app.targets import Targets, find_targets
from synthmed.app.write_results import ResultOptions, write_results
from synthmed.bank import PatchBank
from synthmed.demo.findings import Findings
from synthmed.demo.inputs import DemoInput
from synthmed.metrics import Detections
from synthmed.terminal import progress_bar


def make_dataset(
    data: DemoInput, bank: PatchBank, work_dir: Path, findings: Sequence[Findings], scenes: int
) -> str:
    """Make the dataset anew and return its name.

    Args:
        data: the demo's input.
        bank: its bank.
        work_dir: its folder.
        findings: what the models said about train and val.
        scenes: how many scenes are rendered into it.
    """
    with fresh_dataset(f"synthmed-demo-{data.name}", work_dir) as dataset:
        images = [image for found in findings for image in found.truth.images]
        points = data.points.of_images(np.isin(np.array(data.points.images, dtype=str), images))
        with progress_bar("FiftyOne: images") as progress:
            truths = [found.annotated for found in findings]
            import_points(dataset, points, data.images_dir, truths=truths, progress=progress)
        with progress_bar("FiftyOne: scenes") as progress:
            synthesize(dataset, work_dir / "bank", count=scenes, progress=progress)
        targets = find_targets(dataset)
        sizes = dict(zip(bank.classes, bank.sizes_px.tolist(), strict=True))
        with progress_bar("FiftyOne: boxes and maps") as progress:
            run = write_results(
                targets,
                DetectorOutput(bank.classes, _boxes(targets, data, findings)),
                ClassifierOutput(bank.classes, _cams(targets, data, findings)),
                options=ResultOptions(min_distance_px={label: size / 2 for label, size in sizes.items()}),
                progress=progress,
            )
        with progress_bar("FiftyOne: evaluation") as progress:
            evaluate(dataset, run.key, class_sizes_px=sizes, progress=progress)
    return str(dataset.name)


def _order(
    targets: Targets, data: DemoInput, findings: Sequence[Findings]
) -> Iterator[tuple[int, Findings, int]]:
    """Each target's number, with where its findings stand."""
    where = {
        (data.images_dir / image).absolute(): (found, index)
        for found in findings
        for index, image in enumerate(found.truth.images)
    }
    for number, path in enumerate(targets.paths):
        found, index = where[path]
        yield number, found, index


def _boxes(
    targets: Targets, data: DemoInput, findings: Sequence[Findings]
) -> Iterator[tuple[int, Detections]]:
    for number, found, index in _order(targets, data, findings):
        yield number, found.boxes.of_image(index)


def _cams(targets: Targets, data: DemoInput, findings: Sequence[Findings]) -> Iterator[tuple[int, Any, Any]]:
    for number, found, index in _order(targets, data, findings):
        yield number, found.scores[index], found.cams[index]
