from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import bank_words, run, succeeds

from synthmed.bank import open_bank


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Arguments for a bank of a phantom with as many images as a comparison needs."""
    from synthmed.phantom import write_phantom

    folder = tmp_path_factory.mktemp("fidelity")
    write_phantom(folder, train=8, val=1, seed=0)
    succeeds(*bank_words(folder))
    return [folder / "bank", "--images", folder / "images", "--points", folder / "points.csv"]


def test_a_report_with_its_pictures(bank: list[object], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("canvas: {size_px: [256, 256]}")
    done = run("fidelity", *bank, "--out", tmp_path / "out", "--scenes", 8, "--recipe", recipe)
    assert done.exit_code == 0, done.output
    assert "4 real images beside 4 others" in " ".join(done.output.split())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {"measures.png", "classes.png", "images.png", "real_beside_synthetic.png"}
    assert names == pictures | {"fidelity.json", "fidelity.csv"}
    data = json.loads((tmp_path / "out" / "fidelity.json").read_text())
    assert data["bank"] == open_bank(bank[0]).hash  # type: ignore[arg-type]
    assert data["recipe"]["canvas"]["size_px"] == [256, 256]
    assert (data["half"], data["scenes"], data["classes"]) == (4, 8, ["Bacteria", "RBC", "WBC"])
    for row in data["rows"]:
        assert row["measure"] in done.output or row["name"] not in ("all", "mean of classes")
    again = run("fidelity", *bank, "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert "something is there already" in again.output


def test_points_of_another_bank_are_refused(bank: list[object], tmp_path: Path) -> None:
    lines = Path(str(bank[-1])).read_text().splitlines()
    (tmp_path / "points.csv").write_text("\n".join(lines[:1] + lines[2:]))
    done = run("fidelity", *bank[:-1], tmp_path / "points.csv", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "not the points that the bank was cut at: 1 of its 8 images" in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
