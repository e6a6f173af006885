"""How sure a figure is: percentile intervals over resampled images (Efron & Tibshirani 1993, chapter 13).

Images of one slide or patient resemble each other, so whole groups are drawn; an image without a group is
one of its own. A resample is a weight for each image, how often it was drawn, and every figure is a function
of weighted sums over images. So nothing is matched or sorted anew, and two models can be compared on the
very same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Statistic = Callable[[Floats], dict[str, Floats]]
"""Figures by name, ``(R, ...)`` each, from weights ``(R, I)`` of the images; all ones give the figures."""

_BLOCK = 128
"""Resamples handed to a statistic in one go, so that its tables fit the cache; the result is the same."""


@dataclass(frozen=True)
class Resampling:
    """How images are resampled.

    Attributes:
        count: how many resamples; 0 for no intervals.
        level: the share of the resamples that lies within an interval.
        seed: of the draws.
    """

    count: int = 1000
    level: float = 0.95
    seed: int = 0


DEFAULT = Resampling()


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure, or many of one shape, with an interval.

    Attributes:
        value: the figure on the images as they are.
        low: the lower end; NaN where there is no interval.
        high: the upper end; NaN where there is no interval.
    """

    value: Floats
    low: Floats
    high: Floats


def resampling_units(groups: Sequence[str]) -> Ints:
    """``(I,)`` the number of the unit that each image is drawn with.

    Args:
        groups: the slide or patient of each image, ``""`` where unknown.

    Examples:
        >>> resampling_units(["", "slide 1", "", "slide 1"]).tolist()
        [0, 1, 2, 1]
    """
    number: dict[tuple[str, int], int] = {}
    keys = [(group, -1) if group else ("", index) for index, group in enumerate(groups)]
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)


def draw_weights(units: Ints, resampling: Resampling = DEFAULT) -> Floats:
    """How often each image is in each resample; as many units are drawn as there are.

    Args:
        units: ``(I,)`` int from `resampling_units`.
        resampling: how many, and the seed.

    Returns:
        ``(R, I)`` float; no resample where there are fewer than two units, since one tells nothing of spread.

    Examples:
        >>> draw_weights(np.array([0, 1, 1]), Resampling(count=3)).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 2.0, 2.0]]
    """
    count = int(units.max()) + 1 if len(units) else 0
    if count < 2:
        return np.zeros((0, len(units)))
    rng = np.random.default_rng(resampling.seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resampling.count)
    return drawn[:, units].astype(np.float64)


def estimate(statistic: Statistic, weights: Floats, level: float = DEFAULT.level) -> dict[str, Estimate]:
    """Figures with percentile intervals.

    A figure that a resample does not define (none of its images has the class) is left out of the
    percentiles; where half of the resamples or fewer define it, it has no interval.

    Args:
        statistic: gives the figures.
        weights: ``(R, I)`` float from `draw_weights`.
        level: the share of the resamples within an interval.
    """
    values = {name: value[0] for name, value in statistic(np.ones((1, weights.shape[1]))).items()}
    if not len(weights):
        return {name: Estimate(value, *_nothing(value)) for name, value in values.items()}
    drawn = _in_blocks(statistic, weights)
    return {name: Estimate(value, *_percentiles(drawn[name], level)) for name, value in values.items()}


def difference(first: Statistic, second: Statistic) -> Statistic:
    """The second's figures less the first's, on the same resamples: a paired comparison.

    Args:
        first: figures of one model.
        second: the same figures of another one, on the same images.
    """

    def statistic(weights: Floats) -> dict[str, Floats]:
        base, other = first(weights), second(weights)
        return {name: other[name] - base[name] for name in base}

    return statistic


def _in_blocks(statistic: Statistic, weights: Floats) -> dict[str, Floats]:
    parts = [statistic(weights[start : start + _BLOCK]) for start in range(0, len(weights), _BLOCK)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _percentiles(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    """The ends of the interval of ``(R, ...)`` resampled figures."""
    known = ~np.isnan(drawn)
    enough = known.sum(axis=0) > len(drawn) / 2
    tails = 100 * np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.nanpercentile(np.where(enough, drawn, 0.0), tails, axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def _nothing(value: Floats) -> tuple[Floats, Floats]:
    return np.full(np.shape(value), np.nan), np.full(np.shape(value), np.nan)
