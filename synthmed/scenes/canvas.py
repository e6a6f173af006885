"""The blank canvas: a colour, and where asked for the noise of a real image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.scenes.kernels import ONE, add_noise
from synthmed.scenes.recipe import CanvasRecipe

_TILE_PX = 512
# Noise is stored in 1/64 standard deviations, which keeps +-4 of them well inside int16.
_TILE_UNIT = 64


@dataclass(frozen=True, eq=False)
class CanvasPlan:
    """A drawn canvas.

    Attributes:
        shape_px: height and width.
        color: ``(3,)`` float, RGB.
        noise: standard deviation in grey levels, at the scale of the source images.
        noise_origin: ``(2,)`` int, where in the noise tile the canvas begins.
        noise_step: tile pixels per canvas pixel: noise is resized like everything that comes from a source
            image, or its sharpness alone would tell canvas from patch.
    """

    shape_px: tuple[int, int]
    color: NDArray[np.float64]
    noise: float
    noise_origin: NDArray[np.int64]
    noise_step: float


def draw_canvas(canvas: CanvasRecipe, bank: PatchBank, scale: float, rng: np.random.Generator) -> CanvasPlan:
    """Draw colour and noise of one scene's canvas."""
    image = int(rng.integers(len(bank.images)))
    origin = rng.integers(0, _TILE_PX, size=2)
    if canvas.kind == "fixed":
        return CanvasPlan(canvas.size_px, np.array(canvas.color, dtype=np.float64), 0.0, origin, 1 / scale)
    noise = float(bank.image_noises[image]) if canvas.noise else 0.0
    return CanvasPlan(canvas.size_px, bank.image_backgrounds[image], noise, origin, 1 / scale)


def paint_canvas(plan: CanvasPlan) -> NDArray[np.uint8]:
    """The canvas before anything is pasted, ``(H, W, 3)`` uint8."""
    height, width = plan.shape_px
    row = np.empty((width, 3), dtype=np.uint8)
    row[:] = np.rint(plan.color)
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[:] = row
    if plan.noise > 0:
        step = max(1, round(plan.noise_step * ONE))
        # Fixed-point color and amplitude make the result the same on every machine.
        color = np.rint(plan.color * 256).astype(np.int64)
        add_noise(
            image, color, noise_tile(), round(plan.noise * 256 / _TILE_UNIT * 256), plan.noise_origin, step
        )
    return image


@lru_cache(maxsize=1)
def noise_tile() -> NDArray[np.int16]:
    """White noise of unit deviation, ``(512, 512)`` int16 in units of 1/64."""
    values = np.random.default_rng(0).standard_normal((_TILE_PX, _TILE_PX))
    return np.rint(np.clip(values, -4, 4) * _TILE_UNIT).astype(np.int16)
