"""Pictures of a fidelity report: the measures in one view, and the histograms that they compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from synthmed.metrics.fidelity_looks import Looks
from synthmed.metrics.fidelity_measures import MEAN
from synthmed.metrics.fidelity_report import WITHIN, FidelityReport
from synthmed.plots.drawing import INK, MARGIN, QUIET, new_figure, panel, write

if TYPE_CHECKING:
    from matplotlib.patches import Patch

Floats = NDArray[np.float64]

_MOST_CLASSES = 8
_BINS = 16
_LINE = 0.26
_FARTHEST = 6.0

HALF_A, HALF_B, SYNTHETIC = "#222222", "#8c8c8c", "#d55e00"
MET, MISSED, OPEN = "#009e73", "#bb0033", "#999999"
_LEGEND = (("real, half A", HALF_A), ("real, half B", HALF_B), ("synthetic", SYNTHETIC))
_VERDICTS = {"yes": MET, "no": MISSED, "-": OPEN}


class _Column(NamedTuple):
    """One histogram: its title, its axis, and the values of a sample for a class or all."""

    title: str
    axis: str
    values: tuple[Floats, Floats, Floats]
    whole_numbers: bool = False


def fidelity_summary(report: FidelityReport, title: str = "") -> Figure:
    """Each measure over all classes as a multiple of the distance between two halves of the real images.

    Args:
        report: the figures.
        title: stands above.

    Returns:
        A figure with one line for each measure.
    """
    rows = [row for row in report.summary() if np.isfinite(row.times)]
    names, width = 3.9, 8.6
    height = len(rows) * _LINE
    figure = new_figure(width, MARGIN + 0.62 + height + 0.62)
    write(figure, MARGIN, MARGIN, title or "Synthetic scenes beside real images", size=11, fontweight="bold")
    explained = (
        f"How many times farther scenes are from real images than {report.half} real images from "
        f"{report.half} others (mean and spread of {report.splits} random splits)"
    )
    write(figure, MARGIN, MARGIN + 0.25, explained, size=7.5, color=QUIET)
    axes = panel(figure, MARGIN + names, MARGIN + 0.55, width - names - 0.75 - MARGIN, height)
    farthest = float(min(max([WITHIN * 1.4, *(row.times * 1.1 for row in rows)]), _FARTHEST))
    axes.axvspan(0, WITHIN, color="#e3f3ec", zorder=0)
    axes.axvline(1, color=QUIET, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    for line, row in enumerate(rows):
        color = _VERDICTS[row.verdict]
        at, spread = min(row.times, farthest), row.gap_deviation / row.floor if row.floor else 0.0
        axes.plot([max(at - spread, 0), min(at + spread, farthest)], [line, line], color=color, linewidth=1.4)
        axes.plot([at], [line], marker=">" if row.times > farthest else "o", color=color, markersize=5)
        what = row.measure + (f" ({MEAN})" if row.name == MEAN else "")
        top = MARGIN + 0.55 + (line + 0.5) * _LINE
        write(figure, MARGIN, top, what, size=8, va="center")
        write(figure, width - 0.62, top, f"{row.times:.2f}", size=8, va="center", color=color)
    axes.set_xlim(0, farthest)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(np.arange(0, farthest + 0.01))
    axes.tick_params(labelsize=7, length=2, color=QUIET, labelcolor=QUIET)
    axes.set_xlabel("times the distance between two halves of the real images (1)", fontsize=7.5, color=QUIET)
    _key(figure, [("within twice", MET), ("farther", MISSED), ("says nothing", OPEN)], "o")
    return figure


def fidelity_classes(classes: Sequence[str], halves: tuple[Looks, Looks], synthetic: Looks) -> Figure:
    """Histograms by class: a row for each of the most frequent classes, a column for each measure.

    Args:
        classes: ``C`` names.
        halves: what was measured on two halves of the real images.
        synthetic: what was measured on as many scenes.
    """
    samples = (*halves, synthetic)
    common = np.argsort(-(halves[0].counts.sum(axis=0) + halves[1].counts.sum(axis=0)), kind="stable")
    shown = common[:_MOST_CLASSES]
    rows = [(classes[label], _of_class(samples, int(label))) for label in shown]
    rarer = len(classes) - len(shown)
    return _grid(rows, f"{rarer} rarer classes are left out" if rarer else "")


def fidelity_images(halves: tuple[Looks, Looks], synthetic: Looks) -> Figure:
    """Histograms of what belongs to whole images.

    Args:
        halves: what was measured on two halves of the real images.
        synthetic: what was measured on as many scenes.
    """
    samples = (*halves, synthetic)
    columns = [
        _Column("objects per image", "objects", _each(samples, lambda s: s.counts.sum(axis=1)), True),
        _Column("nearest of any class", "px", _each(samples, lambda s: s.nearest_px)),
        _Column("foreground share", "% of pixels", _each(samples, lambda s: s.foreground)),
        _Column("background brightness", "grey level", _each(samples, lambda s: s.background.mean(axis=1))),
        _Column("background noise", "grey levels", _each(samples, lambda s: s.noise)),
    ]
    return _grid([("", columns)])


def _of_class(samples: tuple[Looks, Looks, Looks], label: int) -> list[_Column]:
    def own(values: str) -> tuple[Floats, Floats, Floats]:
        return _each(samples, lambda s: getattr(s, values)[s.labels == label])

    colors = _each(samples, lambda s: s.colors[s.labels == label].mean(axis=2).ravel())
    return [
        _Column("objects per image", "objects", _each(samples, lambda s: s.counts[:, label]), True),
        _Column("diameter of objects", "px", own("diameters_px")),
        _Column("brightness of objects", "grey level", colors),
        _Column("contrast of objects", "grey levels", own("contrast")),
        _Column("nearest of its class", "px", own("nearest_own_px")),
    ]


def _each(
    samples: tuple[Looks, Looks, Looks], values: Callable[[Looks], NDArray]
) -> tuple[Floats, Floats, Floats]:
    found = [np.asarray(values(sample), dtype=np.float64) for sample in samples]
    first, second, third = (sample[np.isfinite(sample)] for sample in found)
    return first, second, third


def _grid(rows: Sequence[tuple[str, Sequence[_Column]]], aside: str = "") -> Figure:
    """Histograms in rows that begin with a name; what is to be said besides stands below."""
    header = 1.2 if any(name for name, _ in rows) else 0.0
    wide, high, gap_x, gap_y = 1.75, 0.85, 0.28, 0.52
    columns = max(len(found) for _, found in rows)
    width = 2 * MARGIN + header + columns * (wide + gap_x) - gap_x
    top = MARGIN + 0.3
    figure = new_figure(width, top + len(rows) * (high + gap_y) + 0.3)
    for name, found in rows:
        if name:
            write(
                figure,
                MARGIN,
                top + 0.1,
                name.replace("_", " ").replace(" ", "\n"),
                size=9,
                fontweight="bold",
            )
        for place, column in enumerate(found):
            left = MARGIN + header + place * (wide + gap_x)
            axes = panel(figure, left, top, wide, high)
            _histogram(axes, column)
            if name == rows[0][0]:
                write(figure, left, MARGIN, column.title, size=8.5)
        top += high + gap_y
    if aside:
        write(figure, MARGIN + 5, top, aside, size=8, color=QUIET)
    _key(figure, list(_LEGEND), "-")
    return figure


def _histogram(axes: Axes, column: _Column) -> None:
    """Three outlines, each of the share of its sample."""
    pooled = np.concatenate(column.values)
    axes.tick_params(labelsize=6.5, length=2, pad=1.5, color=QUIET, labelcolor=QUIET)
    axes.set_xlabel(column.axis, fontsize=7, color=QUIET, labelpad=1)
    if len(pooled) < 2:
        axes.text(0.5, 0.5, "too few", transform=axes.transAxes, ha="center", fontsize=7, color=QUIET)
        return
    low, high = np.percentile(pooled, (0.5, 99.5))
    if column.whole_numbers:
        step = max(1, int(np.ceil((high - low + 1) / _BINS)))
        edges = np.arange(np.floor(low), high + step + 0.5, step) - 0.5
    else:
        edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
    for sample, (_, color) in zip(column.values, _LEGEND, strict=True):
        if len(sample):
            share = np.histogram(np.clip(sample, edges[0], edges[-1]), edges)[0] / len(sample)
            # Synthetic lies on top of real, but thin enough to let it be seen.
            axes.stairs(100 * share, edges, color=color, linewidth=1.3 if color == SYNTHETIC else 1.0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    ticks = MaxNLocator(4, integer=column.whole_numbers).tick_values(edges[0], edges[-1])
    axes.set_xticks([tick for tick in ticks if edges[0] <= tick <= edges[-1]])


def _key(figure: Figure, entries: Sequence[tuple[str, str]], kind: str) -> None:
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=color,
            linestyle="-" if kind == "-" else "none",
            marker=None if kind == "-" else kind,
            markersize=5,
            linewidth=1.5,
            label=name,
        )
        for name, color in entries
    ]
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(MARGIN / width, 0.03 / height),
        ncols=len(handles),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        borderpad=0.2,
        handlelength=1.3,
        columnspacing=1.6,
    )
