"""What synthesis has to work with and what it makes: the patches of a bank, scenes beside real images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from synthmed._wording import counted
from synthmed.errors import SynthmedError
from synthmed.plots.drawing import (
    GAP,
    MARGIN,
    QUIET,
    TITLE,
    new_figure,
    panel,
    scale_bar,
    show_image,
    write,
)

if TYPE_CHECKING:
    from synthmed.bank.patchbank import PatchBank

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_WIDEST = 11.0
_WIDEST_PANEL = 4.5
_PER_LINE = 12
_CELL = 0.7
_HEADER = 1.55


def bank_sheet(bank: PatchBank, per_class: int = 24, seed: int = 0, sort: str | None = None) -> Figure:
    """A contact sheet: for each class some patches as scenes paste them, on the background of their images.

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
        size = f"{bank.sizes_px[label]:.0f} px\n{counted(count, 'patch', 'patches')}"
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
    scale_bar(figure, MARGIN, top, inches, min(s[1] for s in rows[0][2]), pixel_size_um, scale)
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
    """Patches on the usual background, each in the middle of a cell of the size that the largest needs."""
    side = int(bank.shapes_px[index].max()) if len(index) else 8
    cell = side + max(2, side // 12)
    color = np.median(bank.image_backgrounds, axis=0)
    lines = max(1, -(-len(index) // columns))
    ground = np.tile(np.rint(color).astype(np.uint8), (lines * cell, columns * cell, 1))
    for place, patch_index in enumerate(index):
        patch, matte = bank.patch(patch_index), bank.matte(patch_index)[..., None] / 255
        height, width = patch.shape[:2]
        row = place // columns * cell + (cell - height) // 2
        column = place % columns * cell + (cell - width) // 2
        ground[row : row + height, column : column + width] = np.rint(patch * matte + color * (1 - matte))
    return ground


def _inches_per_pixel(shapes: Sequence[Floats]) -> float:
    """The size at which a row of images fits and none is larger than need be."""
    room = _WIDEST - 2 * MARGIN - GAP * (len(shapes) - 1)
    widths = [float(shape[1]) for shape in shapes]
    return min(room / sum(widths), _WIDEST_PANEL / max(widths))
