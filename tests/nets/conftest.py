"""What the tests of the networks share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from untrained import write_untrained

Options = dict[str, Any]
WriteModel = Callable[[Path, Path, Options, tuple[str, ...]], tuple[Path, Path]]


@pytest.fixture(scope="session")
def bank_dir(phantom_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank of the small phantom."""
    from synthmed.bank import BankSpec, build_bank, save_bank
    from synthmed.points import read_points

    points = read_points(phantom_dir / "points.csv", phantom_dir / "images")
    sizes = {"Bacteria": 12.0, "RBC": 35.0, "WBC": 50.0}
    folder = tmp_path_factory.mktemp("bank") / "bank"
    save_bank(build_bank(points, phantom_dir / "images", BankSpec(sizes_px=sizes)), folder)
    return folder


@pytest.fixture
def mmdet_scope() -> Iterator[None]:
    """Names in configs mean MMDetection's registries, as ``default_scope`` says in a config file."""
    from mmengine.registry import DefaultScope

    import synthmed.nets  # noqa: F401

    with DefaultScope.overwrite_default_scope("mmdet"):
        yield


@pytest.fixture(scope="session")
def configs_dir() -> Path:
    """The folder of configs."""
    return Path(__file__).resolve().parents[2] / "mmdet_configs"


@pytest.fixture(scope="session")
def config_environment(bank_dir: Path, phantom_dir: Path) -> dict[str, str]:
    """The environment that configs read, for the small phantom, with one thread per process."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "SYNTHMED_BANK": str(bank_dir),
        "SYNTHMED_IMAGES": str(phantom_dir / "images"),
        "SYNTHMED_POINTS": str(phantom_dir / "points.csv"),
        "SYNTHMED_BOXES": str(phantom_dir / "boxes_{split}.json"),
    }


@pytest.fixture(scope="session")
def small_detector() -> Options:
    """Options that make the detector of a config small, whatever its backbone is."""
    return {"model.bbox_head.feat_channels": 32}


@pytest.fixture(scope="session")
def write_model(config_environment: dict[str, str]) -> WriteModel:
    """Writes a config with options, and a checkpoint of its untrained network, as training leaves them."""

    def write(config: Path, folder: Path, options: Options, classes: tuple[str, ...]) -> tuple[Path, Path]:
        return write_untrained(config, folder, config_environment, options, {"classes": classes})

    return write
