"""What the tests of the networks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("mmdet", reason="needs torch, mmcv and mmdet: make setup")


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
