"""The three labelled kinds: red cells, white cells and bacteria, drawn from their biology."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed.phantom.specimen import HAEMOGLOBIN, NEUTRAL, Grid, Specimen, bumps, draw_grid, phase_of, wavy

RED_RADIUS_UM = 3.75
WHITE_RADIUS_UM = 6.0
ROD_LENGTH_UM = 2.7
ROD_WIDTH_UM = 0.85


def draw_red_cell(rng: np.random.Generator, tonicity: float = 0.0) -> Specimen:
    """A red cell: biconcave disc, often tilted; shrunken and crenated, or swollen and emptied, by the urine.

    Thickness follows Evans and Fung (1972), Microvascular Research 4:335-347.

    Args:
        rng: size, tilt, outline.
        tonicity: of the urine; above 0 it draws water out (crenated cells), below 0 it lets cells swell and
            lose their haemoglobin (ghosts).
    """
    state = tonicity + rng.normal(0, 0.6)
    crenated, ghost = state > 1.0, state < -1.1
    radius = RED_RADIUS_UM * np.clip(rng.normal(1 - 0.05 * np.tanh(state), 0.06), 0.8, 1.2)
    tilted = rng.random() < 0.35
    aspect = rng.uniform(0.5, 0.9) if tilted else rng.uniform(0.93, 1.0)
    grid = draw_grid(rng, 1.15 * radius)
    distance, theta = grid.polar(rng.uniform(0, np.pi), aspect)
    outline = wavy(theta, rng, (2, 4), 0.012)
    if crenated:
        outline = outline * _spicules(theta, rng)
    rho = distance / (np.float32(radius) * outline)
    inside = rho < 1
    square = np.minimum(rho, 1) ** 2
    dome = np.sqrt(1 - square)
    biconcave = dome * (0.81 + 7.83 * square - 4.39 * square**2)
    # Seen at a slant the dimple fades and the light path grows.
    slant = min(1.0, 1.6 * (1 - aspect)) if tilted else 0.0
    flat = np.clip(0.35 * -state, 0, 0.7)
    thickness = (1 - slant) * ((1 - flat) * biconcave + flat * 2.4 * dome) + slant * 2.6 / aspect**0.5 * dome
    if crenated:
        knobs = rng.uniform(-0.75, 0.75, (9, 2)) * radius
        thickness = thickness + 0.7 * dome * bumps(grid, knobs, rng.uniform(0.3, 0.5, 9))
    if ghost:
        membrane = np.exp(-(((rho - 0.93) / 0.07) ** 2))
        thickness = np.where(inside, 0.12 * thickness + 0.55 * membrane, 0)
    haemoglobin = 0.15 if ghost else 1.0
    phase = phase_of(thickness.astype(np.float32), 1.395)
    absorbance = (0.07 * haemoglobin * thickness).astype(np.float32)
    return Specimen(phase, absorbance, HAEMOGLOBIN, inside)


def _spicules(theta: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The outline of a crenated cell: 8 to 13 rounded spikes, unevenly high and unevenly spaced."""
    count = rng.integers(8, 14)
    uneven = 2.2 * wavy(theta, rng, (1, 4), 0.35)
    wave = np.cos(count * theta + uneven + np.float32(rng.uniform(0, 2 * np.pi)))
    height = np.float32(rng.uniform(0.035, 0.08)) * wavy(theta, rng, (1, 4), 0.35)
    return np.asarray(0.95 + height * wave, np.float32)


def draw_white_cell(rng: np.random.Generator) -> Specimen:
    """A white cell: round, granular, with the hint of a lobed (sometimes single) nucleus and a clear rim."""
    radius = WHITE_RADIUS_UM * np.clip(rng.normal(1, 0.09), 0.78, 1.25)
    grid = draw_grid(rng, 1.12 * radius)
    distance, theta = grid.polar(rng.uniform(0, np.pi), rng.uniform(0.85, 1.0))
    rho = distance / (np.float32(radius) * wavy(theta, rng, (2, 6), 0.02))
    inside = rho < 1
    dome = np.sqrt(1 - np.minimum(rho, 1) ** 2)
    nucleus = _nucleus(grid, radius, rng)
    cytoplasm = np.clip((0.97 - rho) / 0.08, 0, 1)
    count = int(rng.integers(70, 120))
    turn = rng.uniform(0, 2 * np.pi, count)
    spots = (radius * 0.9 * np.sqrt(rng.uniform(0, 1, count)))[:, None] * np.stack(
        [np.sin(turn), np.cos(turn)], 1
    )
    granules = cytoplasm * bumps(grid, spots, rng.uniform(0.16, 0.34, count))
    thickness = rng.uniform(5.0, 7.0) * dome**0.7
    phase = (
        phase_of(thickness.astype(np.float32), 1.353)
        + np.float32(0.5) * nucleus
        + np.float32(0.32) * granules
    )
    absorbance = 0.02 * dome + 0.07 * nucleus + 0.035 * granules
    return Specimen(phase.astype(np.float32), absorbance.astype(np.float32), NEUTRAL, inside)


def _nucleus(grid: Grid, radius_um: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Two to four lobes on an arc, or one large round body; values 0 to 1."""
    single = rng.random() < 0.2
    count = 1 if single else int(rng.integers(2, 5))
    reach = 0.12 if single else 0.36
    turn = rng.uniform(0, 2 * np.pi) + np.arange(count) * rng.uniform(1.2, 1.9)
    centers = radius_um * reach * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    size = radius_um * (0.58 if single else 0.3)
    body = np.zeros_like(grid.rows)
    for row, col in centers:
        lobe = np.hypot(grid.rows - np.float32(row), grid.cols - np.float32(col)) / (
            size * rng.uniform(0.85, 1.15)
        )
        body = np.maximum(body, np.clip((1.12 - lobe) / 0.24, 0, 1))
    return body.astype(np.float32)


def draw_bacterium(rng: np.random.Generator) -> Specimen:
    """A rod, often slightly bent; one in six is a pair that has just divided."""
    length = ROD_LENGTH_UM * np.clip(rng.normal(1, 0.16), 0.65, 1.5)
    width = ROD_WIDTH_UM * np.clip(rng.normal(1, 0.08), 0.8, 1.2)
    bend = rng.normal(0, 0.08)
    pair = rng.random() < 1 / 6
    grid = draw_grid(rng, 0.85 * length if pair else 0.6 * length)
    angle = rng.uniform(0, np.pi)
    if not pair:
        distance = _to_rod(grid, angle, length, width, bend)
    else:
        half = 0.72 * length
        kink = rng.normal(0, 0.25)
        distance = np.minimum(
            _to_rod(grid, angle, half, width, bend, shift_um=half / 2),
            _to_rod(grid, angle + kink, half, width, bend, shift_um=-half / 2),
        )
    rho = distance / np.float32(width / 2)
    thickness = width * np.sqrt(1 - np.minimum(rho, 1) ** 2)
    phase = phase_of(thickness.astype(np.float32), rng.uniform(1.362, 1.388))
    return Specimen(phase, (0.05 * thickness).astype(np.float32), NEUTRAL, rho < 1)


def _to_rod(
    grid: Grid, angle_rad: float, length_um: float, width_um: float, bend: float, shift_um: float = 0.0
) -> NDArray[np.float32]:
    """Distance (um) of each pixel from the middle line of a bent rod."""
    along, across = grid.turned(angle_rad)
    along = along - np.float32(shift_um)
    half = np.float32((length_um - width_um) / 2)
    across = across - np.float32(bend) * (along**2 - half**2)
    return np.asarray(np.hypot(np.maximum(np.abs(along) - half, 0), across), np.float32)
