"""What happens to a whole scene after its objects were pasted: stain, light, optics, sensor and file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.scenes.blur import blur
from synthmed.scenes.look_recipe import FinishRecipe
from synthmed.scenes.tones import tone_tables

_ONE = 1 << 16


@dataclass(frozen=True, eq=False)
class FinishPlan:
    """A drawn finish.

    Attributes:
        color: ``(3,)`` float, of the canvas, which contrast and stain leave as it is.
        brightness: added, as a share of white.
        contrast: factor on the difference from that colour.
        stain: ``(3,)`` float, factor on the optical density of red, green and blue.
        slope: ``(2,)`` float, by how much of the light the last row and column differ from the first.
        loss: how much of the light is lost in the corners.
        blur_px: standard deviation of the blur.
        read_noise: deviation of the noise that is the same everywhere, in grey levels.
        shot_noise: deviation of the shot noise on white.
        noise_seed: of the noise.
        jpeg_quality: of the JPEG that the scene goes through, if any.
    """

    color: NDArray[np.float64]
    brightness: float
    contrast: float
    stain: NDArray[np.float64]
    slope: NDArray[np.float64]
    loss: float
    blur_px: float
    read_noise: float
    shot_noise: float
    noise_seed: int
    jpeg_quality: int | None


def draw_finish(finish: FinishRecipe, color: NDArray[np.float64], rng: np.random.Generator) -> FinishPlan:
    """Draw one scene's finish, in the same order whatever is switched on.

    Args:
        finish: the strengths.
        color: ``(3,)``, of the canvas.
        rng: source of randomness.
    """
    brightness, contrast = rng.uniform(-1, 1, size=2).tolist()
    stain = rng.uniform(-1, 1, size=3)
    direction, steepness, loss = rng.random(3).tolist()
    blur_px, read_noise, shot_noise, quality = rng.random(4).tolist()
    noise_seed = int(rng.integers(1 << 62))
    slope = np.array([np.sin(2 * np.pi * direction), np.cos(2 * np.pi * direction)]) * steepness
    low, high = finish.jpeg_quality or (0, 0)
    return FinishPlan(
        color=color,
        brightness=finish.brightness * brightness,
        contrast=1 + finish.contrast * contrast,
        stain=1 + finish.stain * stain,
        slope=finish.illumination * slope,
        loss=finish.illumination * loss,
        blur_px=finish.blur_px * blur_px,
        read_noise=finish.noise * read_noise,
        shot_noise=finish.noise * shot_noise,
        noise_seed=noise_seed,
        jpeg_quality=None if finish.jpeg_quality is None else low + int(quality * (high - low + 1)),
    )


def finished(image: NDArray[np.uint8], plan: FinishPlan) -> NDArray[np.uint8]:
    """A scene after its finish.

    All but the JPEG is computed in integers; the bytes of a JPEG are those of the installed libjpeg-turbo.

    Args:
        image: ``(H, W, 3)`` uint8.
        plan: what was drawn.
    """
    height, width = image.shape[:2]
    tones = tone_tables(
        plan.color[None], np.array([plan.brightness]), np.array([plan.contrast]), plan.stain[None]
    )[0]
    rows, columns = light_shares(plan, (height, width))
    lit = np.empty_like(image)
    _light(image, np.clip(tones, 0, 255).astype(np.uint8), rows, columns, lit)
    blurred = blur(lit, plan.blur_px)
    if plan.read_noise or plan.shot_noise:
        variance = plan.read_noise**2 + plan.shot_noise**2 * np.arange(256) / 255
        # The sum of eight bytes has a variance of 8 * (256^2 - 1) / 12.
        per_unit = np.sqrt(variance * 12 / (8 * 65535)) * _ONE
        _add_noise(blurred.reshape(-1, 3), np.rint(per_unit).astype(np.int64), np.uint64(plan.noise_seed))
    if plan.jpeg_quality is None:
        return blurred
    import simplejpeg

    encoded = simplejpeg.encode_jpeg(blurred, plan.jpeg_quality, "RGB", "420")
    return np.asarray(simplejpeg.decode_jpeg(encoded, "RGB"))


def light_shares(plan: FinishPlan, shape_px: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The light of each row ``(H,)`` and each column ``(W,)`` in 1/65536; that of a pixel is their sum.

    A slope and a loss that grows with the square of the distance from the middle are both sums of what a row
    and what a column has.
    """
    shares = []
    for size, slope in zip(shape_px, plan.slope.tolist(), strict=True):
        place = (np.arange(size) + 0.5) / size - 0.5
        shares.append(np.rint((0.5 + slope * place - plan.loss * 2 * place**2) * _ONE).astype(np.int64))
    return shares[0], shares[1]


@compiled
def _light(
    image: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    lit: NDArray[np.uint8],
) -> None:
    """Look up the tone of each pixel, ``tones`` ``(3, 256)``, and multiply by the light that falls there."""
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            light = rows[i] + columns[j]
            for channel in range(3):
                level = (np.int64(tones[channel, image[i, j, channel]]) * light + 32768) >> 16
                lit[i, j, channel] = min(max(level, 0), 255)


@compiled
def _add_noise(pixels: NDArray[np.uint8], per_unit: NDArray[np.int64], seed: int) -> None:
    """Add noise to each pixel, as much as its levels have; the same to all channels, as on plain canvases.

    The random bits of pixel *n* are the *n*-th output of SplitMix64 (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", 2014); their eight bytes add up to almost a normal distribution.

    Args:
        pixels: ``(N, 3)``, changed.
        per_unit: ``(256,)``, grey levels per unit of the sum, in 1/65536.
        seed: uint64.
    """
    for n in range(len(pixels)):
        bits = seed + (np.uint64(n) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
        # Neighbouring bytes are added in lanes of 16 bits, and the four lanes by one multiplication.
        lanes = np.uint64(0x00FF00FF00FF00FF)
        pairs = (bits & lanes) + ((bits >> np.uint64(8)) & lanes)
        total = np.int64((pairs * np.uint64(0x0001000100010001)) >> np.uint64(48)) - 1020
        for channel in range(3):
            before = pixels[n, channel]
            level = np.int64(before) + ((total * per_unit[before] + 32768) >> 16)
            pixels[n, channel] = min(max(level, 0), 255)
