"""Stored maps judged against truth, beside maps that know no image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from synthmed.app.read_points import DatasetPoints
from synthmed.app.steps import Progress, Steps
from synthmed.app.stored_results import iter_maps
from synthmed.metrics import CamEvaluator, cam_figures, center_gaussian, uniform_map

Floats = NDArray[np.float64]

OWN = "own"
BASELINES: dict[str, Callable[[tuple[int, ...]], Floats]] = {
    "center_gaussian": center_gaussian,
    "uniform": uniform_map,
}


def judge_maps(
    dataset: fo.Dataset,
    fields: Mapping[str, str],
    train: DatasetPoints,
    held_out: DatasetPoints,
    sizes_px: Floats,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The figures of maps and of the trivial ones beside them.

    Args:
        dataset: the dataset.
        fields: class name -> heatmap field.
        train: truth of the train split, which the thresholds of peaks are from.
        held_out: truth of the split judged.
        sizes_px: ``(C,)`` the size of each class.
        progress: called with images judged and images in all.

    Returns:
        ``cam`` and ``baseline_cams`` as `synthmed.metrics.build_report` takes them; empty where an image of
        the split or a class has no map.
    """
    steps = Steps(progress, len(train.sample_ids) + len(held_out.sample_ids))
    tuning = _evaluators(train, sizes_px, peaks_only=True)
    judging = _evaluators(held_out, sizes_px, peaks_only=False)
    for evaluators, part in ((tuning, train), (judging, held_out)):
        truth = part.points.with_sizes(sizes_px)
        for index, cams in _all_classes(dataset, fields, part):
            for name, evaluator in evaluators.items():
                evaluator.add_image(_maps(name, cams), truth, index)
            steps.tick()
    figures = {
        name: cam_figures(evaluator, tuning[name].best_peak_thresholds())
        for name, evaluator in judging.items()
    }
    return {"cam": figures.pop(OWN), "baseline_cams": figures}


def _maps(name: str, cams: NDArray) -> NDArray:
    """The maps themselves, or as many of a baseline."""
    return cams if name == OWN else np.broadcast_to(BASELINES[name](cams.shape[1:]), cams.shape)


def _evaluators(part: DatasetPoints, sizes_px: Floats, *, peaks_only: bool) -> dict[str, CamEvaluator]:
    """One evaluator for the maps themselves, and one for each baseline."""
    names = [OWN, *BASELINES]
    return {name: CamEvaluator(part.points.classes, sizes_px, peaks_only=peaks_only) for name in names}


def _all_classes(
    dataset: fo.Dataset, fields: Mapping[str, str], part: DatasetPoints
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The maps of each image, 0 for a class that the classifier does not know."""
    known = [part.points.classes.index(name) for name in fields if name in part.points.classes]
    for index, maps in iter_maps(dataset, fields, part):
        cams = np.zeros((len(part.points.classes), *maps.shape[1:]), dtype=maps.dtype)
        cams[known] = maps[[number for number, name in enumerate(fields) if name in part.points.classes]]
        yield index, cams
