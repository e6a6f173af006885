"""From image files to files of detections, once for each image, also where the run is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from synthmed import __version__
from synthmed._files import require_free, write_atomic
from synthmed.detect.files import ImageFile
from synthmed.detect.journal import Journal
from synthmed.detect.look import Found, LookOptions, look_at
from synthmed.detect.merge import one_class_each
from synthmed.detect.model import Detector
from synthmed.detect.peaks import PEAK_RULE, UNDECIDED, as_scores
from synthmed.detect.pictures import draw_detections
from synthmed.detect.results import (
    ImageResult,
    Truth,
    centers_csv,
    coco_dataset,
    coco_results,
    counts_csv,
)
from synthmed.errors import DatasetError, Problem, ProblemLog, SynthmedError
from synthmed.metrics.predictions import Detections
from synthmed.metrics.thresholds import thresholds_of

Progress = Callable[[int, int], None]

DEFAULT_SCORE = 0.3
LOWEST_SCORE = 0.001
RULES = ("center", "iou")


@dataclass(frozen=True)
class Outputs:
    """What is written.

    Attributes:
        out: COCO, as JSON.
        centers: CSV of centres.
        pictures: folder of images with their boxes.
        truth: COCO file whose numbers of images and categories ``out`` takes; it becomes a list of results.
        counts: CSV of the objects per image and class.
    """

    out: Path
    centers: Path | None = None
    pictures: Path | None = None
    truth: Path | None = None
    counts: Path | None = None


@dataclass
class Report:
    """What became of the images.

    Attributes:
        results: of those that were looked at, sorted by name.
        tiled: how many of them were looked at in tiles, in this run.
        earlier: how many were done by an earlier run that was killed.
        left_out: how many the truth does not have.
        log: those that could not be read.
    """

    results: list[ImageResult]
    tiled: int = 0
    earlier: int = 0
    left_out: int = 0
    log: ProblemLog = field(default_factory=ProblemLog)

    def in_two_classes(self) -> int:
        """How many boxes lie on one of another class that scores higher."""
        twice = 0
        for result in self.results:
            x, y, width, height = np.array(result.boxes, dtype=float).reshape(-1, 4).T
            boxes = np.stack([y, x, y + height, x + width], axis=1)
            found = Detections(boxes, np.array(result.scores), np.array(result.labels, dtype=np.int64))
            twice += len(result.labels) - len(one_class_each(found).labels)
        return twice


def detect_images(
    detector: Detector,
    images: Sequence[ImageFile],
    outputs: Outputs,
    min_scores: Sequence[float],
    options: LookOptions | None = None,
    *,
    one_class: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Detect objects in images and write what was found.

    Images that cannot be read are skipped and told. A run that was killed goes on when it is started again
    with the same settings.

    Args:
        detector: the network.
        images: what it looks at.
        outputs: what is written; nothing of it may exist.
        min_scores: the least score of each class.
        options: how images are shown to the network.
        one_class: of boxes of different classes on one place, only the one with the highest score is kept.
        progress: called with images done and images in all.

    Returns:
        What was found and what was skipped.

    Raises:
        DatasetError: something is at an output, or an unfinished run of other settings.
        ModelError: the model is no detector, or the truth has other classes.
        PointsError: the truth cannot be read.
    """
    options = options or LookOptions()
    classes = detector.facts.classes
    truth = Truth.read(outputs.truth, classes) if outputs.truth else None
    wanted = [image for image in images if truth is None or image.name in truth.image_ids]
    if not wanted:
        raise DatasetError(
            "the truth has none of the images", file=outputs.truth, value=images[0].name,
            remedy="name the folder that its file names are relative to",
        )  # fmt: skip
    require_free(outputs.out, DatasetError, "something is there already")
    settings = {**_settings(detector, options, outputs, min_scores), "one_class": one_class}
    report = Report([], left_out=len(images) - len(wanted))
    with Journal(outputs.out, settings) as journal:
        # An earlier run that was killed may have written them.
        for table in (outputs.centers, outputs.counts):
            if table is not None and not journal.done:
                require_free(table, DatasetError, "something is there already")
        if outputs.pictures is not None and not journal.done:
            require_free(outputs.pictures, DatasetError, "pictures are there already")
        todo = [image for image in wanted if journal.result_of(image) is None]
        report.earlier = len(wanted) - len(todo)
        counted = _Counter(progress, report.earlier, len(wanted))

        pictures = _picture_names([image.name for image in wanted])

        def failed(index: int, error: SynthmedError) -> None:
            counted.tick()
            if journal.forget(todo[index]) and outputs.pictures is not None:
                (outputs.pictures / pictures[todo[index].name]).unlink(missing_ok=True)
            report.log.add(
                Problem(
                    todo[index].name,
                    None,
                    "" if error.value is None else str(error.value)[:80],
                    error.what,
                    error.remedy or "",
                )
            )

        detector.score_threshold = min(min_scores)
        for index, found in look_at(detector, [image.path for image in todo], options, failed):
            result = image_result(todo[index].name, found, np.asarray(min_scores), one_class=one_class)
            if outputs.pictures is not None:
                draw_detections(
                    todo[index].path, result, classes, outputs.pictures / pictures[todo[index].name]
                )
            journal.add(todo[index], result)
            report.tiled += found.tiles > 1
            counted.tick()
        done = (journal.done.get(image.name) for image in wanted)
        report.results = sorted((one for one in done if one is not None), key=lambda one: one.name)
        _write(report.results, classes, outputs, truth, settings)
        journal.finish()
    return report


def image_result(name: str, found: Found, min_scores: Any, *, one_class: bool = False) -> ImageResult:
    """What is written of one image: what scores enough for its class, and of that one class on each place."""
    kept = found.detections.scores >= min_scores[found.detections.labels]
    detections = Detections(*(column[kept] for column in found.detections))
    if one_class:
        detections = one_class_each(detections)
    row0, column0, row1, column1 = detections.boxes_px.T
    boxes = np.stack([column0, row0, column1 - column0, row1 - row0], axis=1).round(2)
    return ImageResult(
        name,
        found.shape_px,
        boxes.tolist(),
        # A classifier's peaks are as near to 1 as 1e-8.
        detections.scores.round(9).tolist(),
        detections.labels.tolist(),
    )


def least_scores(
    classes: Sequence[str],
    thresholds: Mapping[str, Mapping[str, float]],
    score: float | None,
    everything: bool,
    *,
    peaks: bool = False,
) -> tuple[list[float], str]:
    """The least score of each class, and where it comes from.

    Args:
        classes: the class names.
        thresholds: from train, by rule; those for centres go before those for boxes.
        score: what the user asked for.
        everything: whether the results are for an evaluation, which needs low scores too.
        peaks: whether a score is that of a peak of a map, for which other thresholds were chosen.

    Raises:
        ModelError: the thresholds lack a class.

    Examples:
        >>> least_scores(("RBC",), {"iou": {"RBC": 0.4}}, None, False)
        ([0.4], 'from train (iou)')
    """
    if score is not None:
        return [score] * len(classes), "as asked for"
    if everything:
        return [LOWEST_SCORE] * len(classes), "all, for an evaluation"
    thresholds = as_scores(thresholds)
    for rule in (PEAK_RULE,) if peaks else RULES:
        if rule in thresholds:
            return thresholds_of(thresholds[rule], classes).tolist(), f"from train ({rule})"
    return [UNDECIDED if peaks else DEFAULT_SCORE] * len(
        classes
    ), "the default, since none from train are known"


def _picture_names(names: Sequence[str]) -> dict[str, str]:
    """The file of each image's picture: its name with another ending, or one more where two would share it.

    Examples:
        >>> _picture_names(["a/1.tif", "a/2.tif", "a/2.jpg"])
        {'a/1.tif': 'a/1.png', 'a/2.tif': 'a/2.tif.png', 'a/2.jpg': 'a/2.jpg.png'}
    """
    plain = {name: PurePosixPath(name).with_suffix(".png").as_posix() for name in names}
    counts = Counter(plain.values())
    return {name: short if counts[short] == 1 else f"{name}.png" for name, short in plain.items()}


class _Counter:
    def __init__(self, progress: Progress | None, done: int, total: int) -> None:
        self._progress, self._done, self._total = progress, done - 1, total
        self.tick()

    def tick(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _settings(
    detector: Detector, options: LookOptions, outputs: Outputs, min_scores: Sequence[float]
) -> dict[str, Any]:
    """Everything but the images that decides what is written."""
    facts = detector.facts
    return {
        "synthmed": __version__,
        "model_sha256": facts.digest,
        "classes": list(facts.classes),
        "trained_scale": facts.scale,
        "scores": dict(zip(facts.classes, min_scores, strict=True)),
        **{key: value for key, value in asdict(options).items() if key != "batch"},
        "pictures": None if outputs.pictures is None else outputs.pictures.name,
    }


def _write(
    results: Sequence[ImageResult],
    classes: Sequence[str],
    outputs: Outputs,
    truth: Truth | None,
    settings: Mapping[str, Any],
) -> None:
    for path, table in ((outputs.centers, centers_csv), (outputs.counts, counts_csv)):
        if path is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = table(results, classes)
        if not (path.is_file() and path.read_bytes() == rows):
            require_free(path, DatasetError, "something is there already")
            write_atomic(path, rows)
    info = {"description": "detections by synthmed", **settings}
    content = coco_dataset(results, classes, info) if truth is None else coco_results(results, classes, truth)
    write_atomic(outputs.out, content)
