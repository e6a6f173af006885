"""Running MIM; training itself is tested in tests/nets/test_training.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from synthmed import training
from synthmed.errors import ModelError

LINES = [
    "print('Iter(train) [ 20/500]  lr: 1e-3')",
    "print('something else')",
    "print('Iter(train) [500/500]  lr: 1e-5')",
]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the config says: to be changed by a test."""
    values: dict[str, Any] = {"train_cfg.max_iters": 500, "randomness.seed": 0, "bank": "abc"}
    monkeypatch.setattr(training, "find_settings", lambda *_: dict(values))
    return values


@pytest.fixture
def fake_mim(tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of MIM: what is tested is how its output and exit code are read."""
    program = tmp_path / "mim"
    monkeypatch.setattr(training, "find_mim", lambda: program)
    return program


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def write_program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/usr/bin/env python3", "import pathlib, sys", *lines]))
    path.chmod(0o755)


def write_checkpoint(folder: Path, iteration: int, *, whole: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / f"iter_{iteration}.pth"
    with ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", "weights" * 100)
    if not whole:
        path.write_bytes(path.read_bytes()[:-20])
    (folder / "last_checkpoint").write_text(f"/before/it/moved/{path.name}")


def leaves(folder: Path, iteration: int) -> list[str]:
    """Lines of a program that leaves a checkpoint and says how it was called."""
    write_checkpoint(folder.parent, iteration)
    source = folder.parent / f"iter_{iteration}.pth"
    target = folder / source.name
    return [
        "print(sys.argv[1:])",
        f"pathlib.Path({str(target)!r}).write_bytes(pathlib.Path({str(source)!r}).read_bytes())",
        f"pathlib.Path({str(folder / 'last_checkpoint')!r}).write_text({str(target)!r})",
    ]


def run(work: Path, options: Sequence[str] = ()) -> tuple[Path, str]:
    """The checkpoint, and what was said about the training."""
    notes: list[str] = []
    checkpoint = training.train(Path("c.py"), work, env={}, options=options, note=notes.append)
    assert len(notes) == 1
    return checkpoint, notes[0]


def test_progress_is_read_and_the_checkpoint_found(fake_mim: Path, work: Path) -> None:
    write_program(fake_mim, *LINES, *leaves(work, 500))
    seen: list[tuple[int, int]] = []
    checkpoint = training.train(
        Path("c.py"), work, env={}, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(20, 500), (500, 500)]
    assert checkpoint == work / "iter_500.pth"
    assert "something else" in (work / "train.log").read_text()


def test_what_is_trained_is_not_trained_again(fake_mim: Path, work: Path) -> None:
    write_program(fake_mim, *leaves(work, 500))
    assert run(work, ["a=1"]) == (work / "iter_500.pth", "work: training begins")
    assert "'--cfg-options', 'a=1'" in (work / "train.log").read_text()
    write_program(fake_mim, "sys.exit(3)")
    seen: list[tuple[int, int]] = []
    training.train(Path("c.py"), work, env={}, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(500, 500)]
    assert run(work) == (
        work / "iter_500.pth",
        "work: trained already with these settings and this bank: iter_500.pth",
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"bank": "def"}, "bank was abc and is def"),
        ({"randomness.seed": 1}, "randomness.seed was 0 and is 1"),
        ({"a": 1, "b": None, "bank": "def"}, "bank was abc and is def (2 more differ)"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_other_settings_train_anew_and_keep_the_earlier_training(
    fake_mim: Path, work: Path, settings: dict[str, Any], changed: dict[str, Any], why: str, finished: bool
) -> None:
    write_program(fake_mim, *leaves(work, 500), *([] if finished else ["sys.exit(1)"]))
    if finished:
        run(work)
    else:
        with pytest.raises(ModelError):
            run(work)
    settings.update(changed)
    write_program(fake_mim, f"pathlib.Path({str(work)!r}).mkdir(exist_ok=True)", *leaves(work, 7))
    checkpoint, note = run(work)
    assert checkpoint == work / "iter_7.pth"
    assert note.startswith(f"work: training begins anew, as {why}") and str(work.with_name("work-1")) in note
    assert (work.with_name("work-1") / "iter_500.pth").exists()
    assert "--resume" not in (work / "train.log").read_text()


def test_a_training_without_a_record_is_kept_and_not_used(fake_mim: Path, work: Path) -> None:
    write_checkpoint(work, 500)
    write_program(fake_mim, f"pathlib.Path({str(work)!r}).mkdir(exist_ok=True)", *leaves(work, 7))
    checkpoint, note = run(work)
    assert checkpoint == work / "iter_7.pth"
    assert "its settings are not known" in note


@pytest.mark.parametrize(
    ("whole", "cut_off", "note"),
    [
        ([200], [], "goes on after iteration 200"),
        ([200], [400], "goes on after iteration 200"),
        ([200, 1000], [], "goes on after iteration 1000"),
        ([], [200], "begins anew, as no checkpoint is whole"),
    ],
)
def test_a_killed_training_goes_on_from_the_newest_whole_checkpoint(
    fake_mim: Path, work: Path, whole: list[int], cut_off: list[int], note: str
) -> None:
    write_program(fake_mim, "sys.exit(9)")
    with pytest.raises(ModelError):
        run(work)
    for iteration in (*whole, *cut_off):
        write_checkpoint(work, iteration, whole=iteration in whole)
    pointer = work / "last_checkpoint"
    write_program(fake_mim, f"print(pathlib.Path({str(pointer)!r}).read_text())", *leaves(work, 2000))
    assert run(work)[1] == f"work: training {note}"
    log = (work / "train.log").read_text()
    assert ("'--resume'" in log) == bool(whole)
    assert not whole or str(work / f"iter_{max(whole)}.pth") in log


def test_failure_names_the_log(fake_mim: Path, tmp_path: Path) -> None:
    write_program(fake_mim, "sys.exit(3)")
    with pytest.raises(ModelError, match=r"train\.log: training failed"):
        training.train(Path("c.py"), tmp_path, env={})


def test_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no checkpoint"):
        training.last_checkpoint(tmp_path)


# As MIM does, the program starts the training as a process of its own, which says nothing for long.
SILENT = [
    "import os, subprocess, time",
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])",
    "pathlib.Path(__file__).with_name('pids').write_text(f'{os.getpid()} {child.pid}')",
    "time.sleep(300)",
]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_training_that_says_nothing_yet_ends_with_whoever_started_it(number: int, tmp_path: Path) -> None:
    write_program(tmp_path / "mim", *SILENT)
    # A process in the background inherits signals that are ignored, and here it is to be ended by them.
    handler = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"
    command = [
        "import signal",
        "from pathlib import Path",
        "from synthmed import training",
        f"signal.signal({number}, signal.{handler})",
        f"training._run([{str(tmp_path / 'mim')!r}], {{}}, Path({str(tmp_path / 'train.log')!r}), None)",
    ]
    starter = subprocess.Popen([sys.executable, "-c", "\n".join(command)], stderr=subprocess.DEVNULL)
    pids = tmp_path / "pids"
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (pids.exists() and len(pids.read_text().split()) == 2):
            time.sleep(0.05)
        started = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_running, started))
        starter.send_signal(number)
        assert starter.wait(60) in (128 + number, -number)
        end = time.monotonic() + 10
        while time.monotonic() < end and any(map(is_running, started)):
            time.sleep(0.05)
        assert not any(map(is_running, started))
    finally:
        starter.kill()
        starter.wait()
        for pid in map(int, pids.read_text().split() if pids.exists() else ()):
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    write_program(tmp_path / "mim", "print('done')")
    before = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGHUP, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_DFL))
    }
    try:
        assert training._run([str(tmp_path / "mim")], {}, tmp_path / "train.log", None) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
