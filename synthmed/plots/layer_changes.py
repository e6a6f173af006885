"""How far the batch-norm layers of a network have moved when they were adapted to other images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from synthmed.metrics.layer_change import LayerChange
from synthmed.plots.drawing import FONT_SIZE, INK, QUIET, new_figure

_DOTS, _LINE = "#9ecae1", "#08519c"


def layer_changes(layers: Sequence[LayerChange], title: str = "") -> Figure:
    """Each layer from input to output: how brightness and contrast of its channels have moved.

    A dot is a channel, the line the median of a layer. Where all dots lie on the dashed line, the target
    images look to the network as its training images did.

    Args:
        layers: what adapting changed.
        title: above the figure; by default it says what is shown.
    """
    figure = new_figure(max(6.4, 1.6 + 0.3 * len(layers)), 5.0)
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.suptitle(
        title or "What adapting to the target images changed, layer by layer", fontsize=11, color=INK
    )
    shifts = [layer.mean_shift for layer in layers]
    # Ratios are as far apart up as down on a logarithmic axis.
    spreads = [np.log2(layer.spread_ratio) for layer in layers]
    generator = np.random.default_rng(0)
    for axes, values in ((upper, shifts), (lower, spreads)):
        for number, channels in enumerate(values):
            places = number + generator.uniform(-0.25, 0.25, len(channels))
            axes.scatter(places, channels, s=7, color=_DOTS, linewidths=0)
        medians = [float(np.median(channels)) for channels in values]
        axes.plot(range(len(layers)), medians, color=_LINE, marker="o", markersize=3.5, linewidth=1.4)
        axes.axhline(0, color=QUIET, linewidth=0.9, linestyle="--")
        axes.tick_params(labelsize=FONT_SIZE - 1, colors=QUIET)
        axes.spines[["top", "right"]].set_visible(False)
        lowest = max(
            0.5, 1.05 * max((float(np.abs(channels).max(initial=0)) for channels in values), default=0)
        )
        axes.set_ylim(-lowest, lowest)
    upper.set_ylabel("mean moved by ... \nstandard deviations", fontsize=FONT_SIZE)
    lower.set_ylabel("spread is now ... times\nwhat it was", fontsize=FONT_SIZE)
    highest = lower.get_ylim()[1]
    finer = 1 if highest > 1.2 else 0.5 if highest > 0.6 else 0.25
    powers = finer * np.arange(-int(highest / finer), int(highest / finer) + 1)
    lower.set_yticks(powers, [f"{2.0**power:.2g}" for power in powers])
    lower.set_xticks(
        range(len(layers)),
        [_short(layer.name) for layer in layers],
        rotation=60,
        ha="right",
        rotation_mode="anchor",
    )
    lower.set_xlabel("batch-norm layer, from the image to the output", fontsize=FONT_SIZE)
    upper.plot([], [], "o", color=_DOTS, markersize=3, label="a channel")
    upper.plot([], [], color=_LINE, marker="o", markersize=3.5, label="median of the layer")
    upper.plot([], [], color=QUIET, linestyle="--", label="as in training")
    upper.legend(fontsize=FONT_SIZE - 1, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    return figure


def _short(name: str) -> str:
    """A layer's name without the words that all have."""
    kept = [part for part in name.split(".") if part not in ("backbone", "layers", "bn", "conv", "module")]
    return ".".join(kept).replace("bbox_head", "head") or name
