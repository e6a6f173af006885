"""Trained networks applied to the images of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import fiftyone as fo

from synthmed.app.results import ClassifierOutput, DetectorOutput
from synthmed.app.runs import Run
from synthmed.app.skipped import skipped_rows
from synthmed.app.steps import Progress
from synthmed.app.targets import find_targets
from synthmed.app.write_results import ResultOptions, write_results
from synthmed.errors import ModelError, ProblemLog


class Model(NamedTuple):
    """A trained network.

    Attributes:
        config: its config file.
        checkpoint: its weights.
    """

    config: Path
    checkpoint: Path


def apply_models(
    samples: fo.Dataset | fo.DatasetView,
    detector: Model | None = None,
    classifier: Model | None = None,
    *,
    device: str = "auto",
    synthetic: bool = False,
    options: ResultOptions | None = None,
    key: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a detector, a classifier or both, and store what they say.

    Args:
        samples: a dataset or a view.
        detector: a detector.
        classifier: a multi-label classifier with class activation maps.
        device: ``"auto"``, ``"cpu"`` or ``"cuda:0"``.
        synthetic: whether they also run on synthetic samples.
        options: how the results are stored.
        key: the name of the run.
        log: takes up the images that are skipped.
        progress: called with steps done and steps in all.

    Returns:
        The run.

    Raises:
        DatasetError: there is no image, or a field or the key is taken.
        ModelError: a network cannot be used.
    """
    from synthmed.nets.inference import Predictor

    for model in (detector, classifier):
        for path in model or ():
            if not path.is_file():
                raise ModelError("there is no such file", file=path, remedy="check the path")
    options = options or ResultOptions()
    log = ProblemLog() if log is None else log
    targets = find_targets(samples, synthetic=synthetic, log=log)
    boxes = maps = None
    if detector is not None:
        finder = Predictor(*detector, device=device, score_threshold=options.min_score)
        boxes = DetectorOutput(finder.classes, finder.detections(targets.paths))
    if classifier is not None:
        seer = Predictor(*classifier, device=device)
        maps = ClassifierOutput(seer.classes, seer.cams(targets.paths))
    noted = {
        name: [str(path) for path in model]
        for name, model in (("detector", detector), ("classifier", classifier))
        if model is not None
    }
    run = write_results(
        targets, boxes, maps, options=options, key=key, params={**noted, "device": device}, progress=progress
    )
    run.summary |= skipped_rows(log)
    run.save()
    return run
