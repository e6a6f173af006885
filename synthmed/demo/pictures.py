"""The pictures of the demo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from synthmed import plots
from synthmed.bank import PatchBank
from synthmed.demo.findings import Findings
from synthmed.demo.inputs import DemoInput
from synthmed.metrics import RunReport
from synthmed.metrics.raw_maps import map_levels, map_range
from synthmed.points import PointSet, evenly, read_image, resolve_inside
from synthmed.scenes import Recipe, scene_scale

_BESIDE = 4
_SHOWN = 6


def draw_synthesis(data: DemoInput, bank: PatchBank, work_dir: Path) -> None:
    """The contact sheet of the bank, and real images beside synthetic scenes."""
    folder = work_dir / "pictures"
    plots.save_figure(plots.bank_sheet(bank), folder / "bank.png")
    names = evenly(bank.images, _BESIDE)
    real = [read_image(resolve_inside(data.images_dir, name)) for name in names]
    scenes = [np.asarray(Image.open(path)) for path in sorted((work_dir / "scenes" / "images").iterdir())]
    figure = plots.real_beside_synthetic(real, scenes[:_BESIDE], scale=scene_scale(Recipe(), bank))
    plots.save_figure(figure, folder / "real_beside_synthetic.png")


def draw_findings(data: DemoInput, val: Findings, report: RunReport, work_dir: Path) -> None:
    """Truth beside predictions beside activation maps, for the images that show most."""
    rule = "threshold_iou" if report.boxes_annotated else "threshold_center"
    thresholds = [getattr(entry.detector, rule) if entry.detector else np.inf for entry in report.classes]
    maps = [entry.cam for entry in report.classes]
    cam_range = map_range([map_levels(cams) for cams in val.cams])
    for rank, index in enumerate(_telling_images(val.annotated), start=1):
        name = val.truth.images[index]
        figure = plots.truth_predictions_cam(
            read_image(resolve_inside(data.images_dir, name)),
            val.truth,
            val.boxes,
            val.cams[index],
            index=index,
            cam_range=cam_range,
            class_sizes_px=report.class_sizes_px,
            thresholds=thresholds,
            peak_thresholds=[m.peak_threshold if m else np.inf for m in maps],
            boxes_annotated=report.boxes_annotated,
            title=name,
        )
        plots.save_figure(figure, work_dir / "pictures" / f"found_{rank}.png")


def _telling_images(truth: PointSet) -> list[int]:
    """Images of many classes first, then of many objects, but not only the most crowded ones."""
    counts = truth.counts()
    order = np.lexsort((np.arange(len(counts)), -counts.sum(axis=1), -(counts > 0).sum(axis=1)))
    return [int(i) for i in order[: 2 * _SHOWN : 2]]
