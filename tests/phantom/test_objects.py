from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import label

from synthmed.phantom.cells import draw_bacterium, draw_red_cell, draw_white_cell
from synthmed.phantom.debris import draw_blob, draw_dust, draw_fibre, draw_grains, draw_oxalate
from synthmed.phantom.optics import HALO_UM, PIXEL_UM
from synthmed.phantom.specimen import Specimen

CELLS = {"RBC": draw_red_cell, "WBC": draw_white_cell, "Bacteria": draw_bacterium}
DEBRIS = (draw_grains, draw_oxalate, draw_fibre, draw_dust, draw_blob)


def _longest_px(specimen: Specimen) -> float:
    """Extent along the principal axis."""
    points = np.argwhere(specimen.support) - np.argwhere(specimen.support).mean(axis=0)
    axis = np.linalg.svd(points, full_matrices=False)[2][0]
    along = points @ axis
    return float(np.ptp(along) + 1)


@pytest.mark.parametrize("draw", [*CELLS.values(), *DEBRIS])
def test_specimens_are_finite_and_end_within_their_margin(draw: Callable[..., Specimen]) -> None:
    for seed in range(60):
        specimen = draw(np.random.default_rng(seed))
        side = len(specimen.support)
        assert specimen.phase_rad.shape == specimen.absorbance.shape == (side, side)
        assert specimen.phase_rad.dtype == specimen.absorbance.dtype == np.float32
        assert np.isfinite(specimen.phase_rad).all()
        assert specimen.absorbance.min() >= 0
        margin = int(0.7 * HALO_UM / PIXEL_UM)
        inner = np.zeros_like(specimen.support)
        inner[margin:-margin, margin:-margin] = True
        assert not specimen.support[~inner].any()


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_one_piece_and_nothing_of_it_lies_outside_its_outline(name: str) -> None:
    for seed in range(60):
        specimen = CELLS[name](np.random.default_rng(seed))
        assert label(specimen.support, np.ones((3, 3)))[1] == 1
        assert not specimen.phase_rad[~specimen.support].any()
        assert not specimen.absorbance[~specimen.support].any()


@pytest.mark.parametrize(
    ("name", "length_px", "spread_px"), [("RBC", 30, (1, 4)), ("WBC", 48, (2, 7)), ("Bacteria", 11.5, (1, 4))]
)
def test_sizes_are_those_of_biology_with_a_natural_spread(
    name: str, length_px: float, spread_px: tuple[float, float]
) -> None:
    lengths = [_longest_px(CELLS[name](np.random.default_rng(seed))) for seed in range(150)]
    assert np.mean(lengths) == pytest.approx(length_px, rel=0.07)
    assert spread_px[0] < np.std(lengths) < spread_px[1]


def test_urine_decides_what_becomes_of_red_cells() -> None:
    """Spiky outlines are long for their area; ghosts have lost their haemoglobin."""

    def share(tonicity: float) -> tuple[float, float]:
        ghosts = spiky = 0
        for seed in range(120):
            specimen = draw_red_cell(np.random.default_rng(seed), tonicity)
            ghosts += int(specimen.absorbance.max() < 0.05)
            across = np.diff(specimen.support.astype(int), axis=0)
            spiky += int(np.abs(across).sum(axis=0).max() > 2)
        return ghosts / 120, spiky / 120

    (ghosts_low, spiky_low), (ghosts_high, spiky_high) = share(-2.0), share(2.0)
    assert ghosts_low > 0.7 > 0.1 > ghosts_high
    assert spiky_high > 0.6 > 0.2 > spiky_low


def test_a_red_cell_is_thinner_in_its_middle() -> None:
    ratios = []
    for seed in range(60):
        phase = draw_red_cell(np.random.default_rng(seed), 0.3).phase_rad
        middle = len(phase) // 2
        ratios.append(phase[middle, middle] / phase.max())
    assert np.median(ratios) < 0.75
