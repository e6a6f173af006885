from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from synthmed.bank.matte import round_matte
from synthmed.scenes.membrane import membranes


def solved(difference: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The harmonic function within a matte that is a given difference on its rim, by a sparse solver."""
    inside = np.pad(matte > 0, 1)
    free = inside & np.roll(inside, 1, 0) & np.roll(inside, -1, 0)
    free &= np.roll(inside, 1, 1) & np.roll(inside, -1, 1)
    inside, free = inside[1:-1, 1:-1], free[1:-1, 1:-1]
    height, width = matte.shape
    values = np.where(inside[..., None], difference, 0.0).reshape(-1, 3)
    unknown = np.flatnonzero(free.ravel())
    place = np.full(height * width, -1)
    place[unknown] = np.arange(len(unknown))
    matrix = sparse.lil_matrix((len(unknown), len(unknown)))
    right = np.zeros((len(unknown), 3))
    for n, p in enumerate(unknown):
        matrix[n, n] = 4
        for q in (p - 1, p + 1, p - width, p + width):
            if place[q] >= 0:
                matrix[n, place[q]] = -1
            else:
                right[n] += values[q]
    if len(unknown):
        for channel in range(3):
            values[unknown, channel] = spsolve(matrix.tocsc(), right[:, channel])
    return values.reshape(height, width, 3)


def added_to(
    canvas: np.ndarray, patch: np.ndarray, matte: np.ndarray, corner: tuple[int, int], ground: float
) -> np.ndarray:
    size = np.array([matte.shape])
    added = np.zeros((matte.size, 3), dtype=np.int16)
    start = np.zeros(1, dtype=np.int64)
    membranes(
        canvas,
        patch.reshape(-1, 3),
        matte.ravel(),
        start,
        size,
        np.array([corner]),
        np.full((1, 3), ground),
        added,
    )
    return added.reshape(*matte.shape, 3)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (8, 13), (24, 24), (41, 30), (90, 90)])
@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("rough", [True, False])
def test_membranes_are_those_of_a_sparse_solver(shape: tuple[int, int], square: bool, rough: bool) -> None:
    rng = np.random.default_rng(0)
    matte = np.full(shape, 255, dtype=np.uint8) if square else round_matte(shape, 0.3)
    if rough:
        patch = np.clip(rng.normal(120, 4, (*shape, 3)), 0, 255).astype(np.uint8)
        canvas = np.clip(rng.normal(150, 10, (100, 120, 3)), 0, 255).astype(np.uint8)
    else:
        patch = np.full((*shape, 3), 120, dtype=np.uint8)
        canvas = np.repeat((np.arange(100)[:, None] + np.arange(120)).astype(np.uint8)[..., None], 3, axis=2)
    under = canvas[5 : 5 + shape[0], 8 : 8 + shape[1]]
    expected = solved(under.astype(float) - patch, matte)
    found = added_to(canvas, patch, matte, (5, 8), 120)
    assert not found[matte == 0].any()
    # In whole grey levels; where the rim is noise, its mean is weighed a little otherwise.
    error = np.abs(found - expected)
    assert error.max() <= 3 and error.mean() <= 0.8


def test_a_slope_of_the_canvas_goes_on_in_the_patch() -> None:
    """What no constant shift can do: a flat patch takes on the slope that the canvas has."""
    canvas = np.repeat(np.linspace(100, 180, 60).astype(np.uint8)[None, :, None], 40, axis=0).repeat(
        3, axis=2
    )
    patch = np.full((20, 30, 3), 90, dtype=np.uint8)
    found = added_to(canvas, patch, np.full((20, 30), 255, dtype=np.uint8), (5, 10), 90) + patch.astype(int)
    assert np.abs(found - canvas[5:25, 10:40]).max() <= 1


@pytest.mark.parametrize("corner", [(-10, -10), (95, 110), (-300, 500)])
def test_beyond_the_canvas_its_border_goes_on(corner: tuple[int, int]) -> None:
    canvas = np.full((100, 120, 3), 200, dtype=np.uint8)
    found = added_to(canvas, np.full((20, 30, 3), 90, dtype=np.uint8), round_matte((20, 30), 0.2), corner, 90)
    assert found.max() == 110 and set(np.unique(found)) <= {0, *range(100, 111)}


def test_an_object_on_the_rim_is_not_washed_out() -> None:
    """A dark object that fills its patch, on a canvas of the colour that its background has."""
    canvas = np.full((40, 40, 3), 200, dtype=np.uint8)
    patch = np.full((12, 12, 3), 90, dtype=np.uint8)
    found = added_to(canvas, patch, np.full((12, 12), 255, dtype=np.uint8), (5, 5), 200)
    assert np.abs(found - 20).max() <= 1
