"""Where the demo cannot write is told at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synthmed.demo.output import check_output
from synthmed.errors import DatasetError


@pytest.mark.parametrize("name", ["", "new", "new/deeper"])
def test_a_folder_that_will_do(tmp_path: Path, name: str) -> None:
    check_output(tmp_path / name, needed_mb=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"file: this is a file.*--out"):
        check_output(tmp_path / name)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by its mode, which does not keep root out.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DatasetError, match="nothing can be written"):
        check_output(tmp_path / "new")


def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"needs 1000000000000 MB, .* MB left.*delete something"):
        check_output(tmp_path, needed_mb=1e12)
