"""A bank of other points, settings or versions gets a number, and the demo goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmed.bank import open_bank
from synthmed.datasets import read_manifest
from synthmed.demo import run
from synthmed.demo.options import DemoOptions

SIZES = ("RBC=29px", "WBC=43px", "Bacteria=10px")


@pytest.fixture
def demo(phantom_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Runs a demo without its networks, and returns its folder."""
    monkeypatch.setattr(run, "train", lambda *_, **__: None)
    monkeypatch.setattr(run, "_SCENES", 4)

    def judge(data: Any, bank: Any, work_dir: Path, options: Any) -> None:
        (work_dir / "report.json").write_text(bank.hash)

    monkeypatch.setattr(run, "_judge", judge)

    def go(*sizes: str) -> Path:
        configs = Path(run.__file__).parents[2] / "mmdet_configs"
        run.run_demo(DemoOptions(phantom_dir, tmp_path, sizes, configs, fiftyone=False))
        return tmp_path / phantom_dir.name

    return go


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_another_bank_is_set_aside_with_what_was_made_of_it(
    demo: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    work_dir = demo(*SIZES)
    kept = {"bank", "scenes", "pictures", "report.json"}
    before = open_bank(work_dir / "bank").hash
    demo(*SIZES)
    assert names(work_dir) == kept
    capsys.readouterr()
    demo("RBC=20px", *SIZES[1:])
    printed = " ".join(capsys.readouterr().out.split())
    assert "built anew, as points, images or settings have changed; the earlier one is now" in printed
    assert names(work_dir) == kept | {"bank-1", "scenes-1", "pictures-1", "report-1.json"}
    assert open_bank(work_dir / "bank-1", verify=True).hash == before
    assert read_manifest(work_dir / "scenes-1")["bank_hash"] == before
    assert (work_dir / "report-1.json").read_text() == before
    assert read_manifest(work_dir / "scenes")["bank_hash"] == open_bank(work_dir / "bank").hash != before


@pytest.mark.parametrize(
    ("schema_version", "why"), [(2, "another schema version"), (None, "bank.json cannot be read")]
)
def test_a_bank_that_cannot_be_read_is_set_aside(
    demo: Callable[..., Path], capsys: pytest.CaptureFixture[str], schema_version: int | None, why: str
) -> None:
    work_dir = demo(*SIZES)
    path = work_dir / "bank" / "bank.json"
    before = json.loads(path.read_text())
    path.write_text(json.dumps({**before, "schema_version": schema_version}) if schema_version else "{")
    capsys.readouterr()
    demo(*SIZES)
    assert why in " ".join(capsys.readouterr().out.split())
    assert {"bank-1", "scenes-1"} <= names(work_dir)
    assert open_bank(work_dir / "bank", verify=True).hash == before["hash"]
