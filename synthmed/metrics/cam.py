"""Localization scores of class activation maps, gathered image by image.

Only (image, present class) pairs are judged, except by peak F1, where every peak on a map of an absent
class is a false positive, and only a class that no image has gets no F1. Objects at the border are ignore
regions in every score. The definitions stand with the functions in `cam_pixels`, `cam_boxes` and `peaks`;
maps are scaled to 0..1 one by one where the measure asks for thresholds shared by all maps (PxAP, MaxBoxAcc),
and taken as they are everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.bootstrap import Statistic, resampling_units
from synthmed.metrics.cam_pairs import Pair, judge_map, pair_figures
from synthmed.metrics.checks import check_boxes, check_class_sizes, check_maps
from synthmed.metrics.detection import (
    FALSE_POSITIVE,
    IGNORED,
    TRUE_POSITIVE,
    DetectionScores,
    MatchedPredictions,
    best_thresholds,
    detection_scores,
)
from synthmed.metrics.matching import match_centers
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.statistics import rates
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FIXED_PEAK_THRESHOLD = 0.0
"""The threshold of peaks that needs no choice: maps are in units of the logit; above 0 they say yes."""


@dataclass(frozen=True, eq=False)
class CamScores:
    """Localization scores per class; NaN for a class that no judged image has.

    MaxBoxAcc chooses its thresholds over the whole set, as its definition has it, and the scores per class
    are those at these thresholds; the pooled scores are the ones that papers report.

    Attributes:
        classes: the class names.
        pairs: ``(C,)`` int, the images that have an object of the class away from the border.
        pointing_game: ``(C,)`` float, share of maps whose maximum lies in a truth box.
        energy_share: ``(C,)`` float, mean share of the energy inside truth boxes.
        energy_gain: ``(C,)`` float, mean of that share over the area share of the boxes; uniform map: 1.
        px_ap: ``(C,)`` float, average precision of the pixels of the class.
        max_box_acc: ``(C,)`` float.
        max_box_acc_v2: ``(C,)`` float.
        pooled_px_ap: over the pixels of all classes.
        pooled_max_box_acc: over the maps of all classes.
        pooled_max_box_acc_v2: over the maps of all classes.
        peaks: counts and F1 of the peaks; ``None`` where no thresholds were given.
    """

    classes: tuple[str, ...]
    pairs: Ints
    pointing_game: Floats
    energy_share: Floats
    energy_gain: Floats
    px_ap: Floats
    max_box_acc: Floats
    max_box_acc_v2: Floats
    pooled_px_ap: float
    pooled_max_box_acc: float
    pooled_max_box_acc_v2: float
    peaks: DetectionScores | None


class CamEvaluator:
    """Gathers the scores of maps, one image at a time; it keeps counts and peaks, but no map (`cam_pairs`).

    Args:
        classes: the class names.
        class_sizes_px: ``(C,)`` float, the patch size of each class. Half of it is the distance within which
            a peak matches a centre, and the least distance between two peaks.
        peaks_only: leave out everything but peaks, as the train split needs no more.

    Examples:
        >>> evaluator = CamEvaluator(["cell"], [4.0])
        >>> cam = np.zeros((1, 8, 8))
        >>> cam[0, 2, 2] = 1.0
        >>> evaluator.add(cam, [[0, 0, 4, 4]], [[2.0, 2.0]], [0], [False])
        >>> scores = evaluator.report(peak_thresholds=[0.5])
        >>> scores.pointing_game.tolist(), scores.energy_gain.tolist(), scores.peaks.f1.tolist()
        ([1.0], [4.0], [1.0])
    """

    def __init__(
        self, classes: Sequence[str], class_sizes_px: ArrayLike, *, peaks_only: bool = False
    ) -> None:
        self.classes = tuple(classes)
        self.class_sizes_px = check_class_sizes(class_sizes_px, self.classes)
        self.peaks_only = peaks_only
        self._pairs: list[Pair] = []
        self._peaks: list[tuple[Ints, Floats, Ints, Ints, Ints]] = []
        self._truths: list[Ints] = []
        self._groups: list[str] = []
        self._seen = 0

    def add(
        self,
        cams: ArrayLike,
        boxes_px: ArrayLike,
        centers_px: ArrayLike,
        labels: ArrayLike,
        edge: ArrayLike,
        group: str = "",
    ) -> None:
        """Judge the maps of one image.

        Args:
            cams: ``(C, H, W)`` float, aligned with the image.
            boxes_px: ``(T, 4)`` float, its truths.
            centers_px: ``(T, 2)`` float.
            labels: ``(T,)`` int.
            edge: ``(T,)`` bool, the truths that are ignore regions.
            group: the slide or patient of the image, which it is resampled with.

        Raises:
            SynthmedError: where the maps hold NaN or their number is not that of the classes, or a truth
                has no box.
        """
        maps = np.asarray(cams)
        labels, edge = np.asarray(labels, dtype=np.int64), np.asarray(edge, dtype=bool)
        centers = np.asarray(centers_px, dtype=float).reshape(-1, 2)
        boxes = np.asarray(boxes_px, dtype=float).reshape(-1, 4)
        check_maps(maps, self.classes)
        check_boxes(boxes)
        boxes = np.clip(boxes, 0, np.tile(maps.shape[1:], 2))
        image = len(self._truths)
        for label, cam in enumerate(maps):
            own = np.flatnonzero(labels == label)
            self._add_peaks(label, cam, boxes[own], centers[own], own, edge[own])
            if not self.peaks_only and not edge[own].all():
                truths, ignored = boxes[own][~edge[own]], boxes[own][edge[own]]
                self._pairs.append(judge_map(image, label, cam, truths, ignored))
        self._truths.append(np.bincount(labels[~edge], minlength=len(self.classes)))
        self._groups.append(group)
        self._seen += len(labels)

    def add_image(self, cams: ArrayLike, truth: PointSet, index: int) -> None:
        """Judge the maps of image ``index`` of ``truth``; see `add`."""
        own = truth.image_index == index
        of_image = (truth.boxes_px()[own], truth.centers_px[own], truth.labels[own], truth.edge[own])
        self.add(cams, *of_image, truth.groups[index])

    @property
    def units(self) -> Ints:
        """``(I,)`` int, the unit that each image is resampled with (`synthmed.metrics.bootstrap`)."""
        return resampling_units(self._groups)

    def matched_peaks(self) -> MatchedPredictions:
        """Every peak with its verdict; ``truth_index`` counts truths in the order of adding."""
        none = (np.zeros(0, dtype=np.int64), np.zeros(0), *np.zeros((3, 0), dtype=np.int64))
        columns = (np.concatenate(column) for column in zip(none, *self._peaks, strict=True))
        images, values, labels, status, truth_index = columns
        truths = np.array(self._truths, dtype=np.int64).reshape(-1, len(self.classes))
        return MatchedPredictions(self.classes, images, values, labels, status, truth_index, truths)

    def best_peak_thresholds(self) -> Floats:
        """``(C,)`` float, the value of each class's map above which its peaks have the highest F1.

        To be called on the train split. A class of which no peak finds anything gets `FIXED_PEAK_THRESHOLD`.
        """
        return best_thresholds(self.matched_peaks(), fallback=FIXED_PEAK_THRESHOLD)

    def report(self, peak_thresholds: ArrayLike | None = None) -> CamScores:
        """The scores of all images added.

        Args:
            peak_thresholds: ``(C,)`` float from `best_peak_thresholds` of the train split.
        """
        figures = self.statistic()(np.ones((1, len(self._truths))))
        of_class = {name: values[0, :-1] for name, values in figures.items()}
        pooled = {name: float(values[0, -1]) for name, values in figures.items()}
        return CamScores(
            classes=self.classes,
            pairs=of_class["pairs"].astype(np.int64),
            pointing_game=of_class["pointing_game"],
            energy_share=of_class["energy_share"],
            energy_gain=of_class["energy_gain"],
            px_ap=of_class["px_ap"],
            max_box_acc=of_class["max_box_acc"],
            max_box_acc_v2=of_class["max_box_acc_v2"],
            pooled_px_ap=pooled["px_ap"],
            pooled_max_box_acc=pooled["max_box_acc"],
            pooled_max_box_acc_v2=pooled["max_box_acc_v2"],
            peaks=None
            if peak_thresholds is None
            else detection_scores(self.matched_peaks(), peak_thresholds),
        )

    def statistic(self, peak_thresholds: ArrayLike | None = None) -> Statistic:
        """The figures of `synthmed.metrics.report.CamFigures` from weights of the images.

        Args:
            peak_thresholds: ``(C,)`` float from `best_peak_thresholds` of the train split.
        """
        matched = self.matched_peaks()

        def figures(weights: Floats) -> dict[str, Floats]:
            found = pair_figures(self._pairs, len(self.classes), weights)
            if peak_thresholds is not None:
                found |= rates(detection_scores(matched, peak_thresholds, weights), "peak_", "")
            return found

        return figures

    def _add_peaks(
        self, label: int, cam: NDArray, boxes_px: Floats, centers_px: Floats, index: Ints, edge: Bools
    ) -> None:
        reach = float(self.class_sizes_px[label]) / 2
        peaks_px, values = find_peaks(cam, reach)
        match = match_centers(
            peaks_px, values, centers_px, edge, max_distance_px=reach, truth_boxes_px=boxes_px
        )
        hit = match.truth_index >= 0
        status = np.where(hit, TRUE_POSITIVE, np.where(match.ignored, IGNORED, FALSE_POSITIVE))
        truth_index = np.full(len(hit), -1, dtype=np.int64)
        truth_index[hit] = index[match.truth_index[hit]] + self._seen
        image = np.full(len(hit), len(self._truths))
        self._peaks.append((image, values, np.full(len(hit), label), status, truth_index))
