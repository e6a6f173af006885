"""`Slide`: what all fields of one slide share: urine, light, camera, focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("RBC", "WBC", "Bacteria")
FINDINGS = {
    "haematuria": (18.0, 2.0, 0.0),
    "infection": (1.2, 8.0, 15.0),
    "mixed": (8.0, 4.0, 8.0),
    "contaminated": (0.8, 0.4, 16.0),
    "sparse": (3.0, 1.5, 3.0),
}
"""Mean number of red cells, white cells and bacteria per field of 480 x 360 px. Classes come together as they
do in patients: white cells with bacteria, red cells without. Any two neighbours show all three classes."""


@dataclass(frozen=True, eq=False)
class Slide:
    """One patient's sediment under one setting of the microscope.

    Attributes:
        name: of the slide; the group of its images.
        finding: a key of `FINDINGS`.
        rates: ``(3,)`` mean number of objects per field, in the order of `CLASSES`.
        debris_rate: mean number of unlabelled things per field.
        tonicity: of the urine: above 0 red cells crenate, below 0 they swell.
        focus_um: where the technician focused, from the plane where cells lie.
        light: ``(3,)`` grey levels of the empty field's middle, RGB.
        gradient: ``(2,)`` relative change of light over the height and width.
        vignetting: relative fall-off towards the corners.
        lamp: ``(2,)`` centre of the vignetting, in image heights and widths from the middle.
        condenser_dust: ``(K, 4)`` row, column, radius (shares of the image) and depth of soft shadows.
        gain: grey levels per detected photon's variance; scales shot noise.
        read_noise: grey levels.
    """

    name: str
    finding: str
    rates: NDArray[np.float64]
    debris_rate: float
    tonicity: float
    focus_um: float
    light: NDArray[np.float32]
    gradient: NDArray[np.float32]
    vignetting: float
    lamp: NDArray[np.float32]
    condenser_dust: NDArray[np.float32]
    gain: float
    read_noise: float


def draw_slide(seed: int, number: int) -> Slide:
    """Slide ``number`` of a seed; findings take turns, everything else is random."""
    rng = np.random.default_rng((seed, 0, number))
    finding = list(FINDINGS)[number % len(FINDINGS)]
    tint = np.array([1.0, 0.99, 0.9]) * np.exp(rng.normal(0, [0.02, 0.012, 0.04]))
    dust = int(rng.integers(0, 5))
    return Slide(
        name=f"slide{number:02d}",
        finding=finding,
        rates=np.array(FINDINGS[finding]) * np.exp(rng.normal(0, 0.25, 3)),
        debris_rate=float(np.exp(rng.normal(1.4, 0.5))),
        tonicity=float(rng.normal(0, 0.55)),
        focus_um=float(np.clip(rng.normal(2.2, 0.6), 1.2, 3.4)),
        light=(rng.uniform(160, 205) * tint).astype(np.float32),
        gradient=rng.normal(0, 0.1, 2).astype(np.float32),
        vignetting=float(rng.uniform(0.1, 0.5)),
        lamp=rng.normal(0, 0.12, 2).astype(np.float32),
        condenser_dust=np.stack(
            [
                *rng.uniform(-0.5, 0.5, (2, dust)),
                rng.uniform(0.015, 0.06, dust),
                rng.uniform(0.02, 0.08, dust),
            ],
            1,
        ).astype(np.float32),
        gain=float(rng.uniform(0.02, 0.06)),
        read_noise=float(rng.uniform(0.8, 1.8)),
    )
