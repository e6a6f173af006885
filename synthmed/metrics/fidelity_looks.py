"""What a fidelity report measures on an image; real images and scenes go through the same code.

A real image is resized to the scale of the scenes, by the code that resizes backdrops, before it is looked
at, and a scene is cut to the shape that a real image has there. So whatever the resizing, the estimators and
the borders do to a figure, they do on both sides. Lengths are given in pixels of the source images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.backdrops import Backdrops
from synthmed.bank.background import estimate_background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.objects import disc, disc_windows, find_objects
from synthmed.bank.patchbank import PatchBank
from synthmed.bank.segment import MATTE_CUT, contrast_floor
from synthmed.metrics.fidelity import nearest_distances
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import open_image
from synthmed.scenes.backdrop import BackdropWindow, paint_window
from synthmed.scenes.plan import draw_plan, scene_scale
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.render import render

Progress = Callable[[int, int], None]
Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PIXELS = 16
"""Pixels that are drawn from each object: their distribution over many objects is what is compared."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What was measured on I images with N objects of C classes.

    Attributes:
        counts: ``(I, C)`` int, centres on the image.
        foreground: ``(I,)`` float, percent of pixels that stand out from the background.
        background: ``(I, 3)`` float, its red, green and blue.
        noise: ``(I,)`` float, standard deviation of the background in grey levels.
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
        noise=np.array([background.noise]),
        image_index=np.zeros(len(labels), dtype=np.int64),
        labels=labels,
        diameters_px=np.where(whole, objects.diameters_px, np.nan) / scale,
        contrast=objects.contrast,
        colors=_object_pixels(image, objects.labels, objects.found, centers_px, own_px, rng),
        nearest_px=nearest_distances(centers),
        nearest_own_px=nearest_distances(centers, labels),
    )


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


def look_at_real(
    points: PointSet,
    images_dir: Path,
    recipe: Recipe,
    bank: PatchBank,
    *,
    most: int,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Looks, list[Image]]:
    """Measure real images at the scale of the scenes.

    Of an image that is larger than the canvas at that scale a random window is taken.

    Args:
        points: the clicked centres of the images to choose from.
        images_dir: the folder that the image names are relative to.
        recipe: says the scale and the canvas.
        bank: gives the scale and the class sizes.
        most: images to look at, chosen at random where there are more.
        seed: of all choices.
        progress: called with images done and images in all.

    Returns:
        What was measured, and the resized images.
    """
    scale = scene_scale(recipe, bank)
    of_image = points.by_image()
    chosen = np.random.default_rng([seed, 0]).permutation(len(points.images))[:most]
    looks, images = [], []
    for done, number in enumerate(chosen, 1):
        rng = np.random.default_rng([seed, 1, int(number)])
        with open_image(resolve_inside(images_dir, points.images[number])) as source:
            window_px = np.minimum(source.shape_px, np.ceil(np.array(recipe.canvas.size_px) / scale))
            low = rng.integers(np.array(source.shape_px) - window_px.astype(np.int64) + 1)
            pixels = source.read_region(low, low + window_px.astype(np.int64))
        image = resized_like_backdrops(pixels, scale, recipe.canvas.size_px)
        index = of_image[number]
        centers_px = (points.centers_px[index] - low) * (np.array(image.shape[:2]) / pixels.shape[:2])
        inside = _inside(centers_px, image.shape[:2])
        labels = points.labels[index][inside]
        looks.append(look_at(image, centers_px[inside], labels, bank.sizes_px, scale, rng))
        images.append(image)
        if progress is not None:
            progress(done, len(chosen))
    return join(looks), images


def look_at_scenes(
    recipe: Recipe,
    bank: PatchBank,
    shapes_px: list[tuple[int, int]],
    *,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Looks, list[Image]]:
    """Render scenes and measure them, each cut at random to a shape that a real image has.

    Args:
        recipe: of the scenes.
        bank: to draw from.
        shapes_px: height and width for each scene, none larger than the canvas.
        seed: of the series of scenes.
        progress: called with scenes done and scenes in all.

    Returns:
        What was measured, and the whole scenes.
    """
    scale = scene_scale(recipe, bank)
    looks, images = [], []
    for number, shape_px in enumerate(shapes_px):
        scene = render(draw_plan(recipe, bank, seed, number), bank)
        rng = np.random.default_rng([seed, 2, number])
        low = rng.integers(np.array(scene.image.shape[:2]) - shape_px + 1)
        cut = np.ascontiguousarray(scene.image[low[0] : low[0] + shape_px[0], low[1] : low[1] + shape_px[1]])
        centers_px = scene.plan.centers_px - low
        inside = _inside(centers_px, cut.shape[:2])
        looks.append(look_at(cut, centers_px[inside], scene.labels[inside], bank.sizes_px, scale, rng))
        images.append(scene.image)
        if progress is not None:
            progress(number + 1, len(shapes_px))
    return join(looks), images


def resized_like_backdrops(image: Image, scale: float, largest_px: tuple[int, int]) -> Image:
    """An image at the scale of the scenes, by the code that resizes backdrops.

    Args:
        image: ``(H, W, 3)``.
        scale: pixels wanted per pixel.
        largest_px: height and width of a canvas, which rounding must not exceed.
    """
    height, width = image.shape[:2]
    shape_px = tuple(
        min(most, max(1, round(n * scale))) for n, most in zip((height, width), largest_px, strict=True)
    )
    alone = Backdrops(
        np.ascontiguousarray(image).reshape(-1, 3), np.array([(height, width)]), np.zeros(1, dtype=np.int64)
    )
    window = BackdropWindow(0, (shape_px[0], shape_px[1]), (0, 0), (False, False), False)
    return paint_window(window, alone, (shape_px[0], shape_px[1]))


def _inside(centers_px: Floats, shape_px: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(((centers_px >= 0) & (centers_px < np.array(shape_px))).all(axis=1))
