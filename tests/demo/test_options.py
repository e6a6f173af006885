"""Which configs the demo trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed import _shipped
from synthmed.demo.options import DemoOptions
from synthmed.errors import ModelError


def test_configs_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DemoOptions().detector_config.parts[-3:-1] == ("mmdet_configs", "yolov3")
    assert DemoOptions().classifier_config.is_file()


def test_configs_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "synthmed" / "shipped" / "mmdet_configs" / "yolov3" / "yolov3_darknet19_416_cpu.py"
    config.parent.mkdir(parents=True)
    config.touch()
    # What lies beside an installed package is of others.
    (tmp_path / "mmdet_configs").mkdir()
    monkeypatch.setattr(_shipped, "_PACKAGE", tmp_path / "synthmed")
    assert DemoOptions().detector_config == config


def test_a_folder_without_the_config_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"yolov3_darknet19_416_cpu\.py: there is no such config.*--configs"):
        DemoOptions(configs=tmp_path).detector_config  # noqa: B018
