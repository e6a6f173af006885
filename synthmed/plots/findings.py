"""The picture of what the networks found on one image, beside what the expert marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from synthmed._colors import class_color
from synthmed._wording import counted
from synthmed.errors import SynthmedError
from synthmed.metrics.detection import FALSE_POSITIVE, FIXED_THRESHOLD, TRUE_POSITIVE, match_predictions
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.predictions import Predictions
from synthmed.plots.drawing import (
    GAP,
    INK,
    MARGIN,
    QUIET,
    TITLE,
    color_bar,
    draw_boxes,
    draw_circles,
    draw_points,
    heated,
    new_figure,
    panel,
    show_image,
    write,
)
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_MAPS_PER_ROW = 4
_MAP_WIDTH = 2.75
_LEAST_WIDTH = 7.5
"""Inches that the legend and the colour bar need beside each other."""


def truth_predictions_cam(
    image: Image,
    truth: PointSet,
    predictions: Predictions,
    cams: ArrayLike,
    *,
    index: int,
    cam_range: tuple[float, float],
    class_sizes_px: ArrayLike,
    thresholds: ArrayLike = FIXED_THRESHOLD,
    peak_thresholds: ArrayLike = 0.0,
    boxes_annotated: bool = True,
    title: str = "",
) -> Figure:
    """What the expert marked, what the detector found, and where each class's activation map lies.

    Right and wrong detections are told apart by F1's own matching. A class has a map where the expert marked
    it in the image or the detector found it there; of the others a line says how many they are. Maps lie over
    the image in grey, on the scale given, so that pictures of one set can be compared; where a map is no
    higher than the low end of the scale, the image is bare.

    Args:
        image: ``(H, W, 3)``.
        truth: objects, among them those of the image.
        predictions: on the images of ``truth``.
        cams: ``(C, H, W)`` float, the maps of this image.
        index: the image in ``truth``.
        cam_range: lowest and highest map value of the colour scale; the same for a whole set.
        class_sizes_px: ``(C,)`` float.
        thresholds: ``(C,)`` float or one number; detections that score at least this much are shown.
        peak_thresholds: ``(C,)`` float or one number; peaks at least this high are shown.
        boxes_annotated: whether the boxes of ``truth`` are the expert's; centres are shown and matched
            otherwise.
        title: stands above the panels.

    Returns:
        A figure with a panel for the expert, one for the detector and one for each class shown.
    """
    sizes = np.asarray(class_sizes_px, dtype=float)
    maps = np.asarray(cams, dtype=float)
    _check_maps(maps, image, truth.classes, cam_range)
    own = truth.of_images(np.arange(len(truth.images)) == index)
    found = _shown(predictions, index, np.broadcast_to(thresholds, len(sizes)))
    rule = "iou" if boxes_annotated else "center"
    status = match_predictions(found, own, rule=rule, class_sizes_px=sizes).status  # type: ignore[arg-type]
    right, wrong, border = (
        int(n.sum()) for n in (status == TRUE_POSITIVE, status == FALSE_POSITIVE, own.edge)
    )
    objects = len(own) - border
    names = [
        f"Expert: {objects} objects" + (f", {border} more at the border" if border else ""),
        f"Detector: {right} right, {wrong} wrong, {objects - right} missed",
    ]
    shown = np.union1d(own.labels, found.labels).tolist()
    names += [f"CAM: {truth.classes[label]}" for label in shown]
    left_out = len(truth.classes) - len(shown)
    classes = counted(left_out, "class", "classes")
    aside = f"without maps: {classes} neither marked nor found here" if left_out else ""
    figure, panels = _panels(image.shape[:2], names, title, aside)
    for axes in panels[:2]:
        show_image(axes, image)
    if boxes_annotated:
        draw_boxes(panels[0], own.boxes_px(), own.labels, own.edge)
    else:
        for label in shown:
            draw_points(panels[0], own.centers_px[own.labels == label], class_color(label), "o", 7)
    draw_boxes(panels[1], found.boxes_px, found.labels, status == FALSE_POSITIVE)
    for label, axes in zip(shown, panels[2:], strict=True):
        show_image(axes, heated(image, maps[label], cam_range))
        draw_circles(axes, own.centers_px[own.labels == label], sizes[label], class_color(label))
        limit = float(np.broadcast_to(peak_thresholds, len(sizes))[label])
        peaks, _ = find_peaks(maps[label], sizes[label] / 2, limit)
        draw_points(axes, peaks, INK, "D", 7)
    _legend(figure, {truth.classes[label]: class_color(label) for label in shown}, boxes_annotated)
    color_bar(figure, cam_range)
    return figure


def _check_maps(maps: Floats, image: Image, classes: Sequence[str], cam_range: tuple[float, float]) -> None:
    if maps.shape != (len(classes), *image.shape[:2]):
        raise SynthmedError(
            "the maps do not fit the image and the classes",
            value=maps.shape,
            remedy=f"pass maps of shape {(len(classes), *image.shape[:2])}",
        )
    if not cam_range[0] < cam_range[1]:
        raise SynthmedError("the colour scale is empty", value=cam_range, remedy="pass low and high values")


def _shown(predictions: Predictions, index: int, thresholds: Floats) -> Predictions:
    """The predictions on one image that score enough, as if it were the only image."""
    keep = (predictions.image_index == index) & (predictions.scores >= thresholds[predictions.labels])
    return Predictions(
        np.zeros(int(keep.sum()), dtype=np.int64),
        predictions.boxes_px[keep],
        predictions.scores[keep],
        predictions.labels[keep],
    )


def _panels(
    shape_px: tuple[int, ...], names: Sequence[str], title: str, aside: str
) -> tuple[Figure, list[Axes]]:
    """Named panels of one image's shape: one row, or the first two large above rows of four."""
    maps = len(names) - 2
    one_row = maps < _MAPS_PER_ROW
    columns = len(names) if one_row else _MAPS_PER_ROW
    width = columns * (_MAP_WIDTH + GAP) - GAP
    large = _MAP_WIDTH if one_row else (width - GAP) / 2
    ratio = shape_px[0] / shape_px[1]
    head = TITLE if title else 0.0
    below = MARGIN + head + TITLE + large * ratio + GAP
    rows = 0 if one_row else -(-maps // columns)
    foot = 0.55 + (TITLE if aside else 0.0)
    height = below + rows * (TITLE + _MAP_WIDTH * ratio + GAP) + foot + MARGIN
    figure = new_figure(2 * MARGIN + max(width, _LEAST_WIDTH), height)
    if title:
        write(figure, MARGIN, MARGIN - 0.03, title, size=11, fontweight="bold")
    panels = []
    for place, name in enumerate(names):
        if one_row or place < 2:
            left, top, wide = MARGIN + place * (large + GAP), MARGIN + head, large
        else:
            row, column = divmod(place - 2, columns)
            left, wide = MARGIN + column * (_MAP_WIDTH + GAP), _MAP_WIDTH
            top = below + row * (TITLE + _MAP_WIDTH * ratio + GAP)
        write(figure, left, top + 0.04, name)
        panels.append(panel(figure, left, top + TITLE, wide, wide * ratio))
    if aside:
        write(figure, MARGIN, height - MARGIN - foot + 0.05, aside, color=QUIET)
    return figure, panels


def _legend(figure: Figure, colors: Mapping[str, str], boxes_annotated: bool) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor="none", edgecolor=color, linewidth=1.6, label=name) for name, color in colors.items()
    ]
    amiss = "dashed: at the border, or wrong" if boxes_annotated else "dashed: wrong"
    handles += [
        Patch(facecolor="none", edgecolor=QUIET, linewidth=1.2, linestyle=(0, (2.5, 1.8)), label=amiss),
        _key("o", 9, QUIET, "expert's centre, class size"),
        _key("D", 7, INK, "map peak"),
    ]
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(MARGIN / width, 0.02 / height),
        ncols=min(len(handles), max(2, int((width - 3) / 1.9))),
        frameon=False,
        fontsize=9,
        borderpad=0.2,
        handlelength=1.3,
        columnspacing=1.4,
    )


def _key(marker: str, size: float, color: str, label: str) -> Line2D:
    """A hollow mark for the legend."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor="none",
        markeredgecolor=color,
        markeredgewidth=1.3,
        label=label,
    )
