"""`PointSet`: what the expert clicked, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from synthmed.points.spread import evenly

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class PointSet:
    """Centres of objects on a set of images, with class, split and group.

    Coordinates are in array order, ``(row, column)`` or ``(plane, row, column)``, in pixels, with pixel
    centres at integers plus one half. Images without any point are kept: they are negatives.

    Attributes:
        classes: the class names; ``labels`` index into them.
        images: one relative POSIX path per image, within the image folder.
        image_shapes_px: ``(I, D)`` int, the spatial shape of each image.
        splits: one of `SPLITS` per image.
        groups: the slide or patient of each image, ``""`` where unknown.
        centers_px: ``(N, D)`` float.
        image_index: ``(N,)`` int, the image of each point.
        labels: ``(N,)`` int, the class of each point.
        annotation_ids: ``(N,)`` str, the id that the source gave the point (else its row).
        edge: ``(N,)`` bool, whether the source says that the object touches the border. Such objects
            are ignore regions in every evaluation.
        sizes_px: ``(N, D)`` float, the object's extents where the source has boxes, else NaN. They are
            truth for evaluation and for the baseline trained on real boxes; a bank never reads them.
        unsaid: ``"splits"`` where the source names none, so that `default_splits` chose them, and ``"edge"``
            where it marks no object, so that all are False. Writers leave these out.
    """

    classes: tuple[str, ...]
    images: tuple[str, ...]
    image_shapes_px: NDArray[np.int64]
    splits: tuple[str, ...]
    groups: tuple[str, ...]
    centers_px: NDArray[np.float64]
    image_index: NDArray[np.int64]
    labels: NDArray[np.int64]
    annotation_ids: NDArray[np.str_]
    edge: NDArray[np.bool_]
    sizes_px: NDArray[np.float64]
    unsaid: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        count, images = len(self.labels), len(self.images)
        for name in ("centers_px", "image_index", "annotation_ids", "edge", "sizes_px"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows, labels has {count}")
        for name in ("image_shapes_px", "splits", "groups"):
            if len(getattr(self, name)) != images:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries, images has {images}")
        if self.centers_px.ndim != 2 or self.centers_px.shape[1:] != self.image_shapes_px.shape[1:]:
            raise ValueError("centers_px and image_shapes_px must share the number of spatial axes")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return int(self.centers_px.shape[1])

    @property
    def has_sizes(self) -> bool:
        """Whether every point comes with extents, so that boxes are known."""
        return bool(np.isfinite(self.sizes_px).all())

    def boxes_px(self) -> NDArray[np.float64]:
        """``(N, 2 * D)`` boxes, low corner then high corner; NaN where the source had no extents."""
        half = self.sizes_px / 2
        return np.concatenate([self.centers_px - half, self.centers_px + half], axis=1)

    def with_sizes(self, class_sizes_px: NDArray[np.float64]) -> PointSet:
        """The same points, each with the size of its class where its own is unknown.

        Args:
            class_sizes_px: ``(C,)`` float, the side of each class.
        """
        own = np.isfinite(self.sizes_px)
        of_class = np.repeat(np.asarray(class_sizes_px, float)[self.labels][:, None], self.ndim, axis=1)
        return replace(self, sizes_px=np.where(own, self.sizes_px, of_class))

    def select(self, keep: NDArray[np.bool_]) -> PointSet:
        """The points where ``keep`` (``(N,)`` bool) holds; every image stays."""
        per_point = {
            f.name: getattr(self, f.name)[keep]
            for f in fields(self)
            if f.name in ("centers_px", "image_index", "labels", "annotation_ids", "edge", "sizes_px")
        }
        return replace(self, **per_point)

    def of_split(self, *splits: str) -> PointSet:
        """The images of the given splits and their points."""
        chosen = self.of_images(np.isin(np.array(self.splits, dtype=str), splits))
        return replace(chosen, unsaid=self.unsaid - {"splits"})  # a part would be shared out anew

    def of_images(self, keep: NDArray[np.bool_]) -> PointSet:
        """The images where ``keep`` (``(I,)`` bool) holds, and their points."""
        keep = np.asarray(keep, dtype=bool)
        points = self.select(keep[self.image_index]) if len(self) else self
        new_index = np.cumsum(keep) - 1
        chosen = np.flatnonzero(keep)
        return replace(
            points,
            images=tuple(self.images[i] for i in chosen),
            image_shapes_px=self.image_shapes_px[keep],
            splits=tuple(self.splits[i] for i in chosen),
            groups=tuple(self.groups[i] for i in chosen),
            image_index=new_index[points.image_index].astype(np.int64),
        )

    def evenly(self, most: int | None) -> PointSet:
        """At most so many images, evenly spread, and their points; ``None`` for all."""
        keep = np.zeros(len(self.images), dtype=bool)
        keep[list(evenly(range(len(keep)), most))] = True
        return self.of_images(keep)

    def by_image(self) -> list[NDArray[np.int64]]:
        """The numbers of the points of each image, in their order."""
        ends = np.cumsum(np.bincount(self.image_index, minlength=len(self.images)))
        return np.split(np.argsort(self.image_index, kind="stable"), ends[:-1]) if self.images else []

    def counts(self) -> NDArray[np.int64]:
        """``(I, C)`` int: how many objects of each class every image has."""
        counts = np.zeros((len(self.images), len(self.classes)), dtype=np.int64)
        np.add.at(counts, (self.image_index, self.labels), 1)
        return counts
