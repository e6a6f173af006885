from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.points.splits import default_splits

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=60, unique=True)


@pytest.mark.parametrize(
    ("images", "groups", "vals"),
    [
        ([], [], 0),
        (["a"], [""], 0),
        (["a", "b"], ["s", "s"], 0),
        (["a", "b"], ["", ""], 1),
        (["s", "a"], ["", "s"], 1),
    ],
)
def test_small_cases(images: list[str], groups: list[str], vals: int) -> None:
    assert default_splits(images, groups).count("val") == vals


@given(NAMES, st.integers(1, 10), st.randoms(use_true_random=False))
def test_groups_stay_whole_and_order_does_not_matter(
    names: list[str], group_count: int, rng: random.Random
) -> None:
    groups = [f"slide {rng.randrange(group_count)}" for _ in names]
    splits = default_splits(names, groups)
    split_of_group = dict(zip(groups, splits, strict=True))
    assert splits == tuple(split_of_group[group] for group in groups)
    assert set(splits) == ({"train", "val"} if len(split_of_group) > 1 else {"train"})
    order = list(range(len(names)))
    rng.shuffle(order)
    shuffled = default_splits([names[i] for i in order], [groups[i] for i in order])
    assert shuffled == tuple(splits[i] for i in order)


@given(NAMES)
def test_a_fifth_of_single_images_is_held_out(names: list[str]) -> None:
    vals = default_splits(names, [""] * len(names)).count("val")
    assert abs(vals - 0.2 * len(names)) <= 0.5 or vals == 1
