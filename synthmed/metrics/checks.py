"""What has to hold before anything is measured, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.errors import SynthmedError
from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]

DIVERGED = "look at the training log: the network has probably diverged"


def check_class_sizes(class_sizes_px: ArrayLike | None, classes: Sequence[str]) -> Floats:
    """The sizes as an array.

    Returns:
        ``(C,)`` float.

    Raises:
        SynthmedError: where they are not one positive number for each class.
    """
    sizes = np.asarray(np.nan if class_sizes_px is None else class_sizes_px, dtype=float)
    if sizes.shape != (len(classes),) or not (sizes > 0).all():
        raise SynthmedError(
            "centres are matched with one positive size for every class",
            value=class_sizes_px,
            remedy=f"pass {len(classes)} sizes in pixels, in the order {', '.join(classes)}",
        )
    return sizes


def check_boxes(boxes_px: Floats) -> None:
    """Make sure that every truth has a box.

    Raises:
        SynthmedError: where one has none.
    """
    if not np.isfinite(boxes_px).all():
        raise SynthmedError(
            "every object needs a box here, and some have none",
            remedy="fill in class sizes with PointSet.with_sizes, or match by centres",
        )


def check_predictions(predictions: Predictions, truth: PointSet) -> None:
    """Make sure that predictions are numbers, and on the images and classes of the truth.

    Raises:
        SynthmedError: where they are not.
    """
    if not (np.isfinite(predictions.scores).all() and np.isfinite(predictions.boxes_px).all()):
        raise SynthmedError(
            "some predictions have a score or a corner that is not a finite number", remedy=DIVERGED
        )
    for name, values, size in (
        ("image", predictions.image_index, len(truth.images)),
        ("class", predictions.labels, len(truth.classes)),
    ):
        stray = values[(values < 0) | (values >= size)]
        if len(stray):
            raise SynthmedError(
                f"some predictions belong to no {name} of the truth",
                value=int(stray[0]),
                remedy=f"predict on the {size} that the truth has, in its order",
            )


def check_maps(maps: NDArray, classes: Sequence[str]) -> None:
    """Make sure that an image comes with one map of numbers for each class.

    Raises:
        SynthmedError: where it does not.
    """
    if maps.ndim != 3 or len(maps) != len(classes):
        raise SynthmedError(
            f"an image needs one map for each of the {len(classes)} classes",
            value=maps.shape,
            remedy="apply a classifier that was trained on these classes",
        )
    if not np.isfinite(maps).all():
        raise SynthmedError("a map holds a value that is not a finite number", remedy=DIVERGED)
