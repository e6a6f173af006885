from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from synthmed.datasets.store import LocalStore, Store, open_store
from synthmed.errors import DatasetError


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    out = {"path": str(tmp_path / "out"), "file": f"file://{tmp_path}/out", "memory": f"memory:/{tmp_path}"}
    return open_store(out[request.param])


def test_nothing_yet(store: Store) -> None:
    assert store.is_free()
    assert store.sizes() == {}
    store.remove("nothing")
    with pytest.raises(FileNotFoundError):
        store.read("nothing")


@pytest.mark.parametrize("pieces", [[], [b"ab", b"c"], [b"x" * 1_500_000] * 4])
def test_what_is_written_is_read(store: Store, pieces: list[bytes]) -> None:
    store.write("a/b.bin", pieces)
    store.write("a/b.bin", iter(pieces))
    store.write("c.txt", [b"c"])
    size = sum(map(len, pieces))
    assert store.read("a/b.bin") == b"".join(pieces)
    assert store.sizes() == {"a/b.bin": size, "c.txt": 1}
    assert store.sizes("a") == {"a/b.bin": size}
    assert not store.is_free()
    store.remove("a")
    store.remove("c.txt")
    assert store.sizes() == {}


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    def pieces() -> Any:
        yield b"x" * 3_000_000
        raise OSError(errno.ENOSPC, "No space left on device")

    store = LocalStore(tmp_path)
    store.write("a.txt", [b"old"])
    with pytest.raises(OSError, match="No space"):
        store.write("a.txt", pieces())
    assert store.read("a.txt") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.txt"]


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(data[:7])

    monkeypatch.setattr("builtins.open", lambda path, *_, **__: Slow(path, "w"))
    store = LocalStore(tmp_path)
    store.write("a.bin", [bytes(range(100))])
    monkeypatch.undo()
    assert store.read("a.bin") == bytes(range(100))


@pytest.mark.parametrize(
    ("inside", "free"),
    [((), True), (("parts/1.partial",), True), (("parts/1.json",), False), (("note.txt",), False)],
)
def test_only_leftovers_of_the_first_file_are_written_over(
    tmp_path: Path, inside: tuple[str, ...], free: bool
) -> None:
    for name in inside:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert LocalStore(tmp_path).is_free() == free


def test_urls_that_nobody_opens() -> None:
    with pytest.raises(DatasetError, match="fsspec cannot open the URL"):
        open_store("nowhere://a/b")
