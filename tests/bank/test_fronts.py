from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed.bank.fronts import REACH, run_fronts, share_pixels


def share(signed: np.ndarray, clicks: list[tuple[float, float]], sizes: list[float]) -> np.ndarray:
    return share_pixels(
        signed.astype(np.float32), np.array(clicks, float).reshape(-1, 2), np.array(sizes), 1.0
    )


def test_no_click_no_owner() -> None:
    assert not share(np.zeros((5, 6)), [], []).any()


@pytest.mark.parametrize("size", [10.0, 40.0, 90.0])
def test_a_front_stops_out_of_reach(size: float) -> None:
    owner = share(np.zeros((200, 200)), [(100.5, 100.5)], [size])
    rows, columns = np.nonzero(owner)
    away = np.hypot(rows - 100, columns - 100).max()
    assert away == pytest.approx(REACH * size / 2, abs=0.1 * size + 1)


def test_pixels_are_shared_out_by_size() -> None:
    owner = share(np.zeros((40, 120)), [(20, 30), (20, 90)], [20.0, 60.0])
    border = int(np.flatnonzero(owner[20] == 2)[0])
    assert border == pytest.approx(45, abs=2)  # 15 px from the small one, 45 px from the large one


def test_fronts_meet_at_the_edge_between_two_objects() -> None:
    signed = np.full((40, 100), 50.0)
    signed[:, 60:] = 120
    owner = share(signed, [(20, 30), (20, 75)], [60.0, 60.0])
    assert int(np.flatnonzero(owner[20] == 2)[0]) == pytest.approx(60, abs=3)


@given(st.integers(0, 10_000), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_the_first_front_to_arrive_owns_a_pixel(seed: int, count: int) -> None:
    """On flat ground the owner is the nearest start, in the metric of steps to eight neighbours."""
    rng = np.random.default_rng(seed)
    starts = rng.choice(20 * 24, size=count, replace=False)
    starts = np.stack(np.divmod(starts, 24), axis=1)
    paces = np.full(count, rng.uniform(0.5, 2), dtype=np.float32)  # of several paces one may shut another in
    owner = run_fronts(starts, paces, np.zeros((20, 24), np.float32), np.float32(99), np.float32(0))
    away = np.abs(np.indices((20, 24)).reshape(2, -1).T[:, None] - starts[None])
    steps = away.max(axis=2) + (np.sqrt(2) - 1) * away.min(axis=2)
    times = steps * paces
    chosen = owner.ravel() - 1
    assert (chosen >= 0).all()
    assert (times[np.arange(480), chosen] <= times.min(axis=1) + 1e-3).all()
    assert (owner[tuple(starts.T)] == np.arange(1, count + 1)).all()


def test_of_two_clicks_on_one_pixel_the_first_has_it() -> None:
    owner = share(np.zeros((20, 20)), [(10.5, 10.5), (10.5, 10.5)], [12.0, 12.0])
    assert owner[10, 10] == 1
