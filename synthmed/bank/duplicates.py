"""Near-duplicates: the same object cut twice, from overlapping fields of view or a doubled click."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL_PX = 16

_LEAST_CORRELATION = 0.995
"""Of thumbnails less the mean of their class. The same field twice gives 1, two living cells up to 0.99."""

_MOST_AXES = 12
_ENOUGH_FOR_A_MEAN = 24
"""Of few patches the mean is like each of them, and taking it off leaves noise."""

_LEAST_OF_FEW = 0.999
"""The correlation where no mean was taken off: any two round cells have 0.99."""

_LEAST_LENGTH = 2.0 * THUMBNAIL_PX
"""A thumbnail is flat where its grey levels vary by less than two."""


def thumbnail(
    image: NDArray[np.uint8], low_px: NDArray[np.int64], high_px: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """A window averaged down to ``(16, 16)`` uint8 grey; what is outside the image repeats its border."""
    rows, columns = (
        np.clip(np.arange(a, b), 0, n - 1) for a, b, n in zip(low_px, high_px, image.shape[:2], strict=True)
    )
    seen = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    grey = (seen[:, :, 0].astype(np.float64) + seen[:, :, 1] + seen[:, :, 2]) / 3
    window = grey[np.ix_(rows - rows[0], columns - columns[0])].astype(np.float32)
    small = Image.fromarray(window).resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    return np.asarray(np.clip(np.rint(np.asarray(small)), 0, 255), dtype=np.uint8)


def find_duplicates(thumbnails: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which patches show what an earlier patch of their class shows.

    Thumbnails are compared by their correlation after the mean thumbnail of the class is taken off: all red
    cells are round, so what counts is how they differ from that. Projections onto the main axes are never
    farther apart than the thumbnails themselves, so a tree over those finds all candidates.

    Args:
        thumbnails: ``(P, 16, 16)`` uint8.
        labels: ``(P,)`` int.

    Returns:
        ``(P,)`` bool. Of several alike, the first is not marked.
    """
    duplicate = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        duplicate[own] = _alike(thumbnails[own].reshape(len(own), -1).astype(np.float32))
    return duplicate


def _alike(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of ``(P, T)`` vectors correlate with an earlier one."""
    from scipy.spatial import cKDTree

    marked = np.ones(len(vectors), dtype=bool)
    # The very same pixels first: many of them would be pairs without end. Then without those that are flat,
    # which show nothing that could be alike.
    first = np.unique(vectors, axis=0, return_index=True)[1]
    marked[first] = False
    unit = vectors - vectors.mean(axis=1, keepdims=True)
    least = _LEAST_OF_FEW
    if len(vectors) > _ENOUGH_FOR_A_MEAN:
        least = _LEAST_CORRELATION
        unit -= unit.mean(axis=0)
    lengths = np.linalg.norm(unit, axis=1)
    flat = lengths <= _LEAST_LENGTH
    marked[flat] = False
    rest = np.sort(first[~flat[first]])
    if len(rest) < 2:
        return marked
    unit = unit[rest] / lengths[rest, None]
    axes = np.linalg.eigh((unit.T @ unit).astype(np.float64))[1][:, -_MOST_AXES:].astype(np.float32)
    near = float(np.sqrt(2 - 2 * least))
    pairs = cKDTree(unit @ axes).query_pairs(near, output_type="ndarray")
    for part in np.array_split(pairs, max(1, len(pairs) // 100_000)):
        alike = np.einsum("ij,ij->i", unit[part[:, 0]], unit[part[:, 1]]) >= least
        marked[rest[part[alike].max(axis=1)]] = True
    return marked
