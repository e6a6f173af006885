"""Running MIM; training itself is tested in tests/nets/test_training.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed import training
from synthmed.errors import ModelError

LINES = [
    "print('Iter(train) [ 20/500]  lr: 1e-3')",
    "print('something else')",
    "print('Iter(train) [500/500]  lr: 1e-5')",
]


@pytest.fixture
def fake_mim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of MIM: what is tested is how its output and exit code are read."""
    program = tmp_path / "mim"
    monkeypatch.setattr(training, "find_mim", lambda: program)
    return program


def write_program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/usr/bin/env python3", "import pathlib, sys", *lines]))
    path.chmod(0o755)


def test_progress_is_read_and_the_checkpoint_found(fake_mim: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    write_program(
        fake_mim, *LINES, f"pathlib.Path({str(work / 'last_checkpoint')!r}).write_text('/old/iter_500.pth')"
    )
    seen: list[tuple[int, int]] = []
    checkpoint = training.train(
        Path("c.py"), work, env={}, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(20, 500), (500, 500)]
    assert checkpoint == work / "iter_500.pth"
    assert "something else" in (work / "train.log").read_text()


def test_goes_on_where_there_is_a_checkpoint(fake_mim: Path, tmp_path: Path) -> None:
    (tmp_path / "last_checkpoint").write_text("iter_20.pth")
    write_program(fake_mim, "print(sys.argv[1:])")
    training.train(Path("c.py"), tmp_path, env={}, options=["a=1"])
    log = (tmp_path / "train.log").read_text()
    assert "'--resume'" in log and "'--cfg-options', 'a=1'" in log


def test_other_options_in_the_same_folder_are_refused(fake_mim: Path, tmp_path: Path) -> None:
    write_program(fake_mim, f"pathlib.Path({str(tmp_path / 'last_checkpoint')!r}).write_text('iter_1.pth')")
    training.train(Path("c.py"), tmp_path, env={}, options=["a=1"])
    training.train(Path("c.py"), tmp_path, env={}, options=["a=1"])
    with pytest.raises(ModelError, match="other options"):
        training.train(Path("c.py"), tmp_path, env={}, options=["a=2"])


def test_failure_names_the_log(fake_mim: Path, tmp_path: Path) -> None:
    write_program(fake_mim, "sys.exit(3)")
    with pytest.raises(ModelError, match=r"train\.log: training failed"):
        training.train(Path("c.py"), tmp_path, env={})


def test_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no checkpoint"):
        training.last_checkpoint(tmp_path)
