from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import fails, succeeds

from synthmed import __version__


def test_the_commands_tell_what_they_do() -> None:
    listed = succeeds("--help")
    for command in ("bank", "render", "recipe", "phantom", "doctor"):
        assert command in listed
    for words in (["bank"], ["bank", "build"], ["bank", "info"], ["bank", "sheet"], ["render"], ["recipe"]):
        assert "Usage:" in succeeds(*words, "-h")
    assert __version__ in succeeds("--version")


@pytest.mark.parametrize("command", [["bank", "info"], ["bank", "sheet", "--out", "x.png"], ["render"]])
def test_banks_that_cannot_be_opened(phantom_bank_dir: Path, clean_cwd: Path, command: list[str]) -> None:
    rest = ["--out", clean_cwd / "out", "--count", 1] if command == ["render"] else []
    assert "there is no patch bank here" in fails(*command, clean_cwd / "nothing", *rest)
    bank = Path(shutil.copytree(phantom_bank_dir, clean_cwd / "bank"))
    meta = json.loads((bank / "bank.json").read_text())
    (bank / "bank.json").write_text(json.dumps({**meta, "schema_version": 99}))
    said = fails(*command, bank, *rest)
    assert "another schema version than" in said and "got 99" in said
    assert sorted(path.name for path in clean_cwd.iterdir()) == ["bank"]


def process(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from synthmed.cli import main; main()", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_real_process_ends_with_code_2_and_one_message(phantom_dir: Path, tmp_path: Path) -> None:
    empty = tmp_path / "points.csv"
    empty.write_text("")
    ended = process(
        "bank", "build", "--images", phantom_dir / "images", "--points", empty, "--out", tmp_path / "b"
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: ") and ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    ended = process("bank", "info", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: {tmp_path}: there is no patch bank here. Remedy: build one: synthmed bank build\n"
    )
