"""What lies on a slide without being a cell: crystals, grains, fibres, dust. None of it is labelled."""

from __future__ import annotations

import numpy as np

from synthmed.phantom.specimen import NEUTRAL, Specimen, bumps, draw_grid, phase_of, wavy

BROWN = np.array([0.65, 0.85, 1.0], np.float32)


def draw_grains(rng: np.random.Generator) -> Specimen:
    """A loose heap of amorphous urate or phosphate grains."""
    spread = rng.uniform(0.6, 3.0)
    grid = draw_grid(rng, 2.4 * spread + 0.8)
    count = int(rng.integers(2, 6) * (1 + spread**1.5))
    centers = np.clip(rng.normal(0, spread, (count, 2)), -2.2 * spread, 2.2 * spread)
    heap = bumps(grid, centers, rng.uniform(0.14, 0.32, count))
    heap = heap * np.float32(rng.uniform(0.5, 1.0))
    return Specimen(0.6 * heap, np.float32(0.22) * heap, BROWN, heap > 0.3)


def draw_oxalate(rng: np.random.Generator) -> Specimen:
    """A calcium oxalate crystal: the square envelope with its diagonal cross."""
    half = rng.uniform(0.9, 2.2)
    grid = draw_grid(rng, 1.5 * half)
    first, second = grid.turned(rng.uniform(0, np.pi / 2))
    second = second * np.float32(rng.uniform(0.9, 1.15))
    square = np.maximum(np.abs(first), np.abs(second)) / np.float32(half)
    height = np.clip(1 - square, 0, 1)
    return Specimen(phase_of(np.float32(1.1 * half) * height, 1.45), 0.1 * height, NEUTRAL, square < 1)


def draw_fibre(rng: np.random.Generator) -> Specimen:
    """A cotton fibre or mucus thread: long, bent, clear inside with two dark edges."""
    reach = rng.uniform(10, 30)
    grid = draw_grid(rng, reach)
    along, across = grid.turned(rng.uniform(0, np.pi))
    wave = rng.normal(0, 0.09 * reach) * np.sin(along / reach * rng.uniform(1, 2.5) + rng.uniform(0, 6))
    half = np.float32(rng.uniform(0.35, 1.1))
    rho = np.abs(across - wave) / half
    ends = np.clip((reach - np.hypot(along, across)) / (0.3 * reach), 0, 1)
    profile = np.sqrt(1 - np.minimum(rho, 1) ** 2) * ends
    mucus = rng.uniform(0.25, 1.0)
    phase = phase_of((2 * half * profile).astype(np.float32), 1.335 + 0.05 * mucus)
    return Specimen(phase, (0.06 * mucus * profile).astype(np.float32), NEUTRAL, (rho < 1) & (ends > 0))


def draw_dust(rng: np.random.Generator) -> Specimen:
    """An opaque speck of uneven outline."""
    radius = rng.uniform(0.4, 1.6)
    grid = draw_grid(rng, 1.6 * radius)
    distance, theta = grid.polar(rng.uniform(0, np.pi), rng.uniform(0.5, 1.0))
    rho = distance / (np.float32(radius) * wavy(theta, rng, (2, 6), 0.12))
    body = np.clip((1.1 - rho) / 0.3, 0, 1)
    return Specimen(0.8 * body, np.float32(rng.uniform(0.5, 1.5)) * body, BROWN, rho < 1)


def draw_blob(rng: np.random.Generator) -> Specimen:
    """A clear droplet; it lies far from the focal plane and shows as a soft disc with a ring."""
    radius = rng.uniform(1.5, 4.5)
    grid = draw_grid(rng, 1.3 * radius + 3)
    distance, _ = grid.polar(rng.uniform(0, np.pi), rng.uniform(0.8, 1.0))
    rho = distance / np.float32(radius)
    dome = np.sqrt(1 - np.minimum(rho, 1) ** 2)
    return Specimen(np.float32(rng.uniform(0.8, 1.6)) * dome, 0.08 * dome, NEUTRAL, rho < 1)
