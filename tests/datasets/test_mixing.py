from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.datasets.mixing import Mix, choose_pool
from synthmed.errors import DatasetError

SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.3, 1 / 3, 0.5, 0.55, 0.9, 0.99, 1, Fraction(1, 7)]


@pytest.mark.parametrize("share", SHARES)
def test_the_share_of_every_beginning_is_exact_to_within_one_image(share: float) -> None:
    mix, real = Mix(share, pool=7, seed=3), 0
    for item in range(1500):
        assert mix.real_before(item) == real
        assert abs(real - round(Fraction(str(share)) * item)) <= 1
        real += mix.real_image(item) is not None
    if share == 0.1:
        assert real == 150


@given(
    share=st.fractions(0, 1, max_denominator=1000),
    item=st.integers(0, 10**12),
    seed=st.integers(0, 2**32),
    pool=st.integers(1, 50),
)
def test_any_item_is_known_without_those_before_it(share: Fraction, item: int, seed: int, pool: int) -> None:
    mix = Mix(share, pool, seed)
    assert abs(mix.real_before(item) - share * item) <= 1
    step = mix.real_before(item + 1) - mix.real_before(item)
    assert step in (0, 1)
    image = mix.real_image(item)
    assert (image is not None) == bool(step)
    assert image is None or 0 <= image < pool


@pytest.mark.parametrize(("share", "pool"), [(0.1, 5), (0.5, 16), (0.9, 3), (1, 4)])
def test_real_images_come_equally_often(share: float, pool: int) -> None:
    mix = Mix(share, pool, seed=1)
    images = [image for item in range(1003) if (image := mix.real_image(item)) is not None]
    counts = Counter(images)
    assert (min(counts.values()), max(counts.values())) == mix.repeats(1003)
    assert max(counts.values()) - min(counts.values()) <= 1
    orders = {tuple(images[start : start + pool]) for start in range(0, len(images) - pool + 1, pool)}
    assert all(sorted(order) == list(range(pool)) for order in orders)
    assert len(orders) > 1, "every epoch of the pool has an order of its own"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_no_place_in_a_batch_and_no_rank_gets_them_all(share: float) -> None:
    """Real images at a fixed step would all go to one of two or ten processes."""
    mix = Mix(share, pool=9, seed=0)
    for ranks in (2, 10):
        of_rank = [
            sum(mix.real_image(item) is not None for item in range(rank, 4000, ranks))
            for rank in range(ranks)
        ]
        assert sum(of_rank) == mix.real_before(4000) == round(4000 * share)
        assert min(of_rank) > 0.4 * max(of_rank)


def test_seeds_differ_and_repeat() -> None:
    series = [[Mix(0.2, 5, seed).real_image(item) for item in range(100)] for seed in (0, 0, 1)]
    assert series[0] == series[1] != series[2]


@pytest.mark.parametrize(
    ("share", "pool", "message"),
    [(-0.1, 5, "no such share"), (1.1, 5, "no such share"), (float("nan"), 5, "share"), (0.1, 0, "no real")],
)
def test_mistakes(share: float, pool: int, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        Mix(share, pool, 0)


def test_a_pool() -> None:
    assert choose_pool(5, None, 0).tolist() == [0, 1, 2, 3, 4]
    for few in range(1, 10):
        assert set(choose_pool(10, few, 4)) < set(choose_pool(10, few + 1, 4))
    for wrong in (0, -1, 6):
        with pytest.raises(DatasetError, match="not so many real images"):
            choose_pool(5, wrong, 0)
