from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthmed.bank import PatchBank
from synthmed.scenes import count_unplaced, draw_plan, make_recipe, render

BankOf = Callable[..., PatchBank]


@pytest.mark.parametrize("min_visible", [0.0, 0.9])
def test_what_could_not_be_seen_counts_as_unplaced(bank_of: BankOf, min_visible: float) -> None:
    recipe = make_recipe(
        {
            "canvas": {"size_px": (40, 40), "kind": "fixed"},
            "counts": {"kind": "fixed", "fixed": {"a": 20, "b": 10}},
            "placement": {"max_overlap": 1, "max_truncation": 0, "min_visible": min_visible},
            "scale": 1,
        }
    )
    placed, unplaced = count_unplaced(recipe, bank_of(), seed=0, scenes=3)
    assert (placed + unplaced).tolist() == [60, 30, 0]
    assert (unplaced.sum() > 0) == (min_visible > 0)
    scenes = [render(draw_plan(recipe, bank_of(), 0, index), bank_of()) for index in range(3)]
    shown = np.sum([np.bincount(scene.labels, minlength=3) for scene in scenes], axis=0)
    assert placed.tolist() == shown.tolist()
