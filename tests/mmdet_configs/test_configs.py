"""What holds for every config, without training it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
)
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from synthmed.bank import BankSpec, build_bank, save_bank
from synthmed.datasets import render_dataset
from synthmed.errors import DatasetError
from synthmed.points import read_points

pytestmark = pytest.mark.mmdet

FOLDER = Path(__file__).resolve().parents[2] / "mmdet_configs"
CONFIGS = sorted(path for path in FOLDER.glob("*/*.py") if path.parent.name != "_base_")
NAMES = [f"{path.parent.name}/{path.stem}" for path in CONFIGS]


@pytest.fixture(scope="module")
def bank(phantom_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    points = read_points(phantom_dir / "points.csv", phantom_dir / "images")
    folder = tmp_path_factory.mktemp("bank") / "bank"
    spec = BankSpec(sizes_px={"Bacteria": 12.0, "RBC": 35.0, "WBC": 50.0})
    save_bank(build_bank(points, phantom_dir / "images", spec), folder)
    return folder


@pytest.fixture
def environment(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"BANK": str(bank), "IMAGES": "/my/images", "POINTS": "/my/points.csv"}
    for name, value in {**values, "BOXES": "/my/boxes_{split}.json", "SEED": "7"}.items():
        monkeypatch.setenv(f"SYNTHMED_{name}", value)


def read(path: Path) -> Config:
    return Config.fromfile(str(path))


def entries(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a config with its dotted name."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        yield f"{path}{key}", item
        if isinstance(item, dict | list | tuple):
            yield from entries(item, f"{path}{key}.")


def test_there_are_configs() -> None:
    assert {"yolov2", "cam"} <= {path.parent.name for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_a_config_says_how_it_is_run(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    name = path.relative_to(FOLDER.parent).as_posix()
    assert re.search(rf"mim train mmdet {re.escape(name)} [\\\s]*--work-dir \S+", text)
    assert re.search(rf"mim train mmdet {re.escape(name)} [\\\s]*--work-dir \S+ --resume", text)
    assert re.search(rf"mim test mmdet {re.escape(name)} [\\\s]*--checkpoint \S+", text)
    checkpoint = re.search(r"iter_(\d+)\.pth", text)
    assert checkpoint is not None
    assert int(checkpoint[1]) == read(path).train_cfg.max_iters


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
@pytest.mark.usefixtures("environment")
def test_variables_reach_every_place(path: Path, bank: Path) -> None:
    config = read(path)
    loaders = {f"{name}_dataloader": config[f"{name}_dataloader"] for name in ("train", "val", "test")}
    found = list(entries({**loaders, "model": config.model, "hooks": config.custom_hooks}))
    assert {value for name, value in found if name.endswith("bank")} == {str(bank)}
    assert {value for name, value in found if name.endswith(".images")} == {"/my/images"}
    assert {value for name, value in found if name.endswith("points")} == {"/my/points.csv"}
    assert {value for name, value in found if name.endswith(".boxes")} == {"/my/boxes_{split}.json"}
    assert config.randomness.seed == 7
    assert {value for name, value in found if name.endswith("seed")} <= {7}


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_without_variables_the_demo_is_meant(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BANK", "IMAGES", "POINTS", "BOXES", "SEED"):
        monkeypatch.delenv(f"SYNTHMED_{name}", raising=False)
    dataset = read(path).val_dataloader.dataset
    demo = "work_dirs/demo/phantom"
    assert dataset.bank == f"{demo}/bank"
    assert (dataset.images, dataset.points) == (f"{demo}/data/images", f"{demo}/data/points.csv")
    assert dataset.boxes is None


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
@pytest.mark.usefixtures("environment")
def test_real_images_are_shown_as_large_as_scenes(path: Path) -> None:
    config = read(path)
    sizes = {
        tuple(value)
        for name, value in entries(config.to_dict())
        if name.endswith(("size_px", "scale")) and value is not None
    }
    assert len(sizes) == 1, "scenes, anchors and the resizing of real images agree"
    (size,) = sizes
    assert str(size[0]) in path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_max_iters_is_the_one_number(path: Path) -> None:
    config = read(path)
    assert config.train_cfg.type == "SceneTrainLoop"
    assert all(s.get("by_epoch") is False for s in config.param_scheduler)
    *warm_up, last = config.param_scheduler
    assert "end" not in last, "the last schedule ends with training"
    assert all(s.end < config.train_cfg.max_iters for s in warm_up)
    assert config.train_cfg.val_interval > config.train_cfg.max_iters, "val is read once, at the end"


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_checkpoints_of_other_classes_are_refused(path: Path) -> None:
    assert "ClassNamesHook" in [hook.type for hook in read(path).custom_hooks]


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
@pytest.mark.usefixtures("environment")
def test_every_type_is_registered(path: Path) -> None:
    config = read(path)
    groups: list[tuple[Any, list[str]]] = [
        (DATASETS, [config[f"{name}_dataloader"].dataset.type for name in ("train", "val", "test")]),
        (DATASETS, [dataset.type for dataset in datasets(config, "train")]),
        (DATA_SAMPLERS, [config[f"{name}_dataloader"].sampler.type for name in ("train", "val", "test")]),
        (HOOKS, [hook.type for hook in [*config.default_hooks.values(), *config.custom_hooks]]),
        (LOOPS, [config.train_cfg.type, config.val_cfg.type, config.test_cfg.type]),
        (METRICS, [metric.type for metric in config.val_evaluator]),
        (OPTIM_WRAPPERS, [config.optim_wrapper.type]),
        (PARAM_SCHEDULERS, [scheduler.type for scheduler in config.param_scheduler]),
        (TRANSFORMS, [step.type for name in ("train", "val") for step in steps(config, name)]),
    ]
    with DefaultScope.overwrite_default_scope("mmdet"):
        for registry, types in groups:
            assert types
            assert [name for name in types if registry.get(name) is None] == []


def steps(config: Config, name: str) -> list[Any]:
    return [step for dataset in datasets(config, name) for step in dataset.pipeline]


def datasets(config: Config, name: str) -> list[Any]:
    """The dataset of a loader, or those that are mixed in it."""
    dataset = config[f"{name}_dataloader"].dataset
    return [dataset.scenes, dataset.real] if dataset.type == "MixedDataset" else [dataset]


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
@pytest.mark.usefixtures("environment")
def test_the_parts_of_the_network_fit_together(path: Path) -> None:
    config = read(path)
    with DefaultScope.overwrite_default_scope("mmdet"):
        network = MODELS.build(config.model).eval()
    with torch.inference_mode():
        raw = network(torch.zeros(1, 3, 64, 96), None, mode="tensor")
    while not isinstance(raw, torch.Tensor):  # maps of several strides, of several kinds
        raw = raw[0]
    assert raw.shape[0] == 1
    assert raw.shape[2] * 3 == raw.shape[3] * 2


@pytest.mark.usefixtures("environment")
def test_the_config_in_the_readme_trains_on_rendered_scenes(bank: Path, tmp_path: Path) -> None:
    render_dataset(bank, tmp_path / "scenes", count=3)
    text = (FOLDER / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(_base_[^`]*SCENES[^`]*)```", text)
    own = tmp_path / "own.py"
    own.write_text(
        block.replace('["yolov2', f'["{FOLDER}/yolov2').replace("SCENES", str(tmp_path / "scenes"))
    )
    loader = read(own).train_dataloader
    assert loader.sampler == {"type": "InfiniteSampler"}
    with DefaultScope.overwrite_default_scope("mmdet"):
        loader = Runner.build_dataloader(loader | dict(num_workers=0, persistent_workers=False), seed=0)
    batch = next(iter(loader))
    assert len(batch["inputs"]) == 8, "three scenes, again and again"
    assert batch["inputs"][0].shape == (3, 416, 416)


def test_the_control_is_not_trained_on_squares(
    bank: Path, phantom_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNTHMED_BOXES", raising=False)
    values = {"BANK": bank, "IMAGES": phantom_dir / "images", "POINTS": phantom_dir / "points.csv"}
    for name, value in values.items():
        monkeypatch.setenv(f"SYNTHMED_{name}", str(value))
    dataset = read(FOLDER / "yolov2" / "yolov2_darknet19_416_cpu_real.py").train_dataloader.dataset
    with (
        DefaultScope.overwrite_default_scope("mmdet"),
        pytest.raises(DatasetError, match="SYNTHMED_BOXES"),
    ):
        DATASETS.build(dataset)


def test_the_control_is_shown_real_boxes_at_the_scale_of_scenes(
    bank: Path, phantom_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"BANK": bank, "IMAGES": phantom_dir / "images", "POINTS": phantom_dir / "points.csv"}
    for name, value in {**values, "BOXES": phantom_dir / "boxes_{split}.json"}.items():
        monkeypatch.setenv(f"SYNTHMED_{name}", str(value))
    loader = read(FOLDER / "yolov2" / "yolov2_darknet19_416_cpu_real.py").train_dataloader
    with DefaultScope.overwrite_default_scope("mmdet"):
        loader = Runner.build_dataloader(loader | dict(num_workers=0, persistent_workers=False), seed=0)
    boxes = read_points(phantom_dir / "boxes_train.json", phantom_dir / "images")
    assert set(loader.dataset.truth.images) == set(boxes.images), "train alone, with its negatives"
    batch = next(iter(loader))
    scale = 416 / 480
    for image, sample in zip(batch["inputs"], batch["data_samples"], strict=True):
        assert image.shape == (3, 416, 416)
        assert sample.img_shape == (312, 416)
        own = boxes.image_index == boxes.images.index(Path(sample.img_path).name)
        kept = own & ~boxes.edge
        expected = np.sort((boxes.sizes_px[kept] * scale).prod(axis=1))
        found = np.sort(sample.gt_instances.bboxes.areas.numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-3)
        assert len(sample.ignored_instances) == (own & boxes.edge).sum()
