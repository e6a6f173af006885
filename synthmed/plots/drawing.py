"""What all pictures share: colours, panels measured in inches, marks that show on any slide."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from synthmed._colors import class_color
from synthmed._files import write_atomic
from synthmed.errors import SynthmedError

Floats = NDArray[np.float64]

# Pale yellow to dark red gets darker all the way, so it can be read without seeing colours.
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffeda0", "#feb24c", "#f03b20", "#800026"])

INK, QUIET, FRAME = "#222222", "#666666", "#bbbbbb"
MARGIN = 0.15
GAP = 0.12
TITLE = 0.27
FONT_SIZE = 9


def new_figure(width: float, height: float) -> Figure:
    """A white figure of so many inches, which no window and no global list knows of."""
    return Figure(figsize=(width, height), facecolor="white", dpi=150)


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes without ticks at a place given in inches from the upper left corner."""
    whole_width, whole_height = figure.get_size_inches()
    bottom = whole_height - top - height
    axes = figure.add_axes(
        (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FRAME)
        spine.set_linewidth(0.6)
    return axes


def write(
    figure: Figure,
    left: float,
    top: float,
    text: str,
    *,
    size: float = FONT_SIZE,
    color: str = INK,
    **style: Any,
) -> None:
    """Text whose upper left corner is at a place given in inches from that of the figure."""
    width, height = figure.get_size_inches()
    style = {"va": "top", "fontsize": size, "color": color, **style}
    figure.text(left / width, 1 - top / height, text, **style)


def show_image(axes: Axes, image: NDArray[np.uint8]) -> None:
    """Show an image so that array coordinates, with pixel centres at one half, are data coordinates."""
    height, width = image.shape[:2]
    axes.imshow(image, extent=(0, width, height, 0), interpolation="antialiased", aspect="auto")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)


def casing(line_width: float) -> list[withStroke]:
    """A white rim round a line, so that its colour shows on dark and on stained ground alike."""
    return [withStroke(linewidth=line_width + 1.4, foreground="white", alpha=0.85)]


def draw_boxes(axes: Axes, boxes_px: Floats, labels: NDArray[np.int64], dashed: NDArray[np.bool_]) -> None:
    """Outline boxes in the colours of their classes; dashed where something is amiss."""
    for (row0, column0, row1, column1), label, broken in zip(boxes_px, labels, dashed, strict=True):
        axes.add_patch(
            Rectangle(
                (column0, row0),
                column1 - column0,
                row1 - row0,
                fill=False,
                edgecolor=class_color(label),
                linewidth=1.2,
                linestyle=(0, (2.5, 1.8)) if broken else "solid",
                path_effects=casing(1.2),
            )
        )


def draw_points(axes: Axes, centers_px: Floats, color: str, marker: str, size: float) -> None:
    """Hollow marks at centres, with a white rim."""
    if len(centers_px):
        # A path effect would fill hollow marks, so the rim is a mark of its own.
        for rim, line_width in (("white", 2.8), (color, 1.3)):
            marks = axes.scatter(
                centers_px[:, 1], centers_px[:, 0], s=size**2, marker=marker, color=rim, linewidths=line_width
            )
            marks.set_facecolor("none")


def draw_circles(axes: Axes, centers_px: Floats, diameter_px: float, color: str) -> None:
    """Circles round centres, which leave what is inside to be seen."""
    for row, column in centers_px:
        axes.add_patch(
            Circle(
                (column, row),
                diameter_px / 2,
                fill=False,
                edgecolor=color,
                linewidth=1.0,
                path_effects=casing(1.0),
            )
        )


def scale_bar(
    figure: Figure,
    left: float,
    top: float,
    inches: float,
    widest_px: float,
    pixel_size_um: float | None,
    scale: float,
) -> None:
    """A bar of a round length, at most a fifth of an image long.

    Args:
        figure: gets the bar.
        left: inches from the left.
        top: inches from the top.
        inches: the size of a pixel.
        widest_px: the width of the image.
        pixel_size_um: microns for one pixel; ``None`` for a bar in pixels.
        scale: scene pixels for one pixel of the real images, which the bar is in.
    """
    unit, per_unit = ("px", inches) if pixel_size_um is None else ("µm", inches / pixel_size_um)
    most = widest_px * inches / per_unit / 5
    power = 10.0 ** np.floor(np.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    axes = panel(figure, left, top + 0.02, length * per_unit, 0.05)
    axes.set_facecolor(INK)
    if pixel_size_um is not None or scale == 1:
        text = f"{length:g} {unit} in both rows"
    else:
        text = f"in both rows: {length:g} px of the real images, {length * scale:.3g} px of the scenes"
    write(figure, left + length * per_unit + 0.08, top + 0.045, text, va="center")


def heated(image: NDArray[np.uint8], cam: Floats, cam_range: tuple[float, float]) -> NDArray[np.uint8]:
    """The image in pale grey under the heat of a map; bare where the map is at the low end or below."""
    low, high = cam_range
    heat = np.clip((cam - low) / (high - low), 0, 1)
    grey = 80 + 0.68 * (image @ np.array([0.299, 0.587, 0.114]))
    return _blended(grey, heat)


def color_bar(figure: Figure, cam_range: tuple[float, float]) -> None:
    """The scale of `heated`, in the lower right corner."""
    width, height = figure.get_size_inches()
    axes = panel(figure, width - MARGIN - 2.3, height - 0.52, 2.3, 0.12)
    ramp = np.linspace(0, 1, 256)[None]
    axes.imshow(_blended(np.full_like(ramp, 230.0), ramp), extent=(*cam_range, 0, 1), aspect="auto")
    ticks = np.linspace(*cam_range, 3)
    axes.set_xticks(ticks, [f"{value:.3g}" for value in ticks])
    axes.tick_params(labelsize=7, length=2, pad=1.5, color=QUIET, labelcolor=QUIET)
    axes.set_xlabel("map value, one scale for all images", fontsize=7, color=QUIET, labelpad=1)


def _blended(grey: Floats, heat: Floats) -> NDArray[np.uint8]:
    alpha = (0.85 * heat**0.75)[..., None]
    color = HEAT(heat)[..., :3] * 255
    return np.rint(grey[..., None] * (1 - alpha) + color * alpha).astype(np.uint8)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure; the file name says whether as PNG, PDF or SVG.

    Raises:
        SynthmedError: where the file name asks for another format.
    """
    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in ("png", "pdf", "svg"):
        raise SynthmedError(
            "pictures are written as PNG, PDF or SVG", file=path, remedy=f"name it {path.stem}.png"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    content = BytesIO()
    figure.savefig(content, format=kind)
    write_atomic(path, content.getvalue())
