"""Precision-recall curves with the operating point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from synthmed._colors import class_color
from synthmed.errors import SynthmedError
from synthmed.metrics.detection import MatchedPredictions, detection_scores
from synthmed.plots.drawing import INK, MARGIN, QUIET, new_figure, panel, write

_SIDE = 3.6
_LEFT, _BELOW, _ABOVE = 0.55, 0.55, 0.35


def precision_recall(
    verdicts: Sequence[tuple[str, MatchedPredictions, ArrayLike]],
) -> Figure:
    """A panel for each set of verdicts: precision over recall for each class, as the threshold falls.

    The dot is the operating point, the threshold that F1 is reported at. A class without truths has no curve.

    Args:
        verdicts: for each panel its title, the verdicts and the ``(C,)`` thresholds.

    Returns:
        A figure with one panel for each entry.

    Raises:
        SynthmedError: there is nothing to draw.
    """
    if not verdicts:
        raise SynthmedError("there are no curves to draw", remedy="judge at least one model")
    rows = -(-len(verdicts) // 2)
    columns = min(len(verdicts), 2)
    width, height = _LEFT + _SIDE + MARGIN, _ABOVE + _SIDE + _BELOW
    classes = verdicts[0][1].classes
    lines = -(-len(classes) // (3 * columns))
    figure = new_figure(columns * width + MARGIN, rows * height + 2 * MARGIN + 0.22 * (lines + 1))
    for place, (title, matched, thresholds) in enumerate(verdicts):
        row, column = divmod(place, columns)
        left, top = MARGIN + column * width + _LEFT, MARGIN + row * height
        write(figure, left, top + 0.02, title, fontweight="bold")
        axes = panel(figure, left, top + _ABOVE, _SIDE, _SIDE)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.tick_params(labelsize=8, color=QUIET, labelcolor=QUIET)
        axes.grid(color="#eeeeee", linewidth=0.7)
        axes.set_axisbelow(True)
        scores = detection_scores(matched, thresholds)
        for label in range(len(classes)):
            counts = matched.curve(label)
            if not counts.positives:
                continue
            color = class_color(label)
            axes.plot(counts.recall, counts.precision, color=color, linewidth=1.4)
            if scores.tp[label]:
                axes.plot(
                    scores.recall[label],
                    scores.precision[label],
                    "o",
                    color=color,
                    markersize=7,
                    markeredgecolor="white",
                    markeredgewidth=1.2,
                )
    handles = [
        Line2D([], [], color=class_color(label), linewidth=1.6, label=name)
        for label, name in enumerate(classes)
    ]
    handles.append(Line2D([], [], linestyle="none", marker="o", color=INK, label="operating point"))
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.02, 0.005),
        ncols=3 * columns,
        frameon=False,
        fontsize=9,
        handlelength=1.3,
        columnspacing=1.4,
    )
    return figure
