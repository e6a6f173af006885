from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.bank import PatchBank
from synthmed.bank.clicks import Clicks
from synthmed.errors import RecipeError
from synthmed.scenes import CountsRecipe, draw_plan, make_recipe
from synthmed.scenes.weights import class_weights, draw_patches, patch_chances

BankOf = Callable[..., PatchBank]


def counts_of(**values: Any) -> CountsRecipe:
    return make_recipe({"counts": values}).counts


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, [1, 0, 1]), ({"a": 0}, [0, 0, 1]), ({"c": 2.5, "a": 1}, [1, 0, 2.5]), ({"b": 7}, [1, 0, 1])],
)
def test_class_weights(bank_of: BankOf, given: dict[str, float], expected: list[float]) -> None:
    bank = bank_of(labels=(0, 0, 2))
    assert class_weights(bank, counts_of(class_weights=given)).tolist() == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"class_weights": {"d": 1, "a": 1}}, r"counts\.class_weights names classes.*'d'.*a, b, c"),
        ({"class_weights": {"a": 0, "b": 1, "c": 0}}, r"leave no class that has a patch.*above 0"),
    ],
)
def test_class_weights_that_do_not_fit(bank_of: BankOf, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        class_weights(bank_of(labels=(0, 0, 2)), counts_of(**values))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"9.png": {"0": 2}}, r"names 1 point\(s\).*'9\.png: 0'.*patches\.csv"),
        ({"0.png": {"0": 2, "1": 2}, "1.png": {"0": 3}}, r"names 2 point\(s\).*'0\.png: 1, 1\.png: 0'"),
        ({"0.png": {"0": 0}, "1.png": {"1": 0}}, r"all patches of 'a' the weight 0.*\{a: 0\}"),
    ],
)
def test_patch_weights_that_do_not_fit(
    bank_of: BankOf, weights: dict[str, dict[str, float]], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        patch_chances(bank_of(labels=(0, 0, 2)), counts_of(patch_weights=weights))


def test_a_click_that_gave_no_patch_may_have_a_weight(bank_of: BankOf) -> None:
    bank = bank_of(labels=(0, 0, 2))
    dropped = Clicks(np.array([0]), np.array([1]), np.array([[1.0, 2.0]]), np.array(["77"]))
    weights = counts_of(patch_weights={"0.png": {"77": 3}})
    with pytest.raises(RecipeError, match=r"'0\.png: 77'"):
        patch_chances(bank, weights)
    chances = patch_chances(replace(bank, clicks=dropped), weights)
    assert chances is not None and chances.tolist() == [0.5, 1, 3]


weights_of = st.lists(st.sampled_from([0.0, 1e-9, 0.5, 1.0, 3.0, 1e6]), min_size=1, max_size=6)


@given(st.lists(weights_of, min_size=1, max_size=3), st.floats(0, 1, exclude_max=True))
def test_draws_fall_by_weight(bank_of: BankOf, given: list[list[float]], chance: float) -> None:
    """Against the definition: the first patch at which the weights so far exceed the drawn share."""
    own = [weights for weights in given if any(weights)]
    labels = [label for label, weights in enumerate(own) for _ in weights]
    flat = [weight for weights in own for weight in weights]
    bank = bank_of(shapes=[(3, 3)] * len(flat), labels=labels)
    counts = counts_of(patch_weights={f"{k}.png": {str(k): weight} for k, weight in enumerate(flat)})
    for label, weights in enumerate(own):
        (drawn,) = draw_patches(bank, counts, np.array([label]), np.array([chance]))
        assert labels[drawn] == label and flat[drawn] > 0
        place = drawn - labels.index(label)
        before, after = np.sum(weights[:place]), np.sum(weights[: place + 1])
        assert before <= chance * np.sum(weights) * (1 + 1e-9) + 1e-9
        assert chance * np.sum(weights) * (1 - 1e-9) - 1e-9 <= after


def test_shares_of_patches(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(4, 4)] * 4, labels=(0, 0, 0, 1))
    weights = {"0.png": {"0": 6.0}, "2.png": {"2": 0}, "3.png": {"3": 0.01}}
    counts = {"kind": "fixed", "fixed": {"a": 8, "b": 2}, "patch_weights": weights}
    recipe = make_recipe({"canvas": {"size_px": (200, 200)}, "counts": counts, "scale": 1})
    drawn = np.concatenate([draw_plan(recipe, bank, 0, index).patch_index for index in range(250)])
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert shares == pytest.approx([0.8 * 6 / 7, 0.8 / 7, 0, 0.2], abs=0.02)


def test_equal_weights_change_nothing(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(4, 4)] * 4, labels=(0, 0, 0, 1))
    labels = np.array([0, 0, 1, 0, 0, 0])
    drawn = np.random.default_rng(4).random(len(labels))
    plain = draw_patches(bank, counts_of(), labels, drawn)
    weighted = counts_of(patch_weights={"0.png": {"0": 1}})
    assert draw_patches(bank, weighted, labels, drawn).tolist() == plain.tolist()


def test_chances_are_added_up_once_for_a_recipe(bank_of: BankOf) -> None:
    bank = bank_of(labels=(0, 0, 2))
    first, again, other = (counts_of(patch_weights={"0.png": {"0": w}}) for w in (2, 2, 3))
    chances = bank.prepared(patch_chances, first)
    assert bank.prepared(patch_chances, first) is chances
    assert bank.prepared(patch_chances, again) is chances
    changed = bank.prepared(patch_chances, other)
    assert changed is not None and changed.tolist() == [0.75, 1, 3]
    # A bank of its own has its own.
    assert replace(bank).prepared(patch_chances, first) is not chances
