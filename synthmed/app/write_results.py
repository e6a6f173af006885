"""Predictions and class activation maps stand on the samples of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from synthmed.app.appearance import color_heatmaps, color_labels, show_fields
from synthmed.app.cams import (
    RAW_FOLDER,
    SHOWN_FOLDER,
    ImageCams,
    Scale,
    Spool,
    heat_in_boxes,
    peaks_of,
    write_maps,
)
from synthmed.app.dependencies import depend_on, depend_on_data
from synthmed.app.names import CAM, PREDICTIONS
from synthmed.app.patch_bank import known_sizes
from synthmed.app.result_labels import ResultFields, box_labels, cam_labels, compare
from synthmed.app.results import ClassifierOutput, DetectorOutput, collect_boxes
from synthmed.app.runs import Run, recorded
from synthmed.app.steps import Progress, Steps
from synthmed.app.targets import Targets
from synthmed.errors import DatasetError
from synthmed.metrics.detection import FIXED_THRESHOLD
from synthmed.metrics.predictions import NOTHING_FOUND, Detections

BATCH = 256


@dataclass(frozen=True)
class ResultOptions:
    """How results are stored.

    Attributes:
        predictions_field: the field of the detector's boxes.
        cam_prefix: what the fields of maps, peaks and scores begin with.
        min_score: boxes that score less are not stored.
        min_heat: peaks lower than this share of the scale are not stored.
        min_distance_px: the least distance of two peaks, by class; by default half its size in the banks that
            were built from the dataset, else none.
        scale: the scale of the maps; by default the one on which all maps of the run just fit.
        judged_score: boxes from this score on count in the disagreement of the two networks.
        judged_heat: the heat from which on a place counts in it.
    """

    predictions_field: str = PREDICTIONS
    cam_prefix: str = CAM
    min_score: float = 0.05
    min_heat: float = 0.1
    min_distance_px: Mapping[str, float] = field(default_factory=dict)
    scale: Scale | None = None
    judged_score: float = FIXED_THRESHOLD
    judged_heat: float = 0.3


def write_results(
    targets: Targets,
    detector: DetectorOutput | None = None,
    classifier: ClassifierOutput | None = None,
    *,
    options: ResultOptions | None = None,
    key: str | None = None,
    params: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Store what a detector, a classifier or both say, as one run.

    The detector's boxes become detections with confidence. Of the classifier there is a heatmap field for
    each class, on the one scale that `cams` describes; the peaks of the maps as keypoints whose confidence is
    their height on that scale; and the scores as classifications. Where both are given, each box has the
    highest heat in it as ``heat``, each peak says in ``boxed`` whether it lies in a box of its class, and
    each sample has their ``disagreement``.

    Args:
        targets: the images that the results are about.
        detector: its boxes.
        classifier: its scores and maps.
        options: how they are stored.
        key: the name of the run.
        params: what to note in the run beside the options.
        progress: called with steps done and steps in all; an image counts once for each network and once for
            being stored.

    Returns:
        The run; its summary has the scale.

    Raises:
        DatasetError: there is nothing to store, or a field or the key is taken.
        ModelError: maps do not fit their images.
    """
    options = options or ResultOptions()
    if detector is None and classifier is None:
        raise DatasetError("there are no results to store", remedy="name a detector, a classifier or both")
    fields = ResultFields.of(
        detector.classes if detector else (),
        classifier.classes if classifier else (),
        options.predictions_field,
        options.cam_prefix,
    )
    banks: list[str] = []
    if classifier is not None and not options.min_distance_px:
        known = known_sizes(targets.dataset)
        used = {name: known[name] for name in classifier.classes if name in known}
        options = replace(options, min_distance_px={name: size / 2 for name, (size, _) in used.items()})
        banks = [key for _, key in used.values()]
    noted = {**asdict(options), **(params or {})}
    with recorded(targets.dataset, "apply_models", key=key, params=noted) as run:
        depend_on(run, *banks)
        depend_on_data(run, targets.sample_ids)
        run.create_fields(*fields.names())
        passes = 1 + (detector is not None) + (classifier is not None)
        steps = Steps(progress, passes * len(targets))
        boxes: list[Detections] | None = None
        if detector is not None:
            counted = replace(detector, images=steps.over(detector.images))
            boxes = collect_boxes(counted, targets.shapes_px, options.min_score)
        if classifier is not None:
            classifier = replace(classifier, images=steps.over(classifier.images))
        batches = _Batches(targets)
        for index, cams in _all_cams(run, targets, classifier, options, fields, boxes):
            batches.add(index, _labels(index, cams, targets, options, fields, boxes))
            steps.tick()
        batches.flush()
        _show(run, fields)
        run.summary |= {
            "images": batches.images,
            "box_classes": fields.box_classes,
            "map_fields": dict(fields.maps),
        }
        run.summary["boxes"] = sum(len(image.scores) for image in boxes or [])
    return run


def _all_cams(
    run: Run,
    targets: Targets,
    classifier: ClassifierOutput | None,
    options: ResultOptions,
    fields: ResultFields,
    boxes: list[Detections] | None,
) -> Iterator[tuple[int, ImageCams | None]]:
    """Each image with its maps, written and read off; ``None`` for each without a classifier."""
    if classifier is None:
        yield from ((index, None) for index in range(len(targets)))
        return
    folder = run.make_folder()
    spool = Spool(folder / RAW_FOLDER, targets.sample_ids)
    spool.fill(classifier, targets.shapes_px)
    scale = options.scale or spool.scale()
    run.summary["cam_scale"] = {
        **scale._asdict(),
        "meaning": "grey 0 is this raw value or less, grey 255 this raw value or more, linear between;"
        " raw values stand in the folder raw",
    }
    classes = fields.map_classes
    for index, scores, raw in spool.maps():
        heat = scale.heat(raw)
        peaks_px, heights, labels = peaks_of(classes, heat, options.min_heat, options.min_distance_px)
        yield (
            index,
            ImageCams(
                scores=scores,
                paths=write_maps(folder / SHOWN_FOLDER, targets.sample_ids[index], classes, scale.grey(raw)),
                peaks_px=peaks_px,
                heat=heights,
                labels=labels,
                box_heat=heat_in_boxes(
                    heat, classes, boxes[index] if boxes else NOTHING_FOUND, fields.box_classes
                ),
            ),
        )


def _labels(
    index: int,
    cams: ImageCams | None,
    targets: Targets,
    options: ResultOptions,
    fields: ResultFields,
    boxes: list[Detections] | None,
) -> dict[str, Any]:
    """Every label of one image."""
    shape_px = targets.shapes_px[index]
    values: dict[str, Any] = {}
    peak_attributes = {}
    if boxes is not None:
        values |= box_labels(fields, boxes[index], cams, shape_px)
    if boxes is not None and cams is not None:
        peak_attributes["boxed"], values[fields.disagreement] = compare(
            fields, boxes[index], cams, min_score=options.judged_score, min_heat=options.judged_heat
        )
    if cams is not None:
        values |= cam_labels(fields, cams, shape_px, peak_attributes)
    return values


class _Batches:
    """Writes labels a few hundred samples at a time."""

    def __init__(self, targets: Targets) -> None:
        self.targets = targets
        self.images = 0
        self._pending: dict[str, dict[str, Any]] = {}

    def add(self, index: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._pending.setdefault(name, {})[self.targets.sample_ids[index]] = value
        self.images += 1
        if self.images % BATCH == 0:
            self.flush()

    def flush(self) -> None:
        for name, values in self._pending.items():
            self.targets.dataset.set_values(name, values, key_field="id")
        self._pending = {}


def _show(run: Run, fields: ResultFields) -> None:
    """Declare the attributes of labels, so that the App can filter by them, and colour the fields."""
    dataset = run.dataset
    if fields.map_classes:
        # Dots hide small objects, and a score stands on every image, whether its class is there or not.
        quiet = (fields.peaks, fields.scores, *fields.maps.values())
        show_fields(dataset, [fields.predictions] if fields.box_classes else [], quiet=quiet)
    if fields.box_classes:
        run.declare_attributes(fields.predictions)
        color_labels(dataset, fields.predictions, fields.box_classes)
    if fields.map_classes:
        run.declare_attributes(fields.peaks)
        color_labels(dataset, fields.peaks, fields.map_classes)
        color_labels(dataset, fields.scores, fields.map_classes)
        color_heatmaps(dataset, list(fields.maps.values()))
