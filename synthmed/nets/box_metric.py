"""`BoxMetric`: COCO's mean average precision, on datasets whose boxes are real."""

from __future__ import annotations

from typing import Any

from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS


@METRICS.register_module()
class BoxMetric(CocoMetric):
    """MMDetection's `CocoMetric`, left out where the dataset's boxes stand in for clicked points.

    Average precision over IoU 0.5 to 0.95 of squares that merely have the size of their class would look like
    a measurement and be none. The truth comes from the dataset; it needs no ``ann_file``.
    """

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """What `CocoMetric` computes; 0 where nothing was found, and nothing where no boxes are known."""
        meta = self.dataset_meta or {}
        if not meta.get("has_boxes", True):
            return {}
        metrics: dict[str, float] = super().compute_metrics(results)
        return metrics or {f"{name}_mAP": 0.0 for name in self.metrics}
