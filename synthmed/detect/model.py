"""What a detector has to offer, whatever it runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synthmed.metrics.predictions import Detections


@dataclass(frozen=True)
class ModelFacts:
    """What a trained network knows about itself.

    Attributes:
        classes: the class names, in the order of the labels.
        canvas_px: height and width that images are fitted into for testing; ``None`` where they are not.
        scale: network pixels for one pixel of the images that the training scenes were made from; ``None``
            where it is not known.
        class_sizes_px: the side of each class in pixels of the network, where known.
        thresholds: scores from train, ``{rule: {class: threshold}}``; empty where none are known.
        digest: SHA-256 of the weights as hex.
    """

    classes: tuple[str, ...]
    canvas_px: tuple[int, int] | None
    scale: float | None
    class_sizes_px: tuple[float, ...] | None
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    digest: str = ""


class Detector(Protocol):
    """A detector that is ready to look at images.

    Attributes:
        score_threshold: detections that score less are left out.
    """

    score_threshold: float

    @property
    def facts(self) -> ModelFacts:
        """What it knows about itself."""

    def find(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Boxes in each image, in its pixels.

        Args:
            images: ``(H, W, 3)`` uint8 RGB each, at the scale of the network.
        """


def fitting_scale(shape_px: tuple[int, int], canvas_px: tuple[int, int]) -> float:
    """By how much an image is resized to fit a canvas, the longer side to the longer one, as in MMDetection.

    Examples:
        >>> fitting_scale((1000, 500), (416, 416))
        0.416
    """
    return min(max(canvas_px) / max(shape_px), min(canvas_px) / min(shape_px))
