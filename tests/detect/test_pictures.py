from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed._colors import class_color
from synthmed.detect.pictures import draw_detections, overview
from synthmed.detect.results import ImageResult
from synthmed.points import open_image


@pytest.mark.parametrize("side", [40, 3000])
def test_boxes_stand_where_they_were_found(tmp_path: Path, side: int) -> None:
    Image.new("RGB", (side, side), "#808080").save(tmp_path / "image.png")
    half = side / 2
    found = ImageResult(
        "image.png", (side, side), [[half, half, side / 4, side / 4], [0, 0, 0, 0]], [0.9, 0.8], [1, 0]
    )
    draw_detections(tmp_path / "image.png", found, ("RBC", "WBC"), tmp_path / "new" / "picture.png")
    picture = np.asarray(Image.open(tmp_path / "new" / "picture.png"))
    width = picture.shape[1]
    assert 900 <= width <= 2048 < picture.shape[0] * 3
    color = tuple(int(class_color(1)[k : k + 2], 16) for k in (1, 3, 5))
    rows, columns = np.nonzero((picture[:width] == color).all(axis=2))
    assert abs(rows.min() - width / 2) < 2
    assert abs(columns.max() - width * 3 / 4) < 2


def test_overview_is_put_together_from_windows(phantom_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sorted((phantom_dir / "images").iterdir())[0]
    monkeypatch.setattr("synthmed.detect.pictures._WINDOW_PX", 100)
    with open_image(path) as source:
        small = overview(source, 120)
        whole = Image.fromarray(source.sample()).resize((120, 90), Image.Resampling.BOX)
        assert small.shape == (90, 120, 3)
        assert np.abs(small.astype(int) - np.asarray(whole)).mean() < 2
