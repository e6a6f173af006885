"""The plugin as FiftyOne loads it, and the datasets of the tests of the app."""

from __future__ import annotations

import fiftyone.operators as foo
import pytest

from tests.app.conftest import dataset, imported, phantom_points, phantom_truths

__all__ = ["dataset", "imported", "phantom_points", "phantom_truths"]

PREFIX = "@synthmed/synthmed"


@pytest.fixture
def operator():
    """An operator of the plugin, by its name."""
    return lambda name: foo.get_operator(f"{PREFIX}/{name}")
