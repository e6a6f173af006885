"""A small recipe, so that rendering takes little time."""

from __future__ import annotations

import pytest

from synthmed.scenes import Recipe, make_recipe


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return make_recipe({"canvas": {"size_px": (96, 128)}, "counts": {"kind": "decorrelated"}})
