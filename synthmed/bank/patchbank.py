"""`PatchBank`: the patches of a set of images, with everything a scene needs to know of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops
from synthmed.bank.clicks import NO_CLICKS, Clicks, clicks_bytes
from synthmed.bank.distractors import NO_DISTRACTORS, Distractors, distractors_bytes
from synthmed.bank.matte import HALF_LEVEL, HALO_LEVEL
from synthmed.bank.quality import QUALITY_COLUMNS, Quality
from synthmed.bank.report import ClassReport
from synthmed.bank.spec import BankSpec

_FEWEST_FOR_A_SPREAD = 5

_MOST_ALIKE = 3
"""From so many backdrops is chosen for an image that has none itself."""

Settings = TypeVar("Settings")
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, eq=False)
class PatchBank:
    """Patches with pixels, matte and provenance; P patches cut from I images of C classes.

    Pixels of all patches lie flat one after the other (`pixels`, `mattes`), so that a bank of any size is
    two files that are opened memory-mapped and shared by every worker.

    Attributes:
        spec: how the patches were cut.
        classes: the class names.
        sizes_px: ``(C,)`` float, the side of each class in source pixels.
        labels: ``(P,)`` int.
        shapes_px: ``(P, 2)`` int, height and width.
        offsets: ``(P,)`` int, the first pixel of each patch in `pixels` and `mattes`.
        centers_px: ``(P, 2)`` float, the clicked centre in its image, ``(row, column)``.
        cut_off: ``(P,)`` float, the share of the patch that lay outside the image before the border policy.
        other_centers: ``(P,)`` int, centres of other objects under the matte: such a patch would put an
            unlabelled object into a scene.
        backgrounds: ``(P, 3)`` float, the background colour round the patch.
        rims_px: ``(P,)`` float, how far inside the patch the box of its object runs; less than 0 where that
            is the larger one.
        quality: contrast, focus, place and extents of each object.
        source_images: ``(P,)`` str.
        annotation_ids: ``(P,)`` str.
        splits: ``(P,)`` str.
        groups: ``(P,)`` str.
        pixels: ``(T, 3)`` uint8, RGB.
        mattes: ``(T,)`` uint8, 255 where all of the pixel comes along; `object_levels` says from
            where on it belongs to the object.
        images: the ``I`` source images, also those without a patch.
        image_shapes_px: ``(I, 2)`` int.
        image_counts: ``(I, C)`` int, how many objects of each class each image has.
        image_backgrounds: ``(I, 3)`` float.
        image_noises: ``(I,)`` float, standard deviation of the background in grey levels.
        image_windows: ``(I, 2)`` float, the levels shown black and white; NaN for images of 8 bits.
        image_digests: ``(I,)`` str, `synthmed._files.file_digest`: it finds the same image file whatever its
            name.
        report: what became of the points, per class.
        backdrops: some of the source images without their objects.
        clicks: all points of the source images, also those without a patch.
        distractors: pieces of source images on which no point lies.
        hash: hex digest of all the above.
    """

    spec: BankSpec
    classes: tuple[str, ...]
    sizes_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    shapes_px: NDArray[np.int64]
    offsets: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    cut_off: NDArray[np.float64]
    other_centers: NDArray[np.int64]
    backgrounds: NDArray[np.float64]
    rims_px: NDArray[np.float64]
    quality: Quality
    source_images: NDArray[np.str_]
    annotation_ids: NDArray[np.str_]
    splits: NDArray[np.str_]
    groups: NDArray[np.str_]
    pixels: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    images: tuple[str, ...]
    image_shapes_px: NDArray[np.int64]
    image_counts: NDArray[np.int64]
    image_backgrounds: NDArray[np.float64]
    image_noises: NDArray[np.float64]
    image_windows: NDArray[np.float64]
    image_digests: NDArray[np.str_]
    report: tuple[ClassReport, ...]
    backdrops: Backdrops = NO_BACKDROPS
    clicks: Clicks = NO_CLICKS
    distractors: Distractors = NO_DISTRACTORS
    hash: str = ""
    _prepared: dict[Callable[..., Any], tuple[Any, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(self.labels)

    def patch(self, index: int) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8, the pixels of one patch."""
        height, width = self.shapes_px[index]
        start = self.offsets[index]
        return self.pixels[start : start + height * width].reshape(height, width, 3)

    def matte(self, index: int) -> NDArray[np.uint8]:
        """``(h, w)`` uint8, the matte of one patch."""
        height, width = self.shapes_px[index]
        start = self.offsets[index]
        return self.mattes[start : start + height * width].reshape(height, width)

    @cached_property
    def object_levels(self) -> NDArray[np.int64]:
        """``(P,)`` int, the level of each matte from which on a pixel belongs to the object."""
        halo = (self.spec.matte == "halo") & (self.rims_px != 0)
        return np.where(halo, HALO_LEVEL, HALF_LEVEL).astype(np.int64)

    @cached_property
    def pools(self) -> tuple[NDArray[np.int64], ...]:
        """Per class the patches that scenes draw from.

        These are the whole objects without another object's centre: one that the border of its image cuts
        would show a straight edge in the middle of a scene. A class without any falls back to whole objects,
        then to patches without another centre, then to all: an imperfect example is worth more than none.
        """
        pools = []
        for label in range(len(self.classes)):
            of_class = np.flatnonzero(self.labels == label)
            whole, alone = ~self.quality.truncated[of_class], self.other_centers[of_class] == 0
            choices = (of_class[good] for good in (whole & alone, whole, alone))
            pools.append(next((chosen for chosen in choices if len(chosen)), of_class))
        return tuple(pools)

    @cached_property
    def pool_sizes(self) -> NDArray[np.int64]:
        """``(C,)`` int, how many patches each pool has."""
        return np.array([len(pool) for pool in self.pools], dtype=np.int64)

    @cached_property
    def pooled(self) -> NDArray[np.int64]:
        """The pools one after the other."""
        return np.concatenate(self.pools)

    def prepared(self, prepare: Callable[[PatchBank, Settings], Prepared], settings: Settings) -> Prepared:
        """What scenes work out from a bank and a part of their recipe, kept for the next scene.

        One result is kept for each function, that of the last settings: all scenes of a series have the same.

        Args:
            prepare: works it out; called with the bank and the settings.
            settings: the part of the recipe that it depends on.
        """
        kept = self._prepared.get(prepare)
        if kept is None or (kept[0] is not settings and kept[0] != settings):
            kept = self._prepared[prepare] = (settings, prepare(self, settings))
        made: Prepared = kept[1]
        return made

    @cached_property
    def size_spreads(self) -> NDArray[np.float64]:
        """``(C,)`` float, how much the diameters of a class's objects vary, as a share of their median.

        It is the deviation of a normal distribution with the same quartiles, over whole segmented objects;
        NaN where there are fewer than five. Scenes may vary sizes by as much.
        """
        spreads = np.full(len(self.classes), np.nan)
        for label in range(len(self.classes)):
            whole = (self.labels == label) & self.quality.segmented & ~self.quality.truncated
            diameters = self.quality.object_diameter_px[whole]
            if len(diameters) >= _FEWEST_FOR_A_SPREAD:
                low, median, high = np.percentile(diameters, (25, 50, 75))
                spreads[label] = (high - low) / 1.349 / median
        return spreads

    @cached_property
    def backdrops_like(self) -> tuple[NDArray[np.int64], ...]:
        """Per source image its own backdrops, or without any those of the images most like it in colour."""
        own = self.backdrops.image_index
        colors = self.image_backgrounds[own]
        alike = []
        for index, color in enumerate(self.image_backgrounds):
            these = np.flatnonzero(own == index)
            if not len(these):
                away = np.abs(colors - color).max(axis=1, initial=0)
                these = np.argsort(away, kind="stable")[:_MOST_ALIKE]
            alike.append(these)
        return tuple(alike)

    @cached_property
    def median_image_shape_px(self) -> tuple[float, float]:
        """Median height and width of the source images."""
        height, width = np.median(self.image_shapes_px, axis=0)
        return float(height), float(width)


def content_hash(bank: PatchBank) -> str:
    """SHA-256 over everything in a bank but the hash itself, as hex."""
    digest = hashlib.sha256(bank.spec.model_dump_json().encode())
    digest.update("\0".join([*bank.classes, "", *bank.images]).encode())
    digest.update(repr([tuple(row) for row in bank.report]).encode())
    for name, dtype in _HASHED.items():
        array = getattr(bank, name)
        digest.update(f"\0{name}{array.shape}".encode())
        if dtype is None:
            digest.update("\0".join(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
    for name in ("image_index", "shapes_px", "pixels"):
        array = getattr(bank.backdrops, name)
        array = np.ascontiguousarray(array, dtype="|u1" if name == "pixels" else "<i8")
        digest.update(f"\0backdrops.{name}{array.shape}".encode() + array.tobytes())
    digest.update(clicks_bytes(bank.clicks))
    digest.update(distractors_bytes(bank.distractors))
    for name in QUALITY_COLUMNS:
        column = np.ascontiguousarray(getattr(bank.quality, name), dtype="<f8")
        digest.update(f"\0{name}{column.shape}".encode() + column.tobytes())
    return digest.hexdigest()


# Little-endian and of fixed width, so that the hash is the same on every machine; None: text.
_HASHED: dict[str, str | None] = {
    "sizes_px": "<f8",
    "labels": "<i8",
    "shapes_px": "<i8",
    "centers_px": "<f8",
    "cut_off": "<f8",
    "other_centers": "<i8",
    "backgrounds": "<f8",
    "source_images": None,
    "annotation_ids": None,
    "splits": None,
    "groups": None,
    "pixels": "|u1",
    "mattes": "|u1",
    "rims_px": "<f8",
    "image_shapes_px": "<i8",
    "image_counts": "<i8",
    "image_backgrounds": "<f8",
    "image_noises": "<f8",
    "image_windows": "<f8",
    "image_digests": None,
}
