from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.bank.clicks import Clicks
from synthmed.scenes import PlacementRecipe, draw_plan, make_recipe
from synthmed.scenes.nearest import Crowd, draw_nearest, source_crowds

BankOf = Callable[..., PatchBank]


def with_clicks(bank: PatchBank, centers: list[list[tuple[float, float]]], labels: list[int]) -> PatchBank:
    """A bank with these clicks on its images, one list for each."""
    image = np.repeat(np.arange(len(centers)), [len(own) for own in centers])
    flat = np.array([center for own in centers for center in own], dtype=np.float64).reshape(-1, 2)
    ids = np.array([str(k) for k in range(len(flat))], dtype=str)
    return replace(bank, clicks=Clicks(image, np.array(labels, dtype=np.int64), flat, ids))


def test_without_clicks_nothing_is_wished_for(bank_of: BankOf) -> None:
    assert source_crowds(bank_of(), PlacementRecipe()) == []
    assert np.isnan(draw_nearest([], np.array([0, 2]), 1e-4, np.random.default_rng(0))).all()
    assert draw_nearest([], np.zeros(0, np.int64), 0.0, np.random.default_rng(0)).shape == (0,)


def test_crowds_go_from_sparse_to_dense(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 0)])
    bank = with_clicks(bank, [[(1, 1), (1, 4), (9, 9)], [(0, 0), (0, 7)], [(5, 5)], []], [0, 1, 2, 0, 1, 0])
    sparse, dense = source_crowds(bank, PlacementRecipe())
    # A lonely click has no neighbour.
    assert (sparse.density, sparse.nearest_px.tolist()) == (2e-4, [7, 7])
    assert (dense.density, dense.labels.tolist()) == (3e-4, [0, 1, 2])
    assert dense.nearest_px.tolist() == [3, 3, pytest.approx(np.hypot(8, 5))]


@pytest.mark.parametrize(
    ("density", "low", "high"), [(0.0, 0, 9), (0.05, 45, 54), (0.0999, 90, 99), (9, 90, 99)]
)
def test_distances_are_those_of_an_image_about_as_crowded(density: float, low: int, high: int) -> None:
    crowds = [Crowd(k / 1000, np.zeros(2, np.int64), np.full(2, float(k))) for k in range(100)]
    rng = np.random.default_rng(0)
    wishes = np.array([draw_nearest(crowds, np.zeros(3, np.int64), density, rng) for _ in range(300)])
    assert (wishes == wishes[:, :1]).all()
    assert np.unique(wishes).tolist() == list(range(low, high + 1))


def test_each_class_takes_its_own_distances_and_all_where_it_has_none() -> None:
    crowd = Crowd(1e-3, np.array([0, 1, 0]), np.array([3.0, 50.0, 4.0]))
    wishes = draw_nearest([crowd], np.array([1, 0, 1, 0, 2, 2, 2]), 1e-3, np.random.default_rng(0))
    assert wishes[[0, 2]].tolist() == [50, 50]
    assert sorted(wishes[[1, 3]].tolist()) == [3, 4]
    assert sorted(wishes[4:].tolist()) == [3, 4, 50]


def nearest_in(centers: np.ndarray) -> np.ndarray:
    away = np.hypot(*(centers[:, None] - centers[None]).transpose(2, 0, 1))
    away[np.diag_indices(len(away))] = np.inf
    return away.min(axis=1)


def test_clustered_scenes_have_the_distances_of_clustered_images(bank_of: BankOf) -> None:
    """Pairs 8 px apart, 50 px from each other: uniform places are far from that."""
    pairs = [(row + dr, column) for row in (25, 75) for column in (25, 75) for dr in (-4.0, 4.0)]
    bank = with_clicks(bank_of(image_counts=[(8, 0, 0)] * 4), [pairs] * 4, [0] * 32)
    medians, spreads = {}, {}
    for kind in ("uniform", "clustered"):
        recipe = make_recipe(
            {
                "canvas": {"size_px": (100, 100)},
                "counts": {"by_area": False},
                "placement": {"kind": kind, "max_truncation": 0},
                "scale": 1,
            }
        )
        plans = [draw_plan(recipe, bank, 0, index) for index in range(40)]
        found = np.concatenate([nearest_in(plan.centers_px) for plan in plans])
        medians[kind], spreads[kind] = np.median(found), np.abs(found - 8).mean()
    assert medians["clustered"] == pytest.approx(8, abs=0.5)
    assert spreads["clustered"] < 1.5 < 4 < spreads["uniform"]
