"""How far the statistics of a batch-norm layer have moved, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerChange:
    """Mean and variance that a batch-norm layer normalizes by, before and after it was adapted.

    Attributes:
        name: of the layer in its network.
        mean_before: ``(C,)``, of what the network was trained on.
        variance_before: ``(C,)``.
        mean_after: ``(C,)``, of the target images.
        variance_after: ``(C,)``.
        epsilon: what the layer adds to each variance before it divides.

    Examples:
        >>> change = LayerChange("stem", *np.array([[0.0], [1.0], [2.0], [4.0]]), epsilon=0)
        >>> change.mean_shift.tolist(), change.spread_ratio.tolist(), change.divergence.tolist()
        ([2.0], [2.0], [3.625])
    """

    name: str
    mean_before: Floats
    variance_before: Floats
    mean_after: Floats
    variance_after: Floats
    epsilon: float

    @property
    def mean_shift(self) -> Floats:
        """``(C,)`` how far the mean has moved, in standard deviations of before."""
        return (self.mean_after - self.mean_before) / np.sqrt(self.variance_before + self.epsilon)

    @property
    def spread_ratio(self) -> Floats:
        """``(C,)`` standard deviation after, divided by that of before."""
        return np.sqrt((self.variance_after + self.epsilon) / (self.variance_before + self.epsilon))

    @property
    def divergence(self) -> Floats:
        """``(C,)`` symmetric Kullback-Leibler divergence of the two Gaussians of each channel, in nats.

        Its mean over channels is the feature divergence of a layer of Pan et al., "Two at Once: Enhancing
        Learning and Generalization Capacities via IBN-Net", 2018, arXiv 1807.09441.
        """
        before, after = self.variance_before + self.epsilon, self.variance_after + self.epsilon
        squared = (self.mean_after - self.mean_before) ** 2
        return ((before + squared) / after + (after + squared) / before) / 2 - 1

    @property
    def movement(self) -> float:
        """The largest move of any channel: of its mean, or of the logarithm of its spread."""
        moves = np.maximum(np.abs(self.mean_shift), np.abs(np.log(self.spread_ratio)))
        return float(moves.max(initial=0))

    def to_json(self) -> dict[str, Any]:
        """The layer in a few numbers, and each channel's."""
        return {
            "name": self.name,
            "channels": len(self.mean_before),
            "mean_divergence": float(self.divergence.mean()),
            "median_absolute_mean_shift": float(np.median(np.abs(self.mean_shift))),
            "median_spread_ratio": float(np.median(self.spread_ratio)),
            "divergence": self.divergence.tolist(),
            "mean_shift": self.mean_shift.tolist(),
            "spread_ratio": self.spread_ratio.tolist(),
        }
