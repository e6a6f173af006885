from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synthmed.datasets import render_dataset
from synthmed.errors import DatasetError
from synthmed.nets.rendered_dataset import RenderedDataset
from synthmed.nets.scene_dataset import SceneDataset
from synthmed.scenes import make_recipe

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]

RECIPE = {"canvas": {"size_px": (96, 128)}, "counts": {"kind": "decorrelated", "presence": 0.3}}
PIPELINE = [
    dict(type="ReadMicrograph"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="PackDetInputs"),
]


@pytest.fixture(scope="module")
def folder(bank_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered") / "scenes"
    render_dataset(bank_dir, out, count=12, recipe=make_recipe(RECIPE), seed=5)
    return out


def test_on_disk_the_scenes_are_those_of_the_loader(folder: Path, bank_dir: Path) -> None:
    rendered = RenderedDataset(folder, pipeline=PIPELINE, min_visible=0.5)
    composed = SceneDataset(
        bank_dir, RECIPE, seed=5, length=12, pipeline=[dict(type="PackDetInputs")], min_visible=0.5
    )
    assert len(rendered) == 12, "scenes without objects are kept"
    for name in ("classes", "palette", "has_boxes"):
        assert rendered.metainfo[name] == composed.metainfo[name]
    assert rendered.metainfo["class_sizes_px"] == pytest.approx(composed.metainfo["class_sizes_px"], abs=1e-4)
    counts = []
    for index in range(12):
        one, other = rendered[index], composed[index]
        np.testing.assert_array_equal(one["inputs"].numpy(), other["inputs"].numpy())
        for key in ("gt_instances", "ignored_instances"):
            ours, theirs = getattr(one["data_samples"], key), getattr(other["data_samples"], key)
            np.testing.assert_allclose(ours.bboxes.tensor.numpy(), theirs.bboxes.tensor.numpy(), atol=1e-4)
            assert ours.labels.tolist() == theirs.labels.tolist()
        assert one["data_samples"].img_id == index
        counts.append(len(one["data_samples"].gt_instances))
    assert 0 in counts
    assert max(counts) > 0


def test_an_unfinished_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no rendered dataset here"):
        RenderedDataset(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"images": [], "categories": []})])
def test_damaged_labels(folder: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    (tmp_path / "coco.json").write_text(content)
    with pytest.raises(DatasetError, match="the labels cannot be read"):
        RenderedDataset(tmp_path)
