"""The canvas: a colour or the light of a real image, also with its noise, or a part of a backdrop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops
from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.backdrop import BackdropWindow, draw_window, paint_window
from synthmed.scenes.chance import Uniform
from synthmed.scenes.recipe import CanvasRecipe
from synthmed.scenes.window_light import (
    level_mirrored,
    paint_window_light,
    window_colors,
    window_light,
)

_TILE_PX = 512
_LARGEST_PX = 200_000_000
# Noise is repeated where more than so many source pixels would be needed for a tile.
_LARGEST_FIELD_PX = 2048
# Steps through the field are in 1/65536 of a pixel, the weights of its pixels in 1/256.
_STEP_UNIT = 1 << 16


@dataclass(frozen=True, eq=False)
class CanvasPlan:
    """A drawn canvas.

    Attributes:
        shape_px: height and width.
        color: ``(3,)`` float, RGB.
        noise: standard deviation in grey levels, at the scale of the source images.
        noise_origin: ``(2,)`` int, where in the noise tile the canvas begins.
        noise_step: source pixels per canvas pixel: noise is resized like everything that comes from a source
            image, or its sharpness alone would tell canvas from patch.
        window: the part of a backdrop that it shows instead of colour and noise, if any.
        light_only: whether it shows only the light of that part, with noise.
    """

    shape_px: tuple[int, int]
    color: NDArray[np.float64]
    noise: float
    noise_origin: NDArray[np.int64]
    noise_step: float
    window: BackdropWindow | None = None
    light_only: bool = False


def draw_canvas(
    canvas: CanvasRecipe, bank: PatchBank, scale: float, source: int | None, rng: Uniform
) -> CanvasPlan:
    """Draw one scene's canvas.

    Args:
        canvas: what it is to be like.
        bank: the bank.
        scale: scene pixels per source pixel.
        source: the image that gave the counts of the scene, if one did.
        rng: source of randomness.

    Raises:
        RecipeError: it needs a backdrop, and the bank has none, or one too large at this scale.
    """
    which, down, right = rng.random(3).tolist()
    image = int(which * len(bank.images))
    source = source if canvas.like_counts else None
    origin = np.array([int(down * _TILE_PX), int(right * _TILE_PX)])
    on_backdrop = canvas.kind in ("backdrop", "illumination")
    if on_backdrop and not len(bank.backdrops):
        raise RecipeError(
            "the recipe asks for backdrops or their light, and the bank has none",
            remedy="build the bank with some, or set canvas.kind to background",
        )
    if on_backdrop and bank.backdrops.largest_px * scale**2 > _LARGEST_PX:
        raise RecipeError(
            f"backdrops would have more than {_LARGEST_PX:,} pixels at this scale",
            value=scale,
            remedy="choose a smaller scale, or set canvas.kind to background",
        )
    if on_backdrop:
        among = None if source is None else bank.backdrops_like[source]
        window = draw_window(canvas.size_px, bank.backdrops, scale, rng, among)
        image = int(bank.backdrops.image_index[window.number])
        light_only = canvas.kind == "illumination"
        noise = float(bank.image_noises[image]) if light_only and canvas.noise else 0.0
        color = bank.image_backgrounds[image]
        return CanvasPlan(canvas.size_px, color, noise, origin, 1 / scale, window, light_only)
    if canvas.kind == "fixed":
        return CanvasPlan(canvas.size_px, np.array(canvas.color, dtype=np.float64), 0.0, origin, 1 / scale)
    image = image if source is None else source
    noise = float(bank.image_noises[image]) if canvas.noise else 0.0
    return CanvasPlan(canvas.size_px, bank.image_backgrounds[image], noise, origin, 1 / scale)


def paint_canvas(plan: CanvasPlan, backdrops: Backdrops = NO_BACKDROPS) -> NDArray[np.uint8]:
    """The canvas before anything is pasted, ``(H, W, 3)`` uint8.

    Args:
        plan: the canvas.
        backdrops: those of the bank that it was drawn for.
    """
    if plan.window is not None and plan.light_only:
        tile, amplitude = _noise_tile(plan), round(plan.noise * 256)
        return paint_window_light(plan.window, backdrops, plan.shape_px, tile, amplitude, plan.noise_origin)
    if plan.window is not None:
        image = paint_window(plan.window, backdrops, plan.shape_px)
        level_mirrored(plan.window, backdrops, image)
        return image
    height, width = plan.shape_px
    image = np.empty((height, width, 3), dtype=np.uint8)
    if plan.noise > 0:
        tile = _noise_tile(plan)
        # In 1/65536 grey levels, and a half to round to nearest.
        color = np.rint(plan.color * 65536).astype(np.int32) + np.int32(32768)
        colors = np.tile(color, _TILE_PX)
        _add_noise(image.reshape(height, width * 3), colors, tile, round(plan.noise * 256), plan.noise_origin)
    else:
        image[0] = np.rint(plan.color)
        image[1:] = image[0]
    return image


def _noise_tile(plan: CanvasPlan) -> NDArray[np.int16]:
    return noise_tile(max(1, round(plan.noise_step * _STEP_UNIT)))


@lru_cache(maxsize=4)
def noise_tile(step: int) -> NDArray[np.int16]:
    """White noise of unit deviation, resized by bilinear interpolation.

    Args:
        step: pixels of the noise per pixel of the tile, in 1/65536.

    Returns:
        ``(512, 3 * 512)`` int16 in units of 1/256, each value three times in a row for the three channels.
    """
    at = np.arange(_TILE_PX, dtype=np.int64) * step
    low, weight = at >> 16, (at >> 8) & 255
    side = min(int(low[-1]) + 2, _LARGEST_FIELD_PX)
    field = _white_noise(side)
    low, high = low % side, (low + 1) % side
    rows = field[low] * (256 - weight)[:, None] + field[high] * weight[:, None]
    tile = (rows[:, low] * (256 - weight) + rows[:, high] * weight) >> 16
    return np.repeat(tile.astype(np.int16), 3, axis=1)


def _white_noise(side: int) -> NDArray[np.int64]:
    """Noise of unit deviation in units of 1/256, ``(side, side)``, drawn without floating point."""
    rng = np.random.default_rng(0)
    total = np.zeros((side, side), dtype=np.int64)
    for _ in range(12):
        # The sum of twelve bytes has a mean of 1530 and a variance of 12 * (256^2 - 1) / 12, almost 256^2.
        total += rng.integers(0, 256, size=(side, side), dtype=np.uint8)
    return total - 1530


@compiled
def _add_noise(
    rows: NDArray[np.uint8],
    colors: NDArray[np.int32],
    tile: NDArray[np.int16],
    amplitude: int,
    origin: NDArray[np.int64],
) -> None:
    """Write a colour with noise.

    Args:
        rows: ``(H, 3 * W)``, written.
        colors: ``(3 * S,)``, the colour again and again, in 1/65536 grey levels.
        tile: ``(S, 3 * S)``, repeated without end.
        amplitude: grey levels per unit of the tile, in 1/65536.
        origin: ``(2,)``, the pixel of the tile in which the canvas begins.
    """
    height, width = rows.shape
    side = tile.shape[0]
    factor = np.int32(amplitude)
    for y in range(height):
        noise = tile[(origin[0] + y) % side]
        begin = 0
        # Run by run between the edges of the tile: a test in every pixel would keep it from being vectorized.
        while begin < width:
            offset = (3 * origin[1] + begin) % (3 * side)
            length = min(width - begin, 3 * side - offset)
            source, target = noise[offset : offset + length], rows[y, begin : begin + length]
            for i in range(length):
                level = np.int32(colors[i] + np.int32(source[i] * factor)) >> 16
                target[i] = min(max(level, np.int32(0)), np.int32(255))
            begin += length


def canvas_colors(plan: CanvasPlan, bank: PatchBank, centers_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colour of the canvas at some places, without its noise and debris.

    Args:
        plan: the canvas.
        bank: the bank that it was drawn for.
        centers_px: ``(M, 2)`` float.

    Returns:
        ``(M, 3)`` float.
    """
    if plan.window is None:
        return np.tile(plan.color, (len(centers_px), 1))
    colors = window_light if plan.light_only else window_colors
    return colors(plan.window, bank.backdrops, plan.shape_px, centers_px)
