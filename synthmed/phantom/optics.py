"""The microscope: how light passes a specimen out of focus, how a slide is lit, and what the camera records.

Unstained cells hardly absorb; they delay light. What makes them visible is that the delayed wave interferes
with the plane one when the focal plane lies a little off, so each specimen is propagated as a complex wave
(Fresnel transfer function; Goodman, "Introduction to Fourier Optics", chapter 4). Rims, bright centres,
halos and their polarity follow from that instead of being painted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from synthmed.phantom.slide import Slide
    from synthmed.phantom.specimen import Specimen

PIXEL_UM = 0.25
WAVELENGTHS_UM = np.array([0.61, 0.54, 0.46], np.float32)
"""Red, green, blue."""
NUMERICAL_APERTURE = 0.65
"""A dry 40x objective."""
CONDENSER_APERTURE = 0.11
"""Stopped far down, as for every unstained specimen: it keeps halos but blurs their outer rings."""
CHROMATIC_FOCUS_UM = np.array([0.12, 0.0, -0.12], np.float32)
"""Red and blue focus a little apart, which gives edges their faint colour."""
HALO_UM = 4.0
"""How far round a specimen its halo is drawn."""


@lru_cache(maxsize=32)
def _frequencies(side_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Squared frequency (cycles / um)² of an axis as ``(side,)``, and the pupil as ``(3, side, side)``."""
    axis = fft.fftfreq(side_px, d=PIXEL_UM) ** 2
    cutoff = (NUMERICAL_APERTURE / WAVELENGTHS_UM[:, None, None]) ** 2
    pupil = 1 / (1 + ((axis[:, None] + axis[None, :]) / cutoff) ** 6)
    return axis.astype(np.float32), pupil.astype(np.float32)


@lru_cache(maxsize=32)
def _window(side_px: int) -> NDArray[np.float32]:
    """One inside, falling to zero over the outer 4 um, so that a pasted halo leaves no seam."""
    margin = HALO_UM / PIXEL_UM
    inward = np.minimum(np.arange(side_px) + 0.5, side_px - np.arange(side_px) - 0.5)
    ramp = np.sin(np.pi / 2 * np.clip(inward / (0.7 * margin), 0, 1)) ** 2
    return np.outer(ramp, ramp).astype(np.float32)


def transmission(specimen: Specimen, defocus_um: float) -> NDArray[np.float32]:
    """The share of light that reaches the camera through a specimen.

    Args:
        specimen: what lies in the light, on a square patch with a free margin.
        defocus_um: distance from the focal plane; its sign turns bright into dark halos.

    Returns:
        ``(3, side, side)``, red, green, blue; 1 where the specimen changes nothing.
    """
    side = len(specimen.phase_rad)
    squared, pupil = _frequencies(side)
    amplitude = np.exp(specimen.absorbance * (specimen.color[:, None, None] / -2))
    delay = specimen.phase_rad * (WAVELENGTHS_UM[1] / WAVELENGTHS_UM)[:, None, None]
    scattered = np.empty(delay.shape, np.complex64)
    scattered.real, scattered.imag = amplitude * np.cos(delay) - 1, amplitude * np.sin(delay)
    # The Fresnel kernel is separable, so a line of exponentials per colour replaces a plane of them.
    turn = np.pi * WAVELENGTHS_UM * (np.float32(defocus_um) + CHROMATIC_FOCUS_UM)
    line = np.exp(1j * turn[:, None] * squared).astype(np.complex64)
    transfer = pupil * line[:, :, None] * line[:, None, :]
    wave = 1 + fft.ifft2(fft.fft2(scattered) * transfer)
    intensity = wave.real**2 + wave.imag**2
    blur_px = 0.45 + CONDENSER_APERTURE * abs(defocus_um) / PIXEL_UM
    blurred = gaussian_filter(intensity, (0, blur_px, blur_px), mode="nearest", truncate=3)
    result: NDArray[np.float32] = (1 + (blurred - 1) * _window(side)).astype(np.float32)
    return result


def illumination(slide: Slide, shape_px: tuple[int, int]) -> NDArray[np.float32]:
    """The empty field of a slide: lamp colour, gradient, vignetting, and dust on the condenser.

    Returns:
        ``(3, H, W)`` in grey levels of the camera, 0 to 255.
    """
    height, width = shape_px
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None] - 0.5
    cols = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :] - 0.5
    field = 1 + slide.gradient[0] * rows + slide.gradient[1] * cols
    field = field - slide.vignetting * ((rows - slide.lamp[0]) ** 2 + (cols - slide.lamp[1]) ** 2)
    for row, col, radius, depth in slide.condenser_dust:
        squared = ((rows - row) * height / width) ** 2 + (cols - col) ** 2
        field = field * (1 - depth * np.exp(-((squared / radius**2) ** 2)))
    return np.asarray(slide.light[:, None, None] * field, np.float32)


def expose(light: NDArray[np.float32], slide: Slide, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Record light with shot noise (variance grows with light), read noise, and 8 bits.

    Args:
        light: ``(3, H, W)`` in grey levels.
        slide: gives gain and read noise of the camera.
        rng: the noise.

    Returns:
        ``(H, W, 3)`` RGB.
    """
    spread = np.sqrt(slide.read_noise**2 + slide.gain * np.maximum(light, 0))
    recorded = light + spread * rng.standard_normal(light.shape, dtype=np.float32)
    levels = np.clip(np.rint(recorded), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(levels, 0, 2))
