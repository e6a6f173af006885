from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes import CountsRecipe, make_recipe
from synthmed.scenes.counts import (
    decorrelated_counts,
    draw_counts,
    draw_source,
    fixed_counts,
    round_at_random,
)

BankOf = Callable[..., PatchBank]


def drawn(
    bank: PatchBank, size: int = 100, scale: float = 1.0, scenes: int = 2000, **counts: Any
) -> np.ndarray:
    """``(scenes, C)``."""
    recipe = make_recipe({"canvas": {"size_px": (size, size)}, "counts": {"balanced_share": 0.0, **counts}})
    rng = np.random.default_rng(0)
    return np.array(
        [draw_counts(recipe, bank, scale, draw_source(recipe, bank, rng), rng) for _ in range(scenes)]
    )


def test_images_without_objects_give_empty_scenes(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(0, 0, 0)])
    for kind in ("joint", "decorrelated", "balanced"):
        assert drawn(bank, kind=kind, scenes=50).sum() == 0


def test_joint_counts_are_those_of_an_image(bank_of: BankOf) -> None:
    images = [(1, 2, 0), (5, 0, 3), (0, 0, 0)]
    found = drawn(bank_of(image_counts=images), kind="joint")
    assert {tuple(row) for row in found.tolist()} == set(images)
    share = (found == images[1]).all(axis=1).mean()
    assert share == pytest.approx(1 / 3, abs=0.05)


def test_classes_are_correlated_where_joint_and_not_where_decorrelated(bank_of: BankOf) -> None:
    """In the images a and b go together and c excludes them."""
    images = [(n, n, 0) for n in range(1, 8)] + [(0, 0, n) for n in range(1, 8)]
    bank = bank_of(image_counts=images)
    joint = np.corrcoef(drawn(bank, kind="joint").T)
    apart = np.corrcoef(drawn(bank, kind="decorrelated").T)
    assert joint[0, 1] > 0.95 and joint[0, 2] < -0.5
    assert np.abs(apart[np.triu_indices(3, 1)]).max() < 0.07


@pytest.mark.parametrize("presence", [0.0, 0.25, 1.0])
def test_presence(bank_of: BankOf, presence: float) -> None:
    bank = bank_of(image_counts=[(20, 30, 0), (0, 40, 50)])
    found = drawn(bank, kind="decorrelated", presence=presence, spread=1)
    assert (found > 0).mean(axis=0) == pytest.approx([presence] * 3, abs=0.04)
    # The counts of a present class are those of the images that have it.
    assert set(np.unique(found[:, 0])) <= {0, 20}
    assert set(np.unique(found[:, 1])) <= {0, 30, 40}


def test_spread_is_log_uniform() -> None:
    counts = CountsRecipe(kind="decorrelated", presence=1, spread=4)
    rng = np.random.default_rng(0)
    found = np.array([decorrelated_counts(np.array([[10.0]]), counts, rng)[0] for _ in range(3000)])
    assert found.min() >= 2.5 and found.max() <= 40
    assert np.quantile(found, [0.25, 0.5, 0.75]) == pytest.approx([5, 10, 20], rel=0.1)


@pytest.mark.parametrize(("size", "scale"), [(100, 1.0), (200, 1.0), (50, 0.5), (300, 2.0), (64, 0.3)])
def test_by_area_keeps_the_density(bank_of: BankOf, size: int, scale: float) -> None:
    """Objects per area of source image are the same whatever the canvas shows of it."""
    bank = bank_of(image_counts=[(8, 2, 0)], image_shape=(100, 100))
    found = drawn(bank, size, scale).mean(axis=0)
    shown = size**2 / scale**2 / 100**2
    assert found == pytest.approx([8 * shown, 2 * shown, 0], rel=0.05)


def test_without_area_counts_are_those_of_the_images(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(8, 2, 0)])
    assert (drawn(bank, 300, 2.0, by_area=False, scenes=20) == (8, 2, 0)).all()


def test_classes_without_patches_are_left_out(bank_of: BankOf) -> None:
    bank = bank_of(labels=(0, 0, 2), image_counts=[(1, 9, 2)])
    assert (drawn(bank, kind="joint", scenes=20) == (1, 0, 2)).all()


def test_balanced_counts_are_those_of_images_in_all_and_of_no_class(bank_of: BankOf) -> None:
    images = [(1, 2, 0), (25, 0, 3), (0, 0, 0)]
    found = drawn(bank_of(image_counts=images), kind="balanced")
    assert set(np.unique(found.sum(axis=1))) == {0, 3, 28}
    assert (found.sum(axis=1) == 28).mean() == pytest.approx(1 / 3, abs=0.05)
    assert found.mean(axis=0) == pytest.approx([31 / 9] * 3, rel=0.06)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_a_share_of_joint_counts_is_balanced(bank_of: BankOf, share: float) -> None:
    images = [(40, 0, 0)]
    found = drawn(bank_of(image_counts=images), kind="joint", balanced_share=share)
    assert (found.sum(axis=1) == 40).all()
    balanced = (found != images[0]).any(axis=1)
    assert balanced.mean() == pytest.approx(share, abs=0.03)
    if share:
        assert found[balanced].mean(axis=0) == pytest.approx([40 / 3] * 3, rel=0.06)


def test_balanced_counts_keep_the_density(bank_of: BankOf) -> None:
    bank = bank_of(labels=(0, 0, 2), image_counts=[(8, 2, 0)])
    found = drawn(bank, 200, 1.0, kind="balanced")
    # A class without a patch has no part in it, but its objects count.
    assert (found[:, 1] == 0).all()
    assert found.sum(axis=1).mean() == pytest.approx(40, rel=0.01)


@pytest.mark.parametrize("kind", ["joint", "decorrelated"])
def test_a_weight_multiplies_one_class_and_leaves_the_others(bank_of: BankOf, kind: str) -> None:
    bank, options = bank_of(image_counts=[(8, 6, 3), (2, 6, 3)]), {"presence": 1.0, "spread": 1.0}
    plain = drawn(bank, kind=kind, **options).mean(axis=0)
    found = drawn(bank, kind=kind, class_weights={"a": 2.5, "c": 0}, **options)
    assert found.mean(axis=0) == pytest.approx(plain * (2.5, 1, 0), rel=0.03)
    assert (found[:, 2] == 0).all()


def test_a_weight_is_a_chance_where_counts_are_balanced(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(20, 0, 0)])
    found = drawn(bank, kind="balanced", class_weights={"a": 0, "b": 3})
    assert (found.sum(axis=1) == 20).all()
    assert found.mean(axis=0) == pytest.approx([0, 15, 5], rel=0.03)


def test_weights_of_one_change_nothing(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(8, 6, 3), (2, 6, 3)])
    for kind in ("joint", "decorrelated", "balanced"):
        weights = dict.fromkeys("abc", 1.0)
        assert np.array_equal(
            drawn(bank, kind=kind, scenes=50), drawn(bank, kind=kind, scenes=50, class_weights=weights)
        )


def test_fixed_counts(bank_of: BankOf) -> None:
    assert drawn(bank_of(), kind="fixed", fixed={"c": 7, "a": 1}, scenes=3).tolist() == [[1, 0, 7]] * 3
    with pytest.raises(RecipeError, match=r"counts\.fixed names classes.*'d, e'.*a, b, c"):
        fixed_counts(bank_of(), CountsRecipe(kind="fixed", fixed={"e": 1, "a": 1, "d": 0}))


@pytest.mark.parametrize("expected", [[], [0.0, 1.0, 3.0], [0.2, 0.5, 7.9]])
def test_rounding_keeps_the_mean(expected: list[float]) -> None:
    rng = np.random.default_rng(0)
    wanted = np.array(expected)
    found = np.array([round_at_random(wanted, rng) for _ in range(4000)])
    assert found.dtype == np.int64
    assert ((found == np.floor(wanted)) | (found == np.ceil(wanted))).all()
    assert found.mean(axis=0) == pytest.approx(wanted, abs=0.04)


def test_only_joint_counts_are_those_of_one_image(bank_of: BankOf) -> None:
    bank = bank_of(image_counts=[(1, 2, 0), (5, 0, 3)])
    rng = np.random.default_rng(0)
    for kind in ("joint", "decorrelated", "balanced", "fixed"):
        recipe = make_recipe({"counts": {"kind": kind, "fixed": {bank.classes[0]: 1}}})
        source = draw_source(recipe, bank, rng)
        assert source in (0, 1) if kind == "joint" else source is None
