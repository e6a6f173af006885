"""`CamMetric`: how well class activation maps sit on the objects, inside MMEngine's evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmdet.registry import METRICS
from numpy.typing import NDArray

from synthmed.errors import ModelError
from synthmed.metrics import CamEvaluator, multilabel_average_precisions, presence
from synthmed.metrics.cam import FIXED_PEAK_THRESHOLD
from synthmed.metrics.curves import mean_over_classes
from synthmed.metrics.thresholds import thresholds_of, write_thresholds
from synthmed.nets.cam_pooling import align_cam
from synthmed.nets.threshold_metric import ThresholdMetric
from synthmed.nets.truth_arrays import TruthRecord, point_set, truth_record


# Not a NamedTuple: MMEngine's collection of results turns those into plain tuples.
@dataclass(frozen=True, eq=False)
class _ImageResult:
    """What is kept of one image until all ranks are done; the maps at the resolution of the network."""

    truth: TruthRecord
    scores: NDArray[np.float64]
    cam: NDArray[np.float32]
    stride: int
    input_shape_px: tuple[int, int]


@METRICS.register_module()
class CamMetric(ThresholdMetric):
    """Pointing game, energy, peak F1 and MaxBoxAcc of the maps, and the classifier's own average precision.

    Reported per class as ``<class>_pointing``, ``<class>_energy_gain``, ``<class>_peak_f1`` (peaks above 0,
    where the map speaks for the class), ``<class>_peak_f1_tuned`` (above thresholds that were chosen on
    train, where they are given) and ``<class>_ap`` (images with and without the class); each also as the
    mean over classes; and, over all maps, ``max_box_acc_v2`` and ``px_ap``. What no image can tell is left
    out.

    Its arguments are those of `ThresholdMetric`; the rule of its thresholds is ``peak``.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep truth, scores and maps of a batch."""
        for sample in data_samples:
            result = _ImageResult(
                truth=truth_record(sample),
                scores=sample["pred_scores"].detach().cpu().double().numpy(),
                cam=sample["pred_cam"].detach().cpu().float().numpy(),
                stride=int(sample["cam_stride"]),
                input_shape_px=tuple(sample["img_shape"][:2]),
            )
            self.results.append(result)

    def compute_metrics(self, results: list[_ImageResult]) -> dict[str, float]:
        """Lay each map over its image and judge it.

        Raises:
            ModelError: class sizes are missing, or thresholds lack a class.
        """
        meta = self.meta
        classes, sizes = meta["classes"], meta["class_sizes_px"]
        if sizes is None:
            raise ModelError(
                "maps are judged with the size of each class", remedy="name the bank of the dataset"
            )
        truth = point_set([result.truth for result in results], classes)
        evaluator = CamEvaluator(classes, sizes)
        for index, result in enumerate(results):
            evaluator.add_image(_image_cam(result), truth, index)
        if self.save_thresholds:
            best = dict(zip(classes, evaluator.best_peak_thresholds().tolist(), strict=True))
            write_thresholds({"peak": best}, self.save_thresholds)

        fixed = evaluator.report(np.full(len(classes), FIXED_PEAK_THRESHOLD))
        columns: dict[str, Any] = {
            "pointing": fixed.pointing_game,
            "energy_gain": fixed.energy_gain,
            "peak_f1": None if fixed.peaks is None else fixed.peaks.f1,
            "ap": multilabel_average_precisions([result.scores for result in results], presence(truth)),
        }
        if "peak" in self.thresholds:
            tuned = evaluator.report(thresholds_of(self.thresholds["peak"], classes))
            columns["peak_f1_tuned"] = None if tuned.peaks is None else tuned.peaks.f1
        metrics = {"max_box_acc_v2": fixed.pooled_max_box_acc_v2, "px_ap": fixed.pooled_px_ap}
        for name, values in columns.items():
            metrics |= {f"{label}_{name}": float(value) for label, value in zip(classes, values, strict=True)}
            metrics[f"mean_{name}"] = mean_over_classes(values)
        return {name: value for name, value in metrics.items() if value == value}


def _image_cam(result: _ImageResult) -> NDArray[np.float32]:
    """``(C, H, W)``, the maps of one image in its original pixels."""
    cam = torch.from_numpy(result.cam)
    aligned = align_cam(cam, result.stride, result.input_shape_px, result.truth.shape_px)
    return np.asarray(aligned.numpy())
