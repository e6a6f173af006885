from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteText = Callable[[str], Path]


@pytest.fixture
def images_dir(tmp_path: Path) -> Path:
    """Two images, 40 high and 60 wide, one of them in a folder below, beside three that cannot be used."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    picture = Image.fromarray(np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 60, 3))
    picture.save(folder / "a.png")
    picture.save(folder / "sub" / "b.jpg")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:-400])
    (folder / "cut.jpg").write_bytes((folder / "sub" / "b.jpg").read_bytes()[:-400])
    (folder / "text.png").write_text("no image")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> WriteText:
    """Writes an annotation file and returns its path."""

    def write_text(text: str) -> Path:
        path = tmp_path / "annotations"
        path.write_bytes(text.encode())
        return path

    return write_text
