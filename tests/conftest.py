"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Read by numerical libraries when they load, so it has to stand before any of them is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real microscopy data; tests that need it are skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SYNTHMED_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set SYNTHMED_TEST_DATA to a folder that has them")
    return folder


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom collection: 6 training and 3 validation images of four slides."""
    from synthmed.phantom import write_phantom

    return write_phantom(tmp_path_factory.mktemp("phantom") / "phantom", train=6, val=3, seed=0)
