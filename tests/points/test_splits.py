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


@given(NAMES, NAMES)
def test_added_images_move_no_other(names: list[str], added: list[str]) -> None:
    # With so many images neither split is empty by hash alone.
    names = [f"{number} of the first.png" for number in range(40)] + names
    before = default_splits(names, [""] * len(names))
    assert min(before.count("train"), before.count("val")) > 1
    more = names + [name for name in added if name not in names]
    assert default_splits(more, [""] * len(more))[: len(names)] == before


def test_a_fifth_of_single_images_is_held_out() -> None:
    names = [f"{number}.png" for number in range(5000)]
    vals = default_splits(names, [""] * len(names)).count("val")
    assert vals == pytest.approx(0.2 * len(names), abs=4 * (0.2 * 0.8 * len(names)) ** 0.5)


def test_neither_split_is_empty_where_all_hashes_are_on_one_side() -> None:
    names = [f"{number}.png" for number in range(200)]
    splits = default_splits(names, [""] * len(names))
    for side, other in (("train", "val"), ("val", "train")):
        chosen = [name for name, split in zip(names, splits, strict=True) if split == side]
        assert default_splits(chosen, [""] * len(chosen)).count(other) == 1
