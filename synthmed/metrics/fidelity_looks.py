"""What a fidelity report measures on an image; real images and scenes go through the same code."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.background import estimate_background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.objects import disc, disc_windows, find_objects
from synthmed.bank.segment import MATTE_CUT, contrast_floor
from synthmed.metrics.fidelity import nearest_distances

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PIXELS = 16
"""Pixels that are drawn from each object: their distribution over many objects is what is compared."""


_AWAY_PX = 3
_FEWEST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Looks:
    """What was measured on I images with N objects of C classes; lengths in pixels of the source images.

    Attributes:
        counts: ``(I, C)`` int, centres on the image.
        foreground: ``(I,)`` float, percent of pixels that stand out from the background.
        background: ``(I, 3)`` float, its red, green and blue.
        noise: ``(I,)`` float, standard deviation of single pixels of the background in grey levels; NaN where
            hardly any is seen.
        image_index: ``(N,)`` int.
        labels: ``(N,)`` int.
        diameters_px: ``(N,)`` float, of a disc of the object's area; NaN where its outline was not found or
            the border cuts it.
        contrast: ``(N,)`` float, median distance in colour from the background, in grey levels.
        colors: ``(N, 16, 3)`` float, random pixels of each object.
        nearest_px: ``(N,)`` float, to the nearest other centre; NaN where it is the only one.
        nearest_own_px: ``(N,)`` float, to the nearest other centre of the same class.
    """

    counts: Ints
    foreground: Floats
    background: Floats
    noise: Floats
    image_index: Ints
    labels: Ints
    diameters_px: Floats
    contrast: Floats
    colors: Floats
    nearest_px: Floats
    nearest_own_px: Floats

    def __len__(self) -> int:
        return len(self.counts)

    def of_images(self, index: Ints) -> Looks:
        """What was measured on the images of these numbers, in this order of numbers or another."""
        place = np.full(len(self), -1, dtype=np.int64)
        place[index] = np.arange(len(index))
        keep = place[self.image_index] >= 0
        own = {name: getattr(self, name)[index] for name in _PER_IMAGE}
        own |= {f.name: getattr(self, f.name)[keep] for f in fields(self) if f.name not in own}
        own["image_index"] = place[own["image_index"]]
        return Looks(**own)


_PER_IMAGE = ("counts", "foreground", "background", "noise")


def join(looks: list[Looks]) -> Looks:
    """Put the looks at several images together."""
    starts = np.cumsum([0, *(len(look) for look in looks)])
    parts = {f.name: np.concatenate([getattr(look, f.name) for look in looks]) for f in fields(Looks)}
    shifts = np.repeat(starts[:-1], [len(look.labels) for look in looks])
    parts["image_index"] = (parts["image_index"] + shifts).astype(np.int64)
    return Looks(**parts)


def look_at(
    image: Image,
    centers_px: Floats,
    labels: Ints,
    sizes_px: Floats,
    scale: float,
    rng: np.random.Generator,
) -> Looks:
    """Measure one image.

    Args:
        image: ``(H, W, 3)``.
        centers_px: ``(N, 2)`` float, inside the image.
        labels: ``(N,)`` int.
        sizes_px: ``(C,)`` float, the side of each class, in pixels of the source images.
        scale: pixels of the image per pixel of a source image.
        rng: chooses the pixels of each object.
    """
    background = estimate_background(image)
    contrast = np.abs(contrast_map(image, background))
    foreground = contrast > contrast_floor(contrast, background.noise, MATTE_CUT)
    own_px = sizes_px[labels] * scale
    objects = find_objects(image, centers_px, own_px, background)
    whole = objects.found & ~objects.truncated
    centers = centers_px / scale
    return Looks(
        counts=np.bincount(labels, minlength=len(sizes_px))[None].astype(np.int64),
        foreground=np.array([100 * foreground.mean()]),
        background=background.color[None],
        noise=np.array([_ground_noise(image, foreground)]),
        image_index=np.zeros(len(labels), dtype=np.int64),
        labels=labels,
        diameters_px=np.where(whole, objects.diameters_px, np.nan) / scale,
        contrast=objects.contrast,
        colors=_object_pixels(image, objects.labels, objects.found, centers_px, own_px, rng),
        nearest_px=nearest_distances(centers),
        nearest_own_px=nearest_distances(centers, labels),
    )


def _ground_noise(image: Image, foreground: NDArray[np.bool_]) -> float:
    """Noise of single pixels away from objects, from differences of neighbours in both directions.

    `estimate_background` looks at all pixels of its colour, among them the pallor and the rims of crowded
    cells; and along rows alone, where the noise of a camera may differ from that along columns.
    """
    ground = ~ndimage.binary_dilation(foreground, iterations=_AWAY_PX)
    grey = image.mean(axis=2)
    pairs = ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1]))
    steps = np.concatenate([(grey[a] - grey[b])[ground[a] & ground[b]] for a, b in pairs])
    if len(steps) < _FEWEST_STEPS:
        return float("nan")
    # Dirt and what is out of focus are no noise.
    steps = steps[np.abs(steps) <= 3 * (1.4826 * np.median(np.abs(steps)) + 1)]
    return float(np.sqrt(np.mean(steps**2) / 2))


def _object_pixels(
    image: Image,
    masks: NDArray[np.int32],
    found: NDArray[np.bool_],
    centers_px: Floats,
    sizes_px: Floats,
    rng: np.random.Generator,
) -> Floats:
    """``(N, 16, 3)`` random pixels of each mask, of a disc in its middle where none was found."""
    pixels = np.empty((len(found), _PIXELS, 3))
    # All at once: the pixels of a mask lie one after the other in the order of their owners.
    owners = masks.ravel()
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(len(found) + 1) + 1)
    low, high = disc_windows(centers_px, sizes_px, image.shape[:2])
    for k, is_found in enumerate(found):
        if is_found:
            shown = image.reshape(-1, 3)[order[starts[k] : starts[k + 1]]]
        else:
            window = tuple(slice(a, b) for a, b in zip(low[k], high[k], strict=True))
            shown = image[window][disc(centers_px[k] - low[k], sizes_px[k], window)]
        pixels[k] = shown[rng.integers(len(shown), size=_PIXELS)]
    return pixels
