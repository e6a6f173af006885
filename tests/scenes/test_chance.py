from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.scenes.chance import LARGEST_SEED, OBJECTS, Chances

words = st.integers(0, LARGEST_SEED)


def philox(seed: int, index: int, part: int, attempt: int) -> np.random.Generator:
    """By numpy alone."""
    key = np.array([seed, index], dtype=np.uint64)
    counter = np.array([0, attempt, 0, part], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


@given(words, words, st.integers(0, 9), st.integers(0, 9), st.lists(st.integers(0, 30), max_size=4))
def test_numbers_are_those_of_numpys_philox(
    seed: int, index: int, part: int, attempt: int, sizes: list[int]
) -> None:
    chances = Chances(seed, index, part, attempt)
    expected = philox(seed, index, part, attempt)
    assert chances.generator().random() == philox(seed, index, part, attempt).random()
    for size in sizes:
        # Each call begins with a new value of the counter, and that gives four numbers.
        own = expected.random(-(-size // 4) * 4)[:size]
        assert np.array_equal(chances.random(size), own)


def test_neighbouring_scenes_have_nothing_in_common() -> None:
    keys = [
        (seed, index, part, attempt)
        for seed in (0, 1)
        for index in (0, 1)
        for part in (0, 1)
        for attempt in (0, 1)
    ]
    blocks = np.array([Chances(*key).random(2000) for key in keys])
    assert blocks.min() >= 0 and blocks.max() < 1
    assert blocks.mean(axis=1) == pytest.approx([0.5] * 16, abs=0.03)
    correlations = np.corrcoef(blocks)[np.triu_indices(16, 1)]
    assert np.abs(correlations).max() < 0.1
    # Neither have scenes that follow each other, number by number.
    first = np.array([Chances(0, index, OBJECTS).random(1)[0] for index in range(2000)])
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.08
    assert np.histogram(first, 10, (0, 1))[0] == pytest.approx([200] * 10, abs=60)
