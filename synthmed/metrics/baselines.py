"""Trivial answers that a model has to beat: maps that know no image, and a detector that only counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed.metrics.boxes import boxes_at
from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

Floats = NDArray[np.float64]


def center_gaussian(shape_px: tuple[int, ...], *, sigma: float = 0.25) -> Floats:
    """A bell at the centre of the image.

    Args:
        shape_px: the shape of the image.
        sigma: its standard deviation along each axis, as a share of the image's extent there.

    Returns:
        A map of that shape with its maximum in the middle.

    Examples:
        >>> center_gaussian((3, 3)).round(2)[1].tolist()
        [0.41, 1.0, 0.41]
    """
    cam = np.ones(shape_px)
    for axis, length in enumerate(shape_px):
        offset = (np.arange(length) + 0.5 - length / 2) / (sigma * length)
        bell = np.exp(-(offset**2) / 2)
        cam *= bell.reshape([-1 if other == axis else 1 for other in range(len(shape_px))])
    return cam


def uniform_map(shape_px: tuple[int, ...]) -> Floats:
    """A map that says the same everywhere.

    All its pixels share the maximum, so its pointing game is the area share of the boxes; its energy gain
    is 1, its box the whole image, and it has no peaks.
    """
    return np.ones(shape_px)


def random_detections(
    train: PointSet, truth: PointSet, class_sizes_px: ArrayLike, *, seed: int = 0
) -> Predictions:
    """The detector that has counted the train split and closes its eyes after.

    On each image it puts, for each class, the mean number of objects that train images have (rounded up or
    down by chance so that the mean is kept), as boxes of the class's size at uniformly random places that
    lie within the image, all with score 1.

    Args:
        train: the objects to count; those at the border count too.
        truth: the images to predict on.
        class_sizes_px: ``(C,)`` float.
        seed: of the random places.

    Returns:
        Predictions on the images of ``truth``.
    """
    rng = np.random.default_rng(seed)
    sizes = np.asarray(class_sizes_px, dtype=float)
    means = train.counts().mean(axis=0) if len(train.images) else np.zeros(len(train.classes))
    draws = rng.random((len(truth.images), len(truth.classes)))
    counts = (np.floor(means) + (draws < means % 1)).astype(np.int64)
    image_index, labels = (index.ravel() for index in np.indices(counts.shape))
    image_index, labels = np.repeat(image_index, counts.ravel()), np.repeat(labels, counts.ravel())
    own = sizes[labels]
    # An object larger than the image stands in its middle.
    room = np.maximum(truth.image_shapes_px[image_index] - own[:, None], 0)
    low = (truth.image_shapes_px[image_index] - own[:, None] - room) / 2
    centers_px = low + own[:, None] / 2 + rng.random(room.shape) * room
    return Predictions(image_index, boxes_at(centers_px, own), np.ones(len(labels)), labels)
