"""What an import costs: asked of a fresh interpreter, as this one has imported much already."""

from __future__ import annotations

import subprocess
import sys

import pytest

NETWORKS_AND_APP = {"fiftyone", "torch", "mmcv", "mmdet", "mmengine", "mim"}
EVERYTHING_SLOW = NETWORKS_AND_APP | {"matplotlib", "numba", "pandas", "scipy", "skimage", "sklearn"}


def imported_by(statement: str) -> set[str]:
    """The top-level modules that a statement brings in."""
    program = f"{statement}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import synthmed", EVERYTHING_SLOW),
        ("import synthmed.errors", EVERYTHING_SLOW),
        ("import synthmed.doctor", EVERYTHING_SLOW),
        ("import synthmed.cli", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.demo", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.points", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.bank", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.scenes", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.datasets", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.metrics", NETWORKS_AND_APP | {"matplotlib"}),
        ("import synthmed.phantom", NETWORKS_AND_APP | {"matplotlib"}),
    ],
)
def test_import_stays_light(statement: str, forbidden: set[str]) -> None:
    assert not imported_by(statement) & forbidden


def test_modules_are_seen() -> None:
    """The check above would notice: numpy is seen where it is imported."""
    assert "numpy" in imported_by("import numpy")
