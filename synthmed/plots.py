"""Pictures; every function returns a figure, and nothing is shown.

Images are RGB uint8 arrays. Figures are made without pyplot, so none stays behind when it is let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from synthmed._colors import class_color
from synthmed._drawing import (
    GAP,
    INK,
    MARGIN,
    QUIET,
    TITLE,
    color_bar,
    draw_boxes,
    draw_points,
    heated,
    new_figure,
    panel,
    save_figure,
    scale_bar,
    show_image,
    write,
)
from synthmed.errors import SynthmedError
from synthmed.metrics.detection import FALSE_POSITIVE, FIXED_THRESHOLD, TRUE_POSITIVE, match_predictions
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

if TYPE_CHECKING:
    from synthmed.bank.patchbank import PatchBank

__all__ = ["bank_sheet", "real_beside_synthetic", "save_figure", "truth_predictions_cam"]

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

GROUND = 222
"""The grey that patches are shown on."""

_WIDEST = 11.0
_WIDEST_PANEL = 4.5
_PER_LINE = 12
_CELL = 0.7
_HEADER = 1.55


def bank_sheet(bank: PatchBank, per_class: int = 24, seed: int = 0, sort: str | None = None) -> Figure:
    """A contact sheet: for each class some patches as scenes paste them, on neutral grey.

    All patches of a class are shown at one scale, so their sizes can be compared; classes differ in scale.

    Args:
        bank: the bank.
        per_class: patches for each class, or all where there are fewer.
        seed: which ones.
        sort: show those that are lowest in this column of `synthmed.bank.Quality`, the lowest first, instead
            of random ones; with ``-`` before its name those that are highest.

    Returns:
        A figure with one panel for each class.

    Raises:
        SynthmedError: there is no such column, or no patch is asked for.
    """
    if per_class < 1:
        raise SynthmedError("a sheet needs patches", value=per_class, remedy="ask for one per class or more")
    rng = np.random.default_rng(seed)
    of_class = [np.flatnonzero(bank.labels == label) for label in range(len(bank.classes))]
    if sort is None:
        chosen = [_some(index, per_class, rng) for index in of_class]
    else:
        values = _sorting_values(bank, sort)
        chosen = [index[np.argsort(values[index], kind="stable")][:per_class] for index in of_class]
    heights = [max(1, -(-len(index) // _PER_LINE)) * _CELL for index in chosen]
    columns = min(_PER_LINE, max(per_class, 4))
    width = _HEADER + columns * _CELL + 2 * MARGIN
    figure = new_figure(width, sum(heights) + (len(heights) - 1) * GAP + 2 * MARGIN)
    top = MARGIN
    for label, (index, height) in enumerate(zip(chosen, heights, strict=True)):
        count = len(of_class[label])
        axes = panel(figure, MARGIN + _HEADER, top, columns * _CELL, height)
        show_image(axes, _mosaic(bank, index, columns))
        name = _wrapped(bank.classes[label])
        write(figure, MARGIN, top, name, size=10, fontweight="bold")
        size = f"{bank.sizes_px[label]:.0f} px\n{count:,} patch{'' if count == 1 else 'es'}"
        write(figure, MARGIN, top + 0.19 * len(name.splitlines()) + 0.02, size, color=QUIET)
        top += height + GAP
    return figure


def real_beside_synthetic(
    real_images: Sequence[Image],
    scenes: Sequence[Image],
    *,
    scale: float = 1.0,
    pixel_size_um: float | None = None,
) -> Figure:
    """Real images above synthetic scenes, with objects at the same size in both rows.

    Args:
        real_images: ``(H, W, 3)`` each.
        scenes: ``(H, W, 3)`` each.
        scale: scene pixels for one pixel of the real images, `synthmed.scenes.scene_scale`.
        pixel_size_um: microns for one pixel of the real images; the scale bar is in pixels without it.

    Returns:
        A figure with one panel for each image.
    """
    if not len(real_images) or not len(scenes):
        raise SynthmedError(
            "nothing to compare", remedy="pass at least one real image and one synthetic scene"
        )
    rows = [
        ("Real", real_images, [np.array(image.shape[:2], dtype=float) for image in real_images]),
        ("Synthetic", scenes, [np.array(image.shape[:2]) / scale for image in scenes]),
    ]
    inches = min(_inches_per_pixel(shapes) for _, _, shapes in rows)
    width = 2 * MARGIN + max(
        sum(s[1] for s in shapes) * inches + (len(shapes) - 1) * GAP for *_, shapes in rows
    )
    heights = [max(s[0] for s in shapes) * inches for _, _, shapes in rows]
    figure = new_figure(max(width, 2.5), sum(heights) + 2 * TITLE + GAP + 2 * MARGIN + 0.2)
    top = MARGIN
    for (name, images, shapes), height in zip(rows, heights, strict=True):
        write(figure, MARGIN, top, name, size=11, fontweight="bold")
        left = MARGIN
        for image, shape in zip(images, shapes, strict=True):
            axes = panel(figure, left, top + TITLE, shape[1] * inches, shape[0] * inches)
            show_image(axes, image)
            left += shape[1] * inches + GAP
        top += height + TITLE + GAP
    scale_bar(figure, MARGIN, top, inches, min(s[1] for s in rows[0][2]), pixel_size_um)
    return figure


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

    Right and wrong detections are told apart by F1's own matching. Maps lie over the image in grey, on the
    scale given, so that pictures of one set can be compared; where a map is no higher than the low end of
    the scale, the image is bare.

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
        A figure with a panel for the expert, one for the detector and one for each class.
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
    figure, panels = _panels(image.shape[:2], [*names, *(f"CAM: {name}" for name in truth.classes)], title)
    for axes in panels[:2]:
        show_image(axes, image)
    if boxes_annotated:
        draw_boxes(panels[0], own.boxes_px(), own.labels, own.edge)
    else:
        for label in range(len(truth.classes)):
            draw_points(panels[0], own.centers_px[own.labels == label], class_color(label), "o", 7)
    draw_boxes(panels[1], found.boxes_px, found.labels, status == FALSE_POSITIVE)
    for label, axes in enumerate(panels[2:]):
        show_image(axes, heated(image, maps[label], cam_range))
        draw_points(axes, own.centers_px[own.labels == label], class_color(label), "o", 7)
        limit = float(np.broadcast_to(peak_thresholds, len(sizes))[label])
        peaks, _ = find_peaks(maps[label], sizes[label] / 2, limit)
        draw_points(axes, peaks, INK, "x", 5)
    _legend(figure, truth.classes, boxes_annotated)
    color_bar(figure, cam_range)
    return figure


def _some(index: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.choice(index, min(count, len(index)), replace=False)) if len(index) else index


def _sorting_values(bank: PatchBank, column: str) -> Floats:
    """What to sort patches by, lowest first; unknown values come last."""
    from synthmed.bank.quality import QUALITY_COLUMNS

    name = column.removeprefix("-")
    if name not in QUALITY_COLUMNS:
        raise SynthmedError(
            "the patches have no such column", value=name, remedy=f"one of: {', '.join(QUALITY_COLUMNS)}"
        )
    values = np.asarray(getattr(bank.quality, name), dtype=float)
    return -values if column.startswith("-") else values


def _wrapped(name: str) -> str:
    """A class name in lines that fit beside the patches."""
    lines = [""]
    for word in name.replace("_", " ").split():
        fits = len(lines[-1]) + len(word) < 17
        lines[-1 if fits else len(lines) :] = [f"{lines[-1]} {word}".strip() if fits else word]
    return "\n".join(line for line in lines if line)


def _mosaic(bank: PatchBank, index: NDArray[np.int64], columns: int) -> Image:
    """Patches on grey, each in the middle of a cell of the size that the largest needs."""
    side = int(bank.shapes_px[index].max()) if len(index) else 8
    cell = side + max(2, side // 12)
    ground = np.full((max(1, -(-len(index) // columns)) * cell, columns * cell, 3), GROUND, dtype=np.uint8)
    for place, patch_index in enumerate(index):
        patch, matte = bank.patch(patch_index), bank.matte(patch_index)[..., None] / 255
        height, width = patch.shape[:2]
        row = place // columns * cell + (cell - height) // 2
        column = place % columns * cell + (cell - width) // 2
        ground[row : row + height, column : column + width] = np.rint(patch * matte + GROUND * (1 - matte))
    return ground


def _inches_per_pixel(shapes: Sequence[Floats]) -> float:
    """The size at which a row of images fits and none is larger than need be."""
    room = _WIDEST - 2 * MARGIN - GAP * (len(shapes) - 1)
    widths = [float(shape[1]) for shape in shapes]
    return min(room / sum(widths), _WIDEST_PANEL / max(widths))


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


def _panels(shape_px: tuple[int, ...], names: Sequence[str], title: str) -> tuple[Figure, list[Axes]]:
    """Named panels of one image's shape, in up to five columns."""
    rows = -(-len(names) // 5)
    columns = -(-len(names) // rows)
    width = 2.75
    height = width * shape_px[0] / shape_px[1]
    head = TITLE if title else 0.0
    figure = new_figure(
        2 * MARGIN + columns * (width + GAP) - GAP,
        2 * MARGIN + head + rows * (TITLE + height + GAP) + 0.55,
    )
    if title:
        write(figure, MARGIN, MARGIN - 0.03, title, size=11, fontweight="bold")
    panels = []
    for place, name in enumerate(names):
        left = MARGIN + place % columns * (width + GAP)
        top = MARGIN + head + place // columns * (TITLE + height + GAP)
        write(figure, left, top + 0.04, name)
        panels.append(panel(figure, left, top + TITLE, width, height))
    return figure, panels


def _legend(figure: Figure, classes: Sequence[str], boxes_annotated: bool) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor="none", edgecolor=class_color(k), linewidth=1.6, label=name)
        for k, name in enumerate(classes)
    ]
    amiss = "dashed: at the border, or wrong" if boxes_annotated else "dashed: wrong"
    handles += [
        Patch(facecolor="none", edgecolor=QUIET, linewidth=1.2, linestyle=(0, (2.5, 1.8)), label=amiss),
        _key("o", 7, QUIET, "expert's centre"),
        _key("x", 5, INK, "CAM peak"),
    ]
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(MARGIN / width, 0.02 / height),
        ncols=min(len(handles), max(3, int((width - 3) / 1.35))),
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
