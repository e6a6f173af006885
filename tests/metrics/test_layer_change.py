from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

from synthmed.metrics.layer_change import LayerChange


def change(mean: float, variance: float, mean_after: float, variance_after: float) -> LayerChange:
    return LayerChange(
        "layer", *(np.array([value]) for value in (mean, variance, mean_after, variance_after)), epsilon=0.5
    )


def test_no_channels() -> None:
    empty = LayerChange("layer", *[np.zeros(0)] * 4, epsilon=1e-5)
    assert (empty.movement, empty.divergence.tolist()) == (0, [])


@pytest.mark.parametrize("numbers", [(0, 1, 0, 1), (0, 1, 1, 1), (2, 0.5, 1, 4), (-3, 2, 3, 0.1)])
def test_the_divergence_is_that_of_the_two_gaussians(numbers: tuple[float, float, float, float]) -> None:
    """By integrating the definition, ``KL(before, after) + KL(after, before)``, numerically."""
    made = change(*numbers)
    before, after = (norm(numbers[k], np.sqrt(numbers[k + 1] + 0.5)) for k in (0, 2))

    def density(x: float) -> float:
        return float((before.pdf(x) - after.pdf(x)) * (before.logpdf(x) - after.logpdf(x)))

    expected, _ = integrate.quad(density, -40, 40, points=[numbers[0], numbers[2]], limit=500)
    assert made.divergence[0] == pytest.approx(expected, abs=1e-6)


def test_moves_are_in_terms_of_before() -> None:
    made = change(1, 3.5, 5, 15.5)
    assert made.mean_shift.tolist() == [2]
    assert made.spread_ratio.tolist() == [2]
    assert made.movement == 2
    assert change(1, 3.5, 1, 0).movement == pytest.approx(np.log(8) / 2), "less spread is a move as well"


def test_to_json() -> None:
    content = json.loads(json.dumps(change(1, 3.5, 5, 15.5).to_json()))
    assert content["median_absolute_mean_shift"] == content["mean_shift"][0] == 2
    assert content["mean_divergence"] == content["divergence"][0]
    assert (content["name"], content["channels"]) == ("layer", 1)
