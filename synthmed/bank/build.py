"""Build a bank: cut a patch round every centre of the train split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.background import Background, estimate_background
from synthmed.bank.cut import Windows, cut_patch, local_background, place_windows
from synthmed.bank.guard import guard_splits
from synthmed.bank.matte import round_matte, square_matte
from synthmed.bank.patchbank import ClassReport, PatchBank, content_hash
from synthmed.bank.spec import BankSpec
from synthmed.errors import BankError
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import open_image

Progress = Callable[[int, int], None]

_MARGIN_PX = 64
"""How much of a large image is read round the patches, for the background beside them."""


@dataclass
class _Cut:
    """What has been cut so far, one entry per patch."""

    point: list[int] = field(default_factory=list)
    shape: list[tuple[int, int]] = field(default_factory=list)
    cut_off: list[float] = field(default_factory=list)
    other_centers: list[int] = field(default_factory=list)
    background: list[NDArray[np.float64]] = field(default_factory=list)
    pixels: list[NDArray[np.uint8]] = field(default_factory=list)
    mattes: list[NDArray[np.uint8]] = field(default_factory=list)


def build_bank(
    points: PointSet, images_dir: Path, spec: BankSpec, *, progress: Progress | None = None
) -> PatchBank:
    """Cut a patch round every centre of the splits that the spec names.

    Only centres are read: extents that the points may carry (`PointSet.sizes_px`) have no influence.

    Args:
        points: centres in 2-D images; all splits, so that leaks can be seen.
        images_dir: the folder that the image names are relative to.
        spec: sizes and policies.
        progress: called with images done and images in all.

    Raises:
        BankError: a class has no size, a group leaks, the points are not two-dimensional, or no patch is
            left.
        PointsError: an image cannot be read.
    """
    if points.ndim != 2:
        raise BankError("patches are cut from 2-D images", value=f"{points.ndim} axes")
    missing = [name for name in points.classes if name not in spec.sizes_px]
    if missing:
        raise BankError(
            "classes without a size", value=", ".join(missing), remedy="pass --size CLASS=...px or auto"
        )
    kept = guard_splits(points, spec)
    sizes_px = np.array([spec.sizes_px[name] for name in kept.classes])
    rng = np.random.default_rng(spec.seed)
    factor = rng.uniform(1 - spec.variation, 1 + spec.variation, size=len(kept))
    sides_px = np.maximum(3, np.rint(sizes_px[kept.labels] * factor)).astype(np.int64)

    cut = _Cut()
    backgrounds: list[Background] = []
    crossing = np.zeros(len(kept), dtype=bool)
    for number, (name, index) in enumerate(zip(kept.images, kept.by_image(), strict=True)):
        with open_image(resolve_inside(images_dir, name)) as source:
            backgrounds.append(estimate_background(source.sample()))
            reach_px = int(sides_px[index].max(initial=0)) + _MARGIN_PX
            for block in source.blocks(kept.centers_px[index], reach_px):
                near = index[block.points]
                centers_px = kept.centers_px[near] - block.corner_px
                windows = place_windows(
                    centers_px, sides_px[near], np.array(block.image.shape[:2]), spec.border
                )
                windows = windows._replace(usable=windows.usable & block.own)
                crossing[near[block.own]] = windows.cut_off[block.own] > 0
                _cut_image(cut, block.image, near, centers_px, windows, backgrounds[-1], spec)
        if progress is not None:
            progress(number + 1, len(kept.images))
    if not cut.point:
        raise BankError(
            f"none of the {len(kept)} points gave a patch: every patch crosses the border of its image",
            remedy="check the class sizes, or pass --border shift or --border pad",
        )
    return _assemble(kept, spec, sizes_px, cut, backgrounds, crossing)


def _cut_image(
    cut: _Cut,
    image: NDArray[np.uint8],
    index: NDArray[np.int64],
    centers_px: NDArray[np.float64],
    windows: Windows,
    background: Background,
    spec: BankSpec,
) -> None:
    """Cut the usable windows of one image; ``index`` holds the points' numbers in the whole set."""
    for i in np.flatnonzero(windows.usable):
        low, high = windows.low_px[i], windows.high_px[i]
        around = local_background(image, low, high, background)
        patch, shown = cut_patch(image, low, high, around)
        shape = (patch.shape[0], patch.shape[1])
        matte = square_matte(shape) if spec.matte == "square" else round_matte(shape, spec.feather)
        cut.point.append(int(index[i]))
        cut.shape.append(shape)
        cut.cut_off.append(float(windows.cut_off[i]))
        cut.other_centers.append(_count_others(centers_px, int(i), low, matte))
        cut.background.append(around)
        cut.pixels.append(patch.reshape(-1, 3))
        cut.mattes.append(np.where(shown, matte, 0).astype(np.uint8).ravel())


def _count_others(
    centers_px: NDArray[np.float64], own: int, low_px: NDArray[np.int64], matte: NDArray[np.uint8]
) -> int:
    """How many other centres lie where the matte keeps the patch."""
    pixel = np.floor(centers_px).astype(np.int64) - low_px
    inside = np.all((pixel >= 0) & (pixel < matte.shape), axis=1)
    inside[own] = False
    rows, columns = pixel[inside].T
    return int((matte[rows, columns] > 0).sum())


def _assemble(
    kept: PointSet,
    spec: BankSpec,
    sizes_px: NDArray[np.float64],
    cut: _Cut,
    backgrounds: list[Background],
    crossing: NDArray[np.bool_],
) -> PatchBank:
    point = np.array(cut.point, dtype=np.int64)
    shapes = np.array(cut.shape, dtype=np.int64)
    labels = kept.labels[point]
    other_centers = np.array(cut.other_centers, dtype=np.int64)
    image_of_patch = kept.image_index[point]
    report = tuple(
        ClassReport(
            name,
            points=int((kept.labels == label).sum()),
            crossing=int(crossing[kept.labels == label].sum()),
            dropped=int((kept.labels == label).sum() - (labels == label).sum()),
            patches=int((labels == label).sum()),
            crowded=int((other_centers[labels == label] > 0).sum()),
        )
        for label, name in enumerate(kept.classes)
    )
    bank = PatchBank(
        spec=spec,
        classes=kept.classes,
        sizes_px=sizes_px,
        labels=labels,
        shapes_px=shapes,
        offsets=np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]]).astype(np.int64),
        centers_px=kept.centers_px[point],
        cut_off=np.array(cut.cut_off),
        other_centers=other_centers,
        backgrounds=np.array(cut.background),
        source_images=np.array(kept.images, dtype=str)[image_of_patch],
        annotation_ids=kept.annotation_ids[point].astype(str),
        splits=np.array(kept.splits, dtype=str)[image_of_patch],
        groups=np.array(kept.groups, dtype=str)[image_of_patch],
        pixels=np.concatenate(cut.pixels),
        mattes=np.concatenate(cut.mattes),
        images=kept.images,
        image_shapes_px=kept.image_shapes_px.astype(np.int64),
        image_counts=kept.counts(),
        image_backgrounds=np.array([background.color for background in backgrounds]),
        image_noises=np.array([background.noise for background in backgrounds]),
        report=report,
    )
    return replace(bank, hash=content_hash(bank))
