"""`Predictions`: what a detector said about a set of images, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Detections(NamedTuple):
    """What a detector found in one image.

    Attributes:
        boxes_px: ``(N, 4)`` float, ``row0, column0, row1, column1`` in pixels of the image.
        scores: ``(N,)`` float in 0..1.
        labels: ``(N,)`` int.
    """

    boxes_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


NOTHING_FOUND = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scored boxes on the images of a `PointSet`, in its order of images and classes.

    Attributes:
        image_index: ``(N,)`` int.
        boxes_px: ``(N, 2 * D)`` float in array order, low corner then high corner
            (``row0, column0, row1, column1``).
        scores: ``(N,)`` float in 0..1.
        labels: ``(N,)`` int.
    """

    image_index: NDArray[np.int64]
    boxes_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def of_images(cls, found: Sequence[Detections]) -> Predictions:
        """The predictions of a set of images, from those of each.

        Examples:
            >>> one = Detections(np.eye(2, 4), np.array([0.9, 0.8]), np.array([0, 1]))
            >>> Predictions.of_images([one, NOTHING_FOUND, one]).image_index.tolist()
            [0, 0, 2, 2]
        """
        counts = [len(one.scores) for one in found]
        columns = zip(NOTHING_FOUND, *found, strict=True)
        boxes_px, scores, labels = (np.concatenate(column) for column in columns)
        return cls(np.repeat(np.arange(len(found)), counts), boxes_px, scores, labels)

    def of_image(self, index: int) -> Detections:
        """The predictions on one image."""
        own = self.image_index == index
        return Detections(self.boxes_px[own], self.scores[own], self.labels[own])

    @property
    def centers_px(self) -> NDArray[np.float64]:
        """``(N, D)`` float, the centre of each box."""
        ndim = self.boxes_px.shape[1] // 2
        return (self.boxes_px[:, :ndim] + self.boxes_px[:, ndim:]) / 2
