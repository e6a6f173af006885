from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.datasets import RenderReport
from synthmed.errors import DatasetError

Content = Callable[[Path], dict[str, bytes]]
Render = Callable[..., RenderReport]


class SmallDisk:
    """Stands for `open`: files that take what fits on the disk, and then refuse."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, path: Path, *_: object, **__: object) -> io.FileIO:
        disk = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                if disk.room <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written = super().write(data[: disk.room])
                disk.room -= written
                return written

        return File(path, "w")


def test_a_full_disk_is_a_message_and_the_run_goes_on(
    render_everything: Render,
    rendered: Path,
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is full again and again, at random places, in every kind of file."""
    wanted, out = content(rendered), tmp_path / "out"
    rng = np.random.default_rng(0)
    refused = 0
    while not (out / "manifest.json").exists():
        room = int(rng.integers(10, (1 + refused) * sum(map(len, wanted.values())) // 6))
        with monkeypatch.context() as patch:
            patch.setattr("synthmed.datasets.store.open", SmallDisk(room), raising=False)
            try:
                render_everything(out)
            except DatasetError as error:
                assert re.search("the disk is full.*make room and run the same command again", str(error))
                refused += 1
    assert refused >= 3
    render_everything(out)
    assert content(out) == wanted


def test_a_limit_on_the_size_of_files_is_a_full_disk(phantom_bank_dir: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from synthmed.datasets import render_dataset\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "render_dataset(*sys.argv[1:], count=2)\n"
    )
    command = [sys.executable, "-c", script, str(phantom_bank_dir), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the disk is full. Remedy: make room" in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
