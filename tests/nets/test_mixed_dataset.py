from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS

from synthmed.datasets import Mix
from synthmed.errors import DatasetError
from synthmed.nets.mixed_dataset import MixedDataset
from synthmed.nets.real_dataset import RealDataset
from synthmed.nets.scene_dataset import SceneDataset
from synthmed.nets.scene_sampler import SceneSampler

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]

LAST = [dict(type="PhotometricJitter"), dict(type="PackDetInputs")]
SIDE = (96, 96)


@pytest.fixture
def parts(bank_dir: Path, phantom_dir: Path) -> dict[str, Any]:
    scenes = dict(type="SceneDataset", bank=str(bank_dir), size_px=SIDE, seed=2, length=8, pipeline=LAST)
    real = dict(
        type="RealDataset",
        images=str(phantom_dir / "images"),
        points=str(phantom_dir / "points.csv"),
        boxes=str(phantom_dir / "boxes_{split}.json"),
        bank=str(bank_dir),
        split="train",
        require_boxes=True,
        pipeline=[
            dict(type="ReadMicrograph"),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="Resize", scale=SIDE, keep_ratio=True),
            dict(type="RandomFlip", prob=[0.3, 0.3], direction=["horizontal", "vertical"]),
            dict(type="PadWithBackground", size_divisor=32, size=SIDE),
            *LAST,
        ],
    )
    return dict(scenes=scenes, real=real)


def make(parts: dict[str, Any], share: float = 0.25, **more: Any) -> MixedDataset:
    return DATASETS.build(dict(type="MixedDataset", real_share=share, **parts, **more))


def path_of(item: dict[str, Any]) -> str:
    return str(item["data_samples"].img_path)


def test_items_are_the_scenes_of_training_on_scenes_alone_and_real_images_where_the_mix_says(
    parts: dict[str, Any],
) -> None:
    mixed = make(parts)
    scenes, real = SceneDataset(**_arguments(parts["scenes"])), RealDataset(**_arguments(parts["real"]))
    mix = Mix(0.25, len(real), seed=2)
    for k in range(12):
        item, number = mixed[k], mix.real_image(k)
        assert item["inputs"].shape == (3, *SIDE)
        if number is None:
            assert torch.equal(item["inputs"], scenes[k]["inputs"])
            assert path_of(item) == ""
        else:
            assert path_of(item) == real.get_data_info(number)["img_path"]
            assert len(item["data_samples"].gt_instances) > 0
    assert sum(bool(path_of(mixed[k])) for k in range(12)) == 3
    assert len(mixed) == 8


def test_an_item_depends_on_its_number_alone(parts: dict[str, Any]) -> None:
    mixed, again = make(parts, 1), make(parts, 1)
    for k in (7, 3, 7):
        random.seed(k + 100)
        np.random.seed(k + 100)
        state = np.random.get_state()[1].copy()
        assert torch.equal(mixed[k]["inputs"], again[k]["inputs"])
        assert np.array_equal(np.random.get_state()[1], state), "the global generator is put back"


def test_ranks_together_see_what_one_process_sees_and_a_resumed_run_goes_on(parts: dict[str, Any]) -> None:
    mixed = make(parts, 0.5)
    shown = [path_of(mixed[k]) for k in range(12)]

    def stream(rank: int, skipped: int = 0) -> list[str]:
        sampler = SceneSampler(mixed, endless=True)
        sampler.rank, sampler.world_size = rank, 2
        sampler.skip(skipped)
        numbers = iter(sampler)
        return [path_of(mixed[next(numbers)]) for _ in range(6 - skipped)]

    assert [name for pair in zip(stream(0), stream(1), strict=True) for name in pair] == shown
    assert stream(1, skipped=4) == stream(1)[4:]


def test_shares_are_told_by_images_and_by_objects(parts: dict[str, Any]) -> None:
    mixed = make(parts, 0.1, real_images=2)
    told = mixed.tell_mix(100)
    assert told.startswith("Of 100 images to be shown 10 are real: 2 images, each shown 5 times.")
    assert "1 or 2 times" in make(parts, 0.03, real_images=2).tell_mix(100)
    assert mixed.metainfo["real_share"] == 0.1
    assert mixed.metainfo["real_images"] == 2
    truth = mixed.real.truth
    pool = [index for index in truth.image_index if index in mixed.pool]
    composed = np.mean([len(mixed.scenes.scene(k)) for k in range(32)])
    expected = 0.1 * len(pool) / 2 / (0.1 * len(pool) / 2 + 0.9 * composed)
    assert mixed.real_objects_share()[-1] == pytest.approx(expected)
    assert f"about {expected:.1%} are real" in told
    assert (make(parts, 1).real_objects_share() == 1).all()
    assert (make(parts, 0).real_objects_share() == 0).all()


def test_a_class_that_nothing_shows_has_no_share(parts: dict[str, Any]) -> None:
    parts["scenes"]["recipe"] = dict(counts=dict(kind="fixed", fixed={"RBC": 2}))
    assert "(Bacteria none, RBC 0.0%, WBC none)" in make(parts, 0).tell_mix(10)


def test_only_the_pool_is_shown(parts: dict[str, Any]) -> None:
    mixed = make(parts, 1, real_images=3)
    names = [path_of(mixed[k]) for k in range(9)]
    assert len(set(names)) == 3
    assert all(names.count(name) == 3 for name in names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(real_share=2), "no such share"),
        (dict(real_images=1000), "not so many real images"),
        (dict(swap=True), "must be a SceneDataset"),
    ],
)
def test_mistakes(parts: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    if changes.pop("swap", False):
        parts = dict(scenes=parts["real"], real=parts["scenes"])
    with pytest.raises(DatasetError, match=message):
        DATASETS.build(dict(type="MixedDataset", **{"real_share": 0.1, **parts, **changes}))


def test_an_image_that_the_pipeline_drops_is_told(parts: dict[str, Any]) -> None:
    parts["real"]["pipeline"].append(lambda results: None)
    with pytest.raises(DatasetError, match="drops a real image"):
        make(parts, 1)[0]


def test_classes_must_be_the_same(parts: dict[str, Any]) -> None:
    del parts["real"]["bank"]
    parts["real"]["classes"] = ("WBC", "RBC", "Bacteria")
    with pytest.raises(DatasetError, match="scenes and real images have other classes"):
        make(parts)


def _arguments(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "type"}
