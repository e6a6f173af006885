"""The last step of every reader: checked rows become a `PointSet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.folder import FoundImage
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.words import Words


@dataclass(frozen=True)
class CheckedPoints:
    """Points that can be used, with their images.

    Attributes:
        images: the usable images, each once.
        splits: ``(I,)`` the split of each image.
        groups: ``(I,)`` the slide or patient of each image, ``""`` where unknown.
        centers_px: ``(N, 2)`` float, row and column.
        image_index: ``(N,)`` int.
        labels: ``(N,)`` class names, as a list or by their numbers.
        ids: ``(N,)`` annotation ids.
        edge: ``(N,)`` bool.
        sizes_px: ``(N, 2)`` float, height and width, NaN where unknown.
        unsaid: what the source does not tell, as of `PointSet.unsaid`.
    """

    images: Sequence[FoundImage]
    splits: Sequence[str]
    groups: Sequence[str]
    centers_px: NDArray[np.float64]
    image_index: NDArray[np.int64]
    labels: Sequence[str] | Words
    ids: Sequence[str] | NDArray[np.str_]
    edge: NDArray[np.bool_]
    sizes_px: NDArray[np.float64]
    unsaid: frozenset[str] = frozenset()


def assemble(
    points: CheckedPoints, classes: Sequence[str] | None, *, file: object, log: ProblemLog
) -> PointSet:
    """The `PointSet` of checked points.

    Args:
        points: what a reader found usable.
        classes: the classes in order; by default the names that occur, sorted.
        file: the file, for the message.
        log: what was skipped, for the message.

    Raises:
        PointsError: if there is no point.
    """
    labels = points.labels if isinstance(points.labels, Words) else Words.of(points.labels)
    if not len(labels.codes):
        raise PointsError(
            "no usable point is left",
            file=file,
            value=log.summary() or "no points",
            remedy="mend the rows, and check that the image folder belongs to this file",
        )
    names = tuple(sorted(labels.words) if classes is None else classes)
    index_of = {name: index for index, name in enumerate(names)}
    return PointSet(
        classes=names,
        images=tuple(image.name for image in points.images),
        image_shapes_px=np.array([image.shape_px for image in points.images], dtype=np.int64).reshape(-1, 2),
        splits=tuple(points.splits),
        groups=tuple(points.groups),
        centers_px=points.centers_px,
        image_index=points.image_index,
        labels=np.array([index_of[word] for word in labels.words], dtype=np.int64)[labels.codes],
        annotation_ids=np.array(points.ids, dtype=np.str_),
        edge=points.edge,
        sizes_px=points.sizes_px,
        unsaid=points.unsaid,
    )


def check_arguments(classes: Sequence[str] | None, split: str | None) -> None:
    """Check what a caller passes to a reader.

    Raises:
        PointsError: if ``classes`` is empty or has a name twice or an empty one, or ``split`` is none of
            `SPLITS`.
    """
    if classes is not None and (not classes or len(set(classes)) < len(classes) or not all(classes)):
        raise PointsError(
            "the classes are not distinct names", value=tuple(classes), remedy="name at least one, each once"
        )
    if split is not None and split not in SPLITS:
        raise PointsError(
            "the split is not train, val or test", value=split, remedy="write train, val or test"
        )
