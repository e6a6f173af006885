"""`Predictions`: what a detector said about a set of images, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    @property
    def centers_px(self) -> NDArray[np.float64]:
        """``(N, D)`` float, the centre of each box."""
        ndim = self.boxes_px.shape[1] // 2
        return (self.boxes_px[:, :ndim] + self.boxes_px[:, ndim:]) / 2
