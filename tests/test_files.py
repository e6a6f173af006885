from __future__ import annotations

import os
from pathlib import Path

import pytest

from synthmed._files import folder_when_done, give_number, is_free, write_atomic


@pytest.mark.parametrize("data", [b"", b"new", b"x" * 100_000])
def test_write_atomic(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.json"
    for _ in range(2):
        write_atomic(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", ["nothing", "empty folder", "link to an empty folder"])
def test_a_folder_appears_when_it_is_done(tmp_path: Path, before: str) -> None:
    path = tmp_path / "deep" / "data"
    if before != "nothing":
        path.mkdir(parents=True)
    if before.startswith("link"):
        path = tmp_path / "link"
        path.symlink_to(tmp_path / "deep" / "data")
    with folder_when_done(path) as partial:
        (partial / "a.txt").write_text("a")
        assert not (path / "a.txt").exists()
    assert [entry.name for entry in path.iterdir()] == ["a.txt"]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_folder_does_not_appear_where_an_error_is_raised(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), folder_when_done(tmp_path / "data") as partial:
        (partial / "a.txt").write_text("a")
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_filled_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with pytest.raises(OSError), folder_when_done(path) as partial:
        (partial / "a.txt").write_text("a")
        path.mkdir()
        (path / "theirs.txt").write_text("b")
    assert [entry.name for entry in path.iterdir()] == ["theirs.txt"]
    assert list(tmp_path.iterdir()) == [path]


def test_folders_have_the_permissions_that_are_usual(tmp_path: Path) -> None:
    with folder_when_done(tmp_path / "data"):
        pass
    (tmp_path / "other").mkdir()
    assert (tmp_path / "data").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_working_directory_itself(clean_cwd: Path) -> None:
    inner = clean_cwd / "inner"
    inner.mkdir()
    os.chdir(inner)
    with folder_when_done(Path(".")) as partial:
        (partial / "a.txt").write_text("a")
    assert (inner / "a.txt").read_text() == "a"


def test_is_free(tmp_path: Path) -> None:
    assert is_free(tmp_path)
    assert is_free(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert not is_free(tmp_path)
    assert not is_free(tmp_path / "file")


def test_what_has_to_go_gets_one_number_that_is_free_for_all(tmp_path: Path) -> None:
    folder, file, gone = tmp_path / "v1.5", tmp_path / "report.json", tmp_path / "gone"
    (tmp_path / "report-1.json").write_text("earlier")
    (tmp_path / "gone-2").symlink_to("nowhere")
    folder.mkdir()
    file.write_text("{}")
    assert give_number(folder, gone, file) == [tmp_path / "v1.5-3", tmp_path / "report-3.json"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "v1.5-3",
        "report-3.json",
        "report-1.json",
        "gone-2",
    }
