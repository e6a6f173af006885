from __future__ import annotations

import numpy as np
import pytest

from synthmed.metrics.layer_change import LayerChange
from synthmed.plots import layer_changes


def layer(name: str, channels: int, shift: float, ratio: float) -> LayerChange:
    ones = np.ones(channels)
    return LayerChange(name, 0 * ones, ones, shift * ones, ratio**2 * ones, epsilon=0.0)


@pytest.mark.parametrize("shift", [0.0, 0.1, 30.0])
@pytest.mark.parametrize("ratio", [1.0, 1.2, 1 / 20])
def test_every_channel_is_drawn_and_no_label_is_lost(shift: float, ratio: float) -> None:
    layers = [
        layer("backbone.stage0.0.bn", 8, shift, ratio),
        layer("bbox_head.layers.merge.bn", 3, 0, 1),
        layer("bn", 1, 0, 1),
    ]
    figure = layer_changes(layers)
    upper, lower = figure.axes
    for axes, value in ((upper, shift), (lower, np.log2(ratio))):
        dots = [np.asarray(dots.get_offsets()) for dots in axes.collections]
        assert [len(places) for places in dots] == [8, 3, 1]
        np.testing.assert_allclose(dots[0][:, 1], value)
        low, high = axes.get_ylim()
        assert low < value < high
    assert [tick.get_text() for tick in lower.get_xticklabels()] == ["stage0.0", "head.merge", "bn"]
    assert "1" in [tick.get_text() for tick in lower.get_yticklabels()]


def test_no_layers() -> None:
    assert len(layer_changes([]).axes) == 2
