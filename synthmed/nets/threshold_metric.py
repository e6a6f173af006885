"""What the metrics with thresholds share: how they are given, where they are written, the class sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric

from synthmed.metrics.thresholds import read_thresholds


class ThresholdMetric(BaseMetric):
    """A metric per class, at thresholds that were chosen on train.

    Args:
        thresholds: ``{rule: {class: value}}``, or a JSON file of it, which ``save_thresholds`` writes;
            ``None`` or ``""`` for none.
        save_thresholds: JSON file to write the thresholds to that are best on the images evaluated here.
        class_sizes_px: the side of each class, where it is not that of the dataset's ``metainfo``.
        collect_device: as in `BaseMetric`.
        prefix: as in `BaseMetric`; by default the names begin with ``synthmed/``.
        collect_dir: as in `BaseMetric`.
    """

    default_prefix = "synthmed"

    def __init__(
        self,
        thresholds: Mapping[str, Mapping[str, float]] | str | Path | None = None,
        save_thresholds: str | Path | None = None,
        class_sizes_px: Sequence[float] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.thresholds = read_thresholds(thresholds)
        self.save_thresholds = save_thresholds
        self.class_sizes_px = class_sizes_px

    @property
    def meta(self) -> Mapping[str, Any]:
        """The dataset's ``metainfo``, with the class sizes that were given in its place."""
        meta: Mapping[str, Any] = self.dataset_meta or {}
        sizes = self.class_sizes_px or meta.get("class_sizes_px")
        return {**meta, "class_sizes_px": sizes}
