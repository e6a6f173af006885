"""How each object of a scene differs from its patch, beyond size, mirroring and quarter turns."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.look_recipe import ObjectsRecipe

FALLBACK_SPREAD = 0.1
"""What sizes of a class vary by where its objects are too few to tell."""

_NORMAL = NormalDist()
_LARGEST_DEVIATION = 2.0
_SMALLEST_FACTOR = 0.3


@dataclass(frozen=True, eq=False)
class ObjectVariation:
    """What was drawn for the M objects of a scene.

    Attributes:
        sizes_px: ``(M, 2)`` int, height and width before the turn by an angle.
        angles: ``(M,)`` float, counter-clockwise turn in degrees, besides the quarter turns; or ``None``.
        brightness: ``(M,)`` float, added, as a share of white.
        contrast: ``(M,)`` float, factor on the difference from the patch's background.
        stain: ``(M, 3)`` float, factor on the optical density of red, green and blue.
        blur_px: ``(M,)`` float, standard deviation of the blur.
    """

    sizes_px: NDArray[np.int64]
    angles: NDArray[np.float64] | None
    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    stain: NDArray[np.float64]
    blur_px: NDArray[np.float64]

    def __getitem__(self, index: NDArray[np.int64]) -> ObjectVariation:
        """The same for some of the objects."""
        return ObjectVariation(
            sizes_px=self.sizes_px[index],
            angles=None if self.angles is None else self.angles[index],
            brightness=self.brightness[index],
            contrast=self.contrast[index],
            stain=self.stain[index],
            blur_px=self.blur_px[index],
        )


def varies(objects: ObjectsRecipe) -> bool:
    """Whether a recipe asks for any of this."""
    strengths = objects.brightness, objects.contrast, objects.stain, objects.blur_px
    return objects.rotation == "any" or any(strengths)


def draw_variation(
    objects: ObjectsRecipe, sizes_px: NDArray[np.int64], rng: np.random.Generator
) -> ObjectVariation:
    """Draw all of it, whatever is switched on, so that one strength does not change another.

    Args:
        objects: the strengths.
        sizes_px: ``(M, 2)`` int, of the objects after quarter turns and resizing.
        rng: source of randomness.
    """
    count = len(sizes_px)
    # With the quarter turns before it, an eighth of a turn either way makes all angles equally likely.
    angles = rng.uniform(-45, 45, size=count)
    brightness, contrast = rng.uniform(-1, 1, size=(2, count))
    stain = rng.uniform(-1, 1, size=(count, 3))
    blur = rng.random(count)
    return ObjectVariation(
        sizes_px=sizes_px,
        angles=angles if objects.rotation == "any" else None,
        brightness=objects.brightness * brightness,
        contrast=1 + objects.contrast * contrast,
        stain=1 + objects.stain * stain,
        blur_px=objects.blur_px * blur,
    )


def turned_sizes(
    sizes_px: NDArray[np.int64], angles: NDArray[np.float64] | None, rectangles: bool
) -> NDArray[np.int64]:
    """Height and width of what turned objects cover, ``(M, 2)`` int.

    Args:
        sizes_px: ``(M, 2)`` int, before the turn.
        angles: ``(M,)`` float, in degrees, or ``None``.
        rectangles: whether all of a patch is pasted; else it is the ellipse within, as that of a round matte.
    """
    if angles is None:
        return sizes_px
    radians = np.deg2rad(angles)
    cosine, sine = np.abs(np.cos(radians)), np.abs(np.sin(radians))
    height, width = sizes_px.T
    along = np.array([[height * cosine, width * sine], [width * cosine, height * sine]])
    covered = along.sum(axis=1) if rectangles else np.hypot(along[:, 0], along[:, 1])
    return np.asarray(np.maximum(1, np.rint(covered.T)), dtype=np.int64)


def size_factors(
    objects: ObjectsRecipe, bank: PatchBank, labels: NDArray[np.int64], drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much each object is larger than its patch, ``(M,)`` float.

    Args:
        objects: how much sizes vary.
        bank: tells the natural spread of each class.
        labels: ``(M,)`` int, the class of each object.
        drawn: ``(M,)`` float from [0, 1), random; the larger, the larger the object.
    """
    if objects.size_jitter != "natural":
        return (1 - objects.size_jitter) + 2 * objects.size_jitter * drawn
    spreads = np.where(np.isnan(bank.size_spreads), FALLBACK_SPREAD, bank.size_spreads)[labels]
    normal = [_NORMAL.inv_cdf(share) for share in np.maximum(drawn, 2**-53).tolist()]
    deviations = np.clip(normal, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)
    return np.asarray(np.maximum(1 + spreads * deviations, _SMALLEST_FACTOR))


def spread_warnings(objects: ObjectsRecipe, bank: PatchBank) -> list[str]:
    """One sentence for each class whose sizes are to vary naturally, and of which the bank knows too few."""
    if objects.size_jitter != "natural":
        return []
    return [
        f"{name}: too few whole segmented objects to tell how much their sizes vary; "
        f"{FALLBACK_SPREAD:.0%} is taken (objects.size_jitter)"
        for name, spread in zip(bank.classes, bank.size_spreads, strict=True)
        if np.isnan(spread)
    ]
