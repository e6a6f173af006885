from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def data(phantom_dir: Path, tmp_path: Path) -> Path:
    """A copy of the phantom that a test may damage."""
    return Path(shutil.copytree(phantom_dir, tmp_path / "phantom", ignore=shutil.ignore_patterns("masks")))
