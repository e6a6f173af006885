"""One field of view: which objects, where, and the image with its exact truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.phantom.cells import draw_bacterium, draw_red_cell, draw_white_cell
from synthmed.phantom.debris import draw_blob, draw_dust, draw_fibre, draw_grains, draw_oxalate
from synthmed.phantom.optics import expose, illumination, transmission
from synthmed.phantom.slide import CLASSES, Slide, draw_slide
from synthmed.phantom.specimen import Specimen

SHAPE_PX = (360, 480)
IMAGES_PER_SLIDE = 8
MOST_OBJECTS = np.array([34, 14, 40])
OVERLAP_SHARE = 0.06
"""How many objects may overlap others at all; the rest lie free, as in a sediment of moderate density."""
PLACEMENT_TRIES = 40
DEBRIS: tuple[tuple[float, Callable[[np.random.Generator], Specimen], tuple[float, float]], ...] = (
    (0.5, draw_grains, (0, 3)),
    (0.1, draw_oxalate, (0, 2)),
    (0.08, draw_fibre, (0, 4)),
    (0.17, draw_dust, (0, 6)),
    (0.15, draw_blob, (9, 25)),
)
"""Share among all debris, how it is drawn, and how far (um, from and to) it lies above or below the cells."""


@dataclass(frozen=True, eq=False)
class PhantomImage:
    """A simulated field with its truth, from geometry rather than from thresholds.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        boxes_px: ``(N, 4)`` row0, col0, row1, col1, half-open, clipped to the image; the extent of the whole
            outline, also where another object lies over it.
        centers_px: ``(N, 2)`` row, column of the box's centre.
        labels: ``(N,)`` index into `CLASSES`.
        edge: ``(N,)`` bool, whether the object reaches the border.
        areas_px: ``(N,)`` pixels of the outline within the image.
        instance_mask: ``(H, W)`` uint16, 0 free, k + 1 object k; where objects overlap, the later one.
        slide: the slide that it is a field of.
    """

    image: NDArray[np.uint8]
    boxes_px: NDArray[np.float64]
    centers_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    edge: NDArray[np.bool_]
    areas_px: NDArray[np.int64]
    instance_mask: NDArray[np.uint16]
    slide: Slide


def simulate(
    seed: int, index: int, *, slide: int | None = None, shape_px: tuple[int, int] = SHAPE_PX
) -> PhantomImage:
    """Field ``index`` of a seed; the same arguments give the same bytes under one numpy and scipy.

    Args:
        seed: of the whole collection.
        index: of the image.
        slide: number of the slide; without it each slide has eight fields in turn.
        shape_px: height and width. One pixel is 0.25 um whatever the shape.

    Examples:
        >>> field = simulate(seed=0, index=0)
        >>> field.image.shape, field.image.dtype.name, field.slide.finding
        ((360, 480, 3), 'uint8', 'haematuria')
        >>> sorted(set(field.labels.tolist()))
        [0, 1]
    """
    of_slide = draw_slide(seed, index // IMAGES_PER_SLIDE if slide is None else slide)
    rng = np.random.default_rng((seed, 1, index))
    light = illumination(of_slide, shape_px)
    instance_mask = np.zeros(shape_px, np.uint16)
    _add_debris(light, of_slide, rng)
    truth = _add_objects(light, instance_mask, of_slide, rng)
    boxes = np.array([box for _, box, _ in truth], float).reshape(-1, 4)
    return PhantomImage(
        image=expose(light, of_slide, rng),
        boxes_px=boxes,
        centers_px=(boxes[:, :2] + boxes[:, 2:]) / 2,
        labels=np.array([label for label, _, _ in truth], np.int64),
        edge=np.any((boxes[:, :2] <= 0) | (boxes[:, 2:] >= np.array(shape_px)), axis=1),
        areas_px=np.array([area for _, _, area in truth], np.int64),
        instance_mask=instance_mask,
        slide=of_slide,
    )


def _add_debris(light: NDArray[np.float32], slide: Slide, rng: np.random.Generator) -> None:
    """Scatter unlabelled things over the field."""
    share = light[0].size / (SHAPE_PX[0] * SHAPE_PX[1])
    kinds = np.array([kind for kind, _, _ in DEBRIS])
    for kind in rng.choice(
        len(DEBRIS), size=min(rng.poisson(slide.debris_rate * share), 15), p=kinds / kinds.sum()
    ):
        _, draw, depths_um = DEBRIS[kind]
        specimen = draw(rng)
        side = len(specimen.support)
        row, col = np.rint(rng.uniform(0, 1, 2) * light.shape[1:] - side / 2).astype(int)
        depth_um = rng.uniform(*depths_um) * rng.choice((-1, 1))
        _pass_light(light, specimen, slide.focus_um + depth_um, (int(row), int(col)))


def _add_objects(
    light: NDArray[np.float32], instance_mask: NDArray[np.uint16], slide: Slide, rng: np.random.Generator
) -> list[tuple[int, tuple[int, int, int, int], int]]:
    """Place and image all labelled objects; large ones first, so that small ones stay visible on top.

    Returns:
        Label, box and area of each object.
    """
    share = instance_mask.size / (SHAPE_PX[0] * SHAPE_PX[1])
    means = slide.rates * share * rng.gamma(4, 1 / 4, 3)
    counts = np.minimum(rng.poisson(means), MOST_OBJECTS)
    colonies = rng.uniform(0.1, 0.9, (2, 2)) * instance_mask.shape
    clustered = rng.random() < 0.4
    truth: list[tuple[int, tuple[int, int, int, int], int]] = []
    for name in ("WBC", "RBC", "Bacteria"):
        label = CLASSES.index(name)
        for _ in range(counts[label]):
            specimen = _draw_object(name, slide, rng)
            near = (
                colonies[rng.integers(2)] if name == "Bacteria" and clustered and rng.random() < 0.7 else None
            )
            origin = _find_place(specimen, instance_mask, near, rng)
            if origin is None:
                continue
            _pass_light(light, specimen, _draw_defocus(name, slide, rng), origin)
            truth.append((label, *_mark(specimen, instance_mask, origin, len(truth) + 1)))
    return truth


def _draw_object(name: str, slide: Slide, rng: np.random.Generator) -> Specimen:
    if name == "RBC":
        return draw_red_cell(rng, slide.tonicity)
    return draw_white_cell(rng) if name == "WBC" else draw_bacterium(rng)


def _draw_defocus(name: str, slide: Slide, rng: np.random.Generator) -> float:
    """Distance (um) from the focal plane: most objects lie on the glass, some cells float."""
    floating = name != "Bacteria" and rng.random() < 0.1
    spread_um = 3.5 if floating else 0.9
    return float(slide.focus_um + rng.normal(0, spread_um))


def _find_place(
    specimen: Specimen,
    instance_mask: NDArray[np.uint16],
    near_px: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> tuple[int, int] | None:
    """A top left corner of the patch where the object overlaps none, or, seldom, up to a fifth of it does.

    The object's centre stays within the image, so at least about a quarter of it can be seen.
    """
    shape = np.array(instance_mask.shape)
    most = 0.2 if rng.random() < OVERLAP_SHARE else 0.0
    half = len(specimen.support) / 2
    for _ in range(PLACEMENT_TRIES):
        center = rng.uniform(0, 1, 2) * shape if near_px is None else rng.normal(near_px, 22.0)
        if (center < 1).any() or (center > shape - 1).any():
            continue
        row, col = np.rint(center - half).astype(int)
        window, patch = _windows(len(specimen.support), (int(row), int(col)), instance_mask.shape)
        visible = specimen.support[patch]
        if (visible & (instance_mask[window] > 0)).sum() <= most * visible.sum():
            return int(row), int(col)
    return None


def _windows(
    side: int, origin: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the image that a patch covers, and that part of the patch."""
    image, patch = [], []
    for start, length in zip(origin, shape, strict=True):
        low, high = max(start, 0), max(min(start + side, length), 0)
        image.append(slice(low, high))
        patch.append(slice(low - start, high - start))
    return (image[0], image[1]), (patch[0], patch[1])


def _pass_light(
    light: NDArray[np.float32], specimen: Specimen, defocus_um: float, origin: tuple[int, int]
) -> None:
    """Send the light of the field through a specimen whose patch begins at ``origin``."""
    window, patch = _windows(len(specimen.support), origin, light.shape[1:])
    light[:, window[0], window[1]] *= transmission(specimen, defocus_um)[:, patch[0], patch[1]]


def _mark(
    specimen: Specimen, instance_mask: NDArray[np.uint16], origin: tuple[int, int], value: int
) -> tuple[tuple[int, int, int, int], int]:
    """Write an object into the mask; returns its box and area within the image."""
    window, patch = _windows(len(specimen.support), origin, instance_mask.shape)
    visible = specimen.support[patch]
    instance_mask[window][visible] = value
    rows, cols = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    top, left = window[0].start, window[1].start
    box = (top + rows[0], left + cols[0], top + rows[-1] + 1, left + cols[-1] + 1)
    return (int(box[0]), int(box[1]), int(box[2]), int(box[3])), int(visible.sum())
