"""The samples that a fidelity report compares: real images and scenes, made alike before they are measured.

A real image is resized to the scale of the scenes, by the code that resizes backdrops, before it is looked
at, and a scene is cut to the shape that a real image has there. So whatever the resizing, the estimators and
the borders do to a figure, they do on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.backdrops import Backdrops
from synthmed.bank.patchbank import PatchBank
from synthmed.metrics.fidelity_looks import Looks, join, look_at
from synthmed.points.images import resolve_inside
from synthmed.points.pointset import PointSet
from synthmed.points.regions import open_image
from synthmed.scenes.backdrop import BackdropWindow, paint_window
from synthmed.scenes.plan import draw_plan, scene_scale
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.render import render

Progress = Callable[[int, int], None]
Image = NDArray[np.uint8]

_SHOWN = 4


class Sample(NamedTuple):
    """Images that were looked at.

    Attributes:
        looks: what was measured on them.
        shapes_px: the height and width of each, when it was.
        images: the first few, to be shown: real ones at the scale of the scenes, scenes as a whole.
    """

    looks: Looks
    shapes_px: list[tuple[int, int]]
    images: list[Image]


def look_at_real(
    points: PointSet,
    images_dir: Path,
    recipe: Recipe,
    bank: PatchBank,
    *,
    most: int,
    seed: int,
    progress: Progress | None = None,
) -> Sample:
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
    """
    scale = scene_scale(recipe, bank)
    of_image = points.by_image()
    chosen = np.random.default_rng([seed, 0]).permutation(len(points.images))[:most]
    looks, shapes_px = [], []
    images: list[Image] = []
    for done, number in enumerate(chosen, 1):
        rng = np.random.default_rng([seed, 1, int(number)])
        with open_image(resolve_inside(images_dir, points.images[number])) as source:
            canvas_px = np.ceil(np.array(recipe.canvas.size_px) / scale).astype(np.int64)
            window_px = np.minimum(np.array(source.shape_px), canvas_px)
            low = np.asarray(rng.integers(np.array(source.shape_px) - window_px + 1))
            pixels = source.read_region(low, low + window_px)
        image = resized_like_backdrops(pixels, scale, recipe.canvas.size_px)
        index = of_image[number]
        centers_px = (points.centers_px[index] - low) * (np.array(image.shape[:2]) / pixels.shape[:2])
        inside = _inside(centers_px, image.shape[:2])
        labels = points.labels[index][inside]
        looks.append(look_at(image, centers_px[inside], labels, bank.sizes_px, scale, rng))
        shapes_px.append((image.shape[0], image.shape[1]))
        if len(images) < _SHOWN:
            images.append(image)
        if progress is not None:
            progress(done, len(chosen))
    return Sample(join(looks), shapes_px, images)


def look_at_scenes(
    recipe: Recipe,
    bank: PatchBank,
    shapes_px: list[tuple[int, int]],
    *,
    seed: int,
    progress: Progress | None = None,
) -> Sample:
    """Render scenes and measure them, each cut at random to a shape that a real image has.

    Args:
        recipe: of the scenes.
        bank: to draw from.
        shapes_px: height and width for each scene, none larger than the canvas.
        seed: of the series of scenes.
        progress: called with scenes done and scenes in all.
    """
    scale = scene_scale(recipe, bank)
    looks = []
    images: list[Image] = []
    for number, shape_px in enumerate(shapes_px):
        scene = render(draw_plan(recipe, bank, seed, number), bank)
        rng = np.random.default_rng([seed, 2, number])
        low = rng.integers(np.subtract(scene.image.shape[:2], shape_px) + 1)
        cut = np.ascontiguousarray(scene.image[low[0] : low[0] + shape_px[0], low[1] : low[1] + shape_px[1]])
        centers_px = scene.plan.centers_px[scene.painted] - low
        inside = _inside(centers_px, cut.shape[:2])
        looks.append(look_at(cut, centers_px[inside], scene.labels[inside], bank.sizes_px, scale, rng))
        if len(images) < _SHOWN:
            images.append(scene.image)
        if progress is not None:
            progress(number + 1, len(shapes_px))
    return Sample(join(looks), shapes_px, images)


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


def _inside(centers_px: NDArray[np.float64], shape_px: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(((centers_px >= 0) & (centers_px < np.array(shape_px))).all(axis=1))
