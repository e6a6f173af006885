"""`Specimen`: a thing in the light path, on a patch of its own, and the geometry that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.phantom.optics import HALO_UM, PIXEL_UM

WATER_INDEX = 1.335
GREEN_UM = 0.54
NEUTRAL = np.ones(3, np.float32)
HAEMOGLOBIN = np.array([0.1, 0.8, 1.0], np.float32)
"""Relative absorption of red, green and blue light."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """How a thing delays and absorbs light.

    Attributes:
        phase_rad: ``(side, side)`` delay of green light.
        absorbance: ``(side, side)``, natural logarithm, where ``color`` is 1.
        color: ``(3,)`` relative absorbance of red, green, blue.
        support: ``(side, side)`` bool, the pixels whose centre lies in the thing's outline.
    """

    phase_rad: NDArray[np.float32]
    absorbance: NDArray[np.float32]
    color: NDArray[np.float32]
    support: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grid:
    """Coordinates of a square patch's pixel centres, in um from the thing's centre.

    Attributes:
        rows: ``(side, side)``.
        cols: ``(side, side)``.
    """

    rows: NDArray[np.float32]
    cols: NDArray[np.float32]

    def polar(
        self, angle_rad: float = 0.0, aspect: float = 1.0
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Distance (um) and angle of each pixel; with ``aspect`` below 1, circles become ellipses.

        Args:
            angle_rad: direction of the short axis.
            aspect: short over long axis.
        """
        short, long = self.turned(angle_rad)
        short = short / np.float32(aspect)
        return np.hypot(short, long), np.arctan2(short, long)

    def turned(self, angle_rad: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coordinates (um) along and across a direction."""
        cos, sin = np.float32(np.cos(angle_rad)), np.float32(np.sin(angle_rad))
        return self.rows * cos + self.cols * sin, self.cols * cos - self.rows * sin


def draw_grid(rng: np.random.Generator, radius_um: float) -> Grid:
    """A patch for a thing of this radius and its halo, centred at a random fraction of a pixel."""
    side = int(np.ceil(2 * (radius_um + HALO_UM) / PIXEL_UM / 16)) * 16
    row0, col0 = side / 2 + rng.uniform(-0.5, 0.5, 2)
    axis = np.arange(side, dtype=np.float32) + np.float32(0.5)
    rows, cols = np.meshgrid((axis - row0) * PIXEL_UM, (axis - col0) * PIXEL_UM, indexing="ij")
    return Grid(rows.astype(np.float32), cols.astype(np.float32))


def phase_of(thickness_um: NDArray[np.float32], index: float) -> NDArray[np.float32]:
    """Delay of green light (rad) by a thickness of refractive index ``index`` in water."""
    return np.asarray(thickness_um * (2 * np.pi / GREEN_UM * (index - WATER_INDEX)), np.float32)


def wavy(
    theta: NDArray[np.float32], rng: np.random.Generator, orders: tuple[int, int], amplitude: float
) -> NDArray[np.float32]:
    """A closed outline's relative radius: 1 plus random harmonics.

    Args:
        theta: angle of each pixel.
        rng: amplitudes and phases.
        orders: first and last harmonic.
        amplitude: standard deviation of the sum.
    """
    count = orders[1] - orders[0] + 1
    sizes = rng.normal(0, amplitude * np.sqrt(2 / count), count)
    shifts = rng.uniform(0, 2 * np.pi, count)
    radius = np.ones_like(theta)
    for order, size, shift in zip(range(orders[0], orders[1] + 1), sizes, shifts, strict=True):
        radius += np.float32(size) * np.cos(order * theta + np.float32(shift))
    return np.maximum(radius, 0.6)


def bumps(grid: Grid, centers_um: NDArray[np.float64], widths_um: NDArray[np.float64]) -> NDArray[np.float32]:
    """The sum of Gaussian bumps of height 1, as ``(side, side)``.

    Args:
        grid: where.
        centers_um: ``(K, 2)`` from the thing's centre.
        widths_um: ``(K,)`` standard deviations.
    """
    axis_rows, axis_cols = grid.rows[:, :1].T, grid.cols[:1]
    scale = np.sqrt(2) * widths_um[:, None]
    down = np.exp(-(((axis_rows - centers_um[:, :1]) / scale) ** 2))
    across = np.exp(-(((axis_cols - centers_um[:, 1:]) / scale) ** 2))
    # An explicit sum of outer products: a BLAS call could round differently from machine to machine.
    return np.asarray(np.einsum("kr,kc->rc", down, across), np.float32)
