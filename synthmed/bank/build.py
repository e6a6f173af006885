"""Build a bank: cut a patch round every centre of the train split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed._files import file_digest
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.background import Background, estimate_background
from synthmed.bank.clicks import Clicks
from synthmed.bank.debris import DistractorBuilder
from synthmed.bank.distractors import Distractors
from synthmed.bank.duplicates import find_duplicates
from synthmed.bank.emptied import BackdropBuilder, ClickedObjects
from synthmed.bank.guard import guard_splits
from synthmed.bank.patchbank import PatchBank, content_hash
from synthmed.bank.patches import Patches, cut_image
from synthmed.bank.quality import Quality, over_class_median
from synthmed.bank.report import ClassReport
from synthmed.bank.spec import BankSpec
from synthmed.errors import BankError
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import open_image

Progress = Callable[[int, int], None]

_MOST_MARGIN = 0.15
"""How far off the edge of its object a box may run, as a share of the class size."""

_MARGIN_PX = 64
"""How much of a large image is read round the patches, for the background beside them."""


class _Look(NamedTuple):
    """What is noted of each source image."""

    background: Background
    window: tuple[float, float]
    digest: str


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
            "classes without a size",
            value=", ".join(missing),
            remedy="add them to sizes_px, or let resolve_sizes estimate them (--size auto)",
        )
    kept = guard_splits(points, spec)
    sizes_px = np.array([spec.sizes_px[name] for name in kept.classes])
    rng = np.random.default_rng(spec.seed)
    factor = rng.uniform(1 - spec.variation, 1 + spec.variation, size=len(kept))
    sides_px = np.maximum(3, np.rint(sizes_px[kept.labels] * factor)).astype(np.int64)

    cut = Patches()
    looks: list[_Look] = []
    backdrops = BackdropBuilder(len(kept.images), spec)
    distractors = DistractorBuilder(len(kept.images), spec)
    for number, (name, index) in enumerate(zip(kept.images, kept.by_image(), strict=True)):
        path = resolve_inside(images_dir, name)
        with open_image(path) as source:
            background = estimate_background(source.sample())
            looks.append(_Look(background, source.window or (np.nan, np.nan), file_digest(path)))
            reach_px = int(sides_px[index].max(initial=0)) + _MARGIN_PX
            for block in source.blocks(kept.centers_px[index], reach_px):
                near = index[block.points]
                at_px, of_class_px = kept.centers_px[near] - block.corner_px, sizes_px[kept.labels[near]]
                owners = cut_image(
                    cut,
                    block.image,
                    near,
                    at_px,
                    of_class_px,
                    sides_px[near],
                    background,
                    spec,
                    own=block.own,
                    edge=kept.edge[near],
                )
                objects = ClickedObjects(at_px, of_class_px, owners)
                for pieces in (backdrops, distractors):
                    pieces.add(number, block, objects, background)
        if progress is not None:
            progress(number + 1, len(kept.images))
    if not cut.point:
        raise BankError(
            f"none of the {len(kept)} points gave a patch: every patch crosses the border of its image",
            remedy="check the class sizes (--size), or keep such patches (--border pad)",
        )
    labels = kept.labels[np.array(cut.point)]
    quality = _quality(cut, labels, len(kept.classes))
    fate = _fate(quality, labels, cut, spec)
    if (fate > 0).all():
        raise BankError(
            f"none of the {len(kept)} points gave a patch: hardly anything stands out from the background",
            remedy="check that the points lie on objects (x and y swapped, another unit?): `synthmed points "
            "check` tells; or lower --min-contrast and --min-focus",
        )
    others = backdrops.backdrops(), distractors.distractors()
    return _assemble(kept, spec, sizes_px, cut, quality, fate, looks, *others)


def _quality(cut: Patches, labels: NDArray[np.int64], classes: int) -> Quality:
    rows = np.array(cut.measured, dtype=np.float64)
    segmented, contrast, sharpness, solidity, touching, off_center, truncated, nearest, *extents = rows.T
    return Quality(
        segmented=segmented > 0,
        contrast=contrast,
        focus=over_class_median(sharpness, labels, classes),
        solidity=solidity,
        touching=touching,
        off_center_px=off_center,
        truncated=truncated > 0,
        nearest_px=nearest,
        duplicate=find_duplicates(np.array(cut.thumbnails), labels),
        object_height_px=extents[0],
        object_width_px=extents[1],
        object_diameter_px=extents[2],
    )


_FAINT, _BLURRED, _HIDDEN, _DUPLICATE = 1, 2, 3, 4


def _fate(quality: Quality, labels: NDArray[np.int64], cut: Patches, spec: BankSpec) -> NDArray[np.int64]:
    """Why each patch is dropped, the first reason that holds; 0 for those that are kept."""
    faint = quality.contrast < spec.min_contrast * np.maximum(cut.noise, 1.0)
    blurred = quality.focus < spec.min_focus
    # Some classes are bent by nature, so it is the others of the class that tell what is whole.
    whole = over_class_median(quality.solidity, labels, int(labels.max()) + 1)
    hidden = (whole < spec.min_solidity) & (np.array(cut.rim_px) > 0)
    twice = quality.duplicate & (not spec.keep_duplicates)
    reasons = [faint, blurred, hidden, twice]
    return np.select(reasons, [_FAINT, _BLURRED, _HIDDEN, _DUPLICATE], default=0).astype(np.int64)


def _report(
    kept: PointSet,
    spec: BankSpec,
    cut: Patches,
    quality: Quality,
    fate: NDArray[np.int64],
) -> tuple[ClassReport, ...]:
    labels = kept.labels[np.array(cut.point)]
    of_crossing = kept.labels[np.array(cut.crossing, dtype=np.int64)]
    crowded = np.array(cut.other_centers) > 0
    rounded = ((np.array(cut.rim_px) == 0) | ~quality.segmented) & spec.follows_outline
    report = []
    for label, name in enumerate(kept.classes):
        own = labels == label
        points = int((kept.labels == label).sum())
        stays = own & (fate == 0)
        report.append(
            ClassReport(
                name,
                points=points,
                crossing=int((of_crossing == label).sum()),
                dropped=points - int(own.sum()),
                patches=int(stays.sum()),
                crowded=int((stays & crowded).sum()),
                faint=int((own & (fate == _FAINT)).sum()),
                blurred=int((own & (fate == _BLURRED)).sum()),
                hidden=int((own & (fate == _HIDDEN)).sum()),
                duplicates=int((own & (fate == _DUPLICATE)).sum()),
                unsegmented=int((stays & ~quality.segmented).sum()),
                truncated=int((stays & quality.truncated).sum()),
                rounded=int((stays & rounded).sum()),
            )
        )
    return tuple(report)


def _rims(
    rims_px: NDArray[np.float64],
    labels: NDArray[np.int64],
    quality: Quality,
    sizes_px: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How far inside its patch the box of each object runs, ``(P,)``.

    A mask ends at the physical edge, and people draw boxes somewhat off it. So the boxes of a class's whole
    objects are widened alike until their mean side is the size of the class.
    """
    rims: NDArray[np.float64] = rims_px.copy()
    extents = (quality.object_height_px + quality.object_width_px) / 2
    outlined = (rims > 0) & quality.segmented
    for label, size_px in enumerate(sizes_px):
        own = outlined & (labels == label)
        whole = own & ~quality.truncated
        if whole.any():
            margin = (size_px - float(extents[whole].mean())) / 2
            rims[own] -= np.clip(margin, -_MOST_MARGIN * size_px, _MOST_MARGIN * size_px)
    return rims


def _assemble(
    kept: PointSet,
    spec: BankSpec,
    sizes_px: NDArray[np.float64],
    cut: Patches,
    quality: Quality,
    fate: NDArray[np.int64],
    looks: list[_Look],
    backdrops: Backdrops,
    distractors: Distractors,
) -> PatchBank:
    chosen = np.flatnonzero(fate == 0)
    point = np.array(cut.point, dtype=np.int64)[chosen]
    shapes = np.array([cut.mattes[i].shape for i in chosen], dtype=np.int64)
    image_of_patch = kept.image_index[point]
    stays = quality.select(fate == 0)
    bank = PatchBank(
        spec=spec,
        classes=kept.classes,
        sizes_px=sizes_px,
        labels=kept.labels[point],
        shapes_px=shapes,
        offsets=np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]]).astype(np.int64),
        centers_px=kept.centers_px[point],
        cut_off=np.array(cut.cut_off)[chosen],
        other_centers=np.array(cut.other_centers, dtype=np.int64)[chosen],
        backgrounds=np.array(cut.background)[chosen],
        rims_px=_rims(np.array(cut.rim_px, dtype=np.float64)[chosen], kept.labels[point], stays, sizes_px),
        quality=stays,
        source_images=np.array(kept.images, dtype=str)[image_of_patch],
        annotation_ids=kept.annotation_ids[point].astype(str),
        splits=np.array(kept.splits, dtype=str)[image_of_patch],
        groups=np.array(kept.groups, dtype=str)[image_of_patch],
        pixels=np.concatenate([cut.pixels[i].reshape(-1, 3) for i in chosen]),
        mattes=np.concatenate([cut.mattes[i].ravel() for i in chosen]),
        images=kept.images,
        image_shapes_px=kept.image_shapes_px.astype(np.int64),
        image_counts=kept.counts(),
        image_backgrounds=np.array([look.background.color for look in looks]),
        image_noises=np.array([look.background.noise for look in looks]),
        image_windows=np.array([look.window for look in looks], dtype=np.float64),
        image_digests=np.array([look.digest for look in looks], dtype=str),
        report=_report(kept, spec, cut, quality, fate),
        backdrops=backdrops,
        clicks=Clicks(kept.image_index, kept.labels, kept.centers_px, kept.annotation_ids.astype(str)),
        distractors=distractors,
    )
    return replace(bank, hash=content_hash(bank))
