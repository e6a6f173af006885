"""What decides what a training learns."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from synthmed.bank import BankSpec, build_bank, open_bank, save_bank
from synthmed.errors import BankError, ModelError
from synthmed.nets import scene_dataset
from synthmed.nets.training_settings import training_settings
from synthmed.points import read_points
from synthmed.scenes import make_recipe

pytestmark = pytest.mark.mmdet

CONFIG = "yolov2/yolov2_darknet19_416_cpu.py"
REAL = "yolov2/yolov2_darknet19_416_cpu_real.py"


@pytest.fixture
def configs(configs_dir: Path, tmp_path: Path) -> Path:
    """A copy of the configs, to be edited."""
    return Path(shutil.copytree(configs_dir, tmp_path / "configs"))


@pytest.fixture
def env(config_environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in config_environment.items() if name.startswith("SYNTHMED_")}


def changed(before: dict[str, object], after: dict[str, object]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_settings_are_plain_and_complete(configs: Path, env: dict[str, str]) -> None:
    environment = dict(os.environ)
    settings = training_settings(configs / CONFIG, env, [])
    assert dict(os.environ) == environment
    assert json.loads(json.dumps(settings)) == settings
    assert settings["hash of the bank"] == open_bank(env["SYNTHMED_BANK"]).hash
    assert settings["train_cfg.max_iters"] == 700
    assert settings["optim_wrapper.optimizer.lr"] == 3e-3
    assert settings["train_dataloader.dataset.pipeline.0.type"] == "PhotometricJitter"


@pytest.mark.parametrize(
    ("options", "variables", "names"),
    [
        ([], {}, set()),
        (["train_cfg.max_iters=5"], {}, {"train_cfg.max_iters"}),
        (["model.bbox_head.num_anchors=3"], {}, {"model.bbox_head.num_anchors"}),
        ([], {"SYNTHMED_SEED": "3"}, {"randomness.seed", "train_dataloader.dataset.seed"}),
        ([], {"SYNTHMED_IMAGES": "/moved", "SYNTHMED_POINTS": "/moved.csv"}, set()),
        ([], {"SYNTHMED_BOXES": "none"}, set()),
        (["val_cfg=None", "val_dataloader=None", "val_evaluator=None"], {}, set()),
    ],
)
def test_what_decides(
    configs: Path, env: dict[str, str], options: list[str], variables: dict[str, str], names: set[str]
) -> None:
    before = training_settings(configs / CONFIG, env, [])
    after = training_settings(configs / CONFIG, {**env, **variables}, options)
    assert changed(before, after) == names


def test_an_edited_base_decides(configs: Path, env: dict[str, str]) -> None:
    before = training_settings(configs / CONFIG, env, [])
    base = configs / "_base_" / "schedule_cpu.py"
    base.write_text(base.read_text().replace("lr=3e-3", "lr=2e-3"))
    after = training_settings(configs / CONFIG, env, [])
    assert changed(before, after) == {"optim_wrapper.optimizer.lr"}


def test_the_bank_decides_and_its_place_does_not(
    configs: Path, env: dict[str, str], phantom_dir: Path, tmp_path: Path
) -> None:
    before = training_settings(configs / CONFIG, env, [])
    moved = shutil.copytree(env["SYNTHMED_BANK"], tmp_path / "moved")
    assert training_settings(configs / CONFIG, {**env, "SYNTHMED_BANK": str(moved)}, []) == before
    points = read_points(phantom_dir / "points.csv", phantom_dir / "images")
    sizes = {"Bacteria": 14.0, "RBC": 35.0, "WBC": 50.0}
    save_bank(build_bank(points, phantom_dir / "images", BankSpec(sizes_px=sizes)), tmp_path / "other")
    after = training_settings(configs / CONFIG, {**env, "SYNTHMED_BANK": str(tmp_path / "other")}, [])
    assert changed(before, after) == {"hash of the bank"}
    with pytest.raises(BankError):
        training_settings(configs / CONFIG, {**env, "SYNTHMED_BANK": str(tmp_path / "none")}, [])


def test_the_content_of_a_recipe_decides(configs: Path, env: dict[str, str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    found = []
    for text in ("counts: {kind: joint}", "counts: {kind: decorrelated}"):
        recipe.write_text(text)
        options = [f"train_dataloader.dataset.recipe={recipe}"]
        found.append(training_settings(configs / CONFIG, env, options))
    assert changed(*found) == {"train_dataloader.dataset.recipe.counts.kind"}


def test_defaults_of_the_recipe_decide(
    configs: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = training_settings(configs / CONFIG, env, [])
    other = make_recipe({"counts": {"kind": "decorrelated"}})
    monkeypatch.setattr(scene_dataset, "make_recipe", lambda _: other)
    after = training_settings(configs / CONFIG, env, [])
    assert changed(before, after) == {"train_dataloader.dataset.recipe.counts.kind"}


@pytest.mark.parametrize("variable", ["SYNTHMED_POINTS", "SYNTHMED_BOXES"])
def test_points_and_boxes_decide_where_they_are_learnt_from(
    configs: Path, env: dict[str, str], phantom_dir: Path, tmp_path: Path, variable: str
) -> None:
    name = {"SYNTHMED_POINTS": "points.csv", "SYNTHMED_BOXES": "boxes_{split}.json"}[variable]
    before = training_settings(configs / REAL, env, [])
    for split in ("train", "val"):
        shutil.copy(phantom_dir / name.replace("{split}", split), tmp_path)
    moved = {**env, variable: str(tmp_path / name)}
    assert training_settings(configs / REAL, moved, []) == before
    with (tmp_path / name.replace("{split}", "train")).open("a") as file:
        file.write("\n")
    after = training_settings(configs / REAL, moved, [])
    part = variable.removeprefix("SYNTHMED_").lower()
    assert changed(before, after) == {f"content of train_dataloader.dataset.{part}"}


def test_a_bank_named_by_an_option_decides(configs: Path, env: dict[str, str]) -> None:
    options = [f"train_dataloader.dataset.bank={env['SYNTHMED_BANK']}"]
    settings = training_settings(configs / CONFIG, env, options)
    assert settings["content of train_dataloader.dataset.bank"] == open_bank(env["SYNTHMED_BANK"]).hash


def test_long_lists_and_texts_name_no_file_and_nan_equals_itself(configs: Path, env: dict[str, str]) -> None:
    path = configs / CONFIG
    names = [f"class number {number}" for number in range(40)]
    path.write_text(f"{path.read_text()}\nnames = {names}\nwords = {'x' * 5000!r}\nlowest = float('nan')\n")
    settings = training_settings(path, env, [])
    assert settings["names"] == repr(names)
    assert json.loads(json.dumps(settings)) == settings
    assert not [name for name in settings if name.startswith("content of")]


@pytest.mark.parametrize("text", ["_base_ = ['nowhere.py']", "model = (", "1 / 0"])
def test_a_config_that_cannot_be_read(tmp_path: Path, env: dict[str, str], text: str) -> None:
    path = tmp_path / "config.py"
    path.write_text(text)
    with pytest.raises(ModelError, match="the config cannot be read"):
        training_settings(path, env, [])
