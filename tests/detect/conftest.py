"""A detector that needs no network: dark blobs are objects, small or large ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.detect import ModelFacts
from synthmed.errors import ModelError
from synthmed.metrics import Detections

CLASSES = ("small", "large")


class Blobs:
    """Looks at nothing but the pixels of an object, so that tiles which hold it agree about it."""

    def __init__(self, level: int = 110, scale: float | None = 1.0) -> None:
        self.facts = ModelFacts(CLASSES, (96, 96), scale, (8.0, 30.0), digest="blobs")
        self.score_threshold = 0.0
        self.level = level
        self.batches: list[tuple[int, int, int]] = []
        self.fail_after: int | None = None

    def find(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.batches.append((len(images), *np.max([image.shape[:2] for image in images], axis=0).tolist()))
        if self.fail_after is not None and len(self.batches) > self.fail_after:
            raise ModelError("the plug was pulled")
        return [self._find(image) for image in images]

    def _find(self, image: NDArray[np.uint8]) -> Detections:
        dark = image.mean(axis=2) < self.level
        spots, _ = ndimage.label(dark)
        boxes, scores = [], []
        for number, (rows, columns) in enumerate(ndimage.find_objects(spots), start=1):
            area = int((spots[rows, columns] == number).sum())
            sides = rows.stop - rows.start, columns.stop - columns.start
            if area >= 12 and max(sides) <= 30:
                boxes.append((rows.start, columns.start, rows.stop, columns.stop))
                scores.append(min(0.99, 0.3 + area / 1000))
        sizes = np.array([max(b[2] - b[0], b[3] - b[1]) for b in boxes])
        return Detections(
            np.array(boxes, dtype=float).reshape(-1, 4),
            np.array(scores),
            (sizes > 12).astype(np.int64).reshape(-1),
        )


@pytest.fixture
def blobs() -> Blobs:
    """The detector."""
    return Blobs()
