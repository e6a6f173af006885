"""The hook by itself; that it ends in what ``synthmed adapt`` makes is in test_training.py."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.hooks.hook import Hook
from mmengine.runner import get_priority

from synthmed.errors import DatasetError, ModelError, PointsError
from synthmed.nets.adapt_batch_norm_hook import AdaptBatchNormHook, train_images
from synthmed.points import read_points

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]


@pytest.fixture
def data(phantom_dir: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The phantom's images and points, to be changed."""
    images = Path(shutil.copytree(phantom_dir / "images", tmp_path / "images"))
    return images, Path(shutil.copy(phantom_dir / "points.csv", tmp_path))


def test_the_images_are_those_of_train(data: tuple[Path, Path]) -> None:
    points = read_points(data[1], data[0])
    expected = [str(data[0] / name) for name in points.of_split("train").images]
    found = [str(path) for path in train_images(*data)]
    assert found == expected
    assert len(found) < len(points.images)
    few = [str(path) for path in train_images(*data, 2)]
    assert few == [expected[0], expected[-1]]
    assert [str(path) for path in train_images(*data, 10**6)] == expected
    assert len(train_images(*data, 1)) == 1


def test_copies_of_what_is_held_out_and_nothing_at_all_are_refused(data: tuple[Path, Path]) -> None:
    images, file = data
    points = read_points(file, images)
    train, val = (points.of_split(split).images[0] for split in ("train", "val"))
    shutil.copy(images / val, images / train)
    with pytest.raises(PointsError, match="same bytes as images of val or test"):
        train_images(images, file)
    file.write_text(file.read_text().replace(",train", ",val"))
    with pytest.raises(DatasetError, match="no images of train"):
        train_images(images, file)
    with pytest.raises(DatasetError, match="no images of train"):
        train_images(images, file, 0)


def runner_at(iteration: int, hooks: list[Hook], config: Config | None = None) -> Any:
    return SimpleNamespace(iter=iteration, max_iters=10, hooks=hooks, cfg=config, model=None)


def test_it_waits_for_the_last_iteration_and_comes_before_the_checkpoint(data: tuple[Path, Path]) -> None:
    hook = HOOKS.build(dict(type="AdaptBatchNormHook", images=str(data[0]), points=str(data[1])))
    for iteration in (0, 5, 8):
        hook.after_train_iter(runner_at(iteration, [hook]))
    with pytest.raises(AttributeError):  # it goes to work, and this runner has no network
        hook.after_train_iter(runner_at(9, [hook]))
    # A lower number is served first.
    assert get_priority(hook.priority) < get_priority(CheckpointHook.priority)


def test_averaged_weights_are_refused_before_training(data: tuple[Path, Path]) -> None:
    hook = AdaptBatchNormHook(*data)
    with pytest.raises(ModelError, match=r"EMAHook keeps another one.*synthmed adapt"):
        hook.before_train(runner_at(0, [hook, EMAHook()]))
