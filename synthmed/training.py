"""Run MMDetection's own command line, ``mim train`` and ``mim test``, with a progress bar."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from zipfile import is_zipfile

from synthmed._files import give_number, write_atomic
from synthmed.errors import ModelError

Progress = Callable[[int, int], None]

_ITERATION = re.compile(r"Iter\(train\)\s*\[\s*(\d+)/\s*(\d+)\]")
_RECORD = "settings.json"
_PATIENCE_S = 10
_POINTER = "last_checkpoint"  # MMEngine's: the path of the newest checkpoint


def train(
    config: Path,
    work_dir: Path,
    *,
    env: Mapping[str, str],
    options: Sequence[str] = (),
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Path:
    """Train a config by ``mim train mmdet``, unless that is done already; a killed training goes on.

    What was trained with other settings (config with its bases, variables, options, bank) is neither used
    nor lost: its folder gets a number, and training begins anew.

    Args:
        config: a file of ``mmdet_configs/``.
        work_dir: where logs and checkpoints go; what is printed goes to ``train.log`` there.
        env: variables that the config reads, such as ``SYNTHMED_BANK``.
        options: entries ``key=value`` for ``--cfg-options``.
        progress: called with iterations done and iterations in all.
        note: called with one line that says whether training begins, goes on or is done, and why.

    Returns:
        The last checkpoint.

    Raises:
        ModelError: MIM is not installed, the config cannot be read, or the training failed; the message names
            the log.
    """
    settings = find_settings(config, env, options)
    state, why = _state(work_dir, settings)
    if note is not None:
        note(f"{work_dir.name}: {why}")
    if state == "done":
        checkpoint = last_checkpoint(work_dir)
        if progress is not None:
            progress(_iteration(checkpoint), _iteration(checkpoint))
        return checkpoint
    work_dir.mkdir(parents=True, exist_ok=True)
    _write_record(work_dir, settings, finished=False)
    command = [str(find_mim()), "train", "mmdet", str(config), "--work-dir", str(work_dir)]
    if state == "begun":
        command.append("--resume")
    if options:
        command += ["--cfg-options", *options]
    log = work_dir / "train.log"
    if _run(command, env, log, progress):
        raise ModelError("training failed", file=log, remedy="read the end of this log; run again to go on")
    checkpoint = last_checkpoint(work_dir)
    _write_record(work_dir, settings, finished=True)
    return checkpoint


def find_settings(config: Path, env: Mapping[str, str], options: Sequence[str]) -> dict[str, Any]:
    """Everything that decides what a training learns; see `synthmed.nets.training_settings`."""
    from synthmed.nets.training_settings import training_settings

    return training_settings(config, env, options)


def _state(work_dir: Path, settings: Mapping[str, Any]) -> tuple[Literal["new", "begun", "done"], str]:
    """How far a training of these settings is, and why; what is there of other settings is moved away."""
    if not any(work_dir.glob("iter_*.pth")):
        return "new", "training begins"
    record = _read_record(work_dir)
    if record is None or record["settings"] != settings:
        why = "its settings are not known" if record is None else _difference(record["settings"], settings)
        return "new", f"training begins anew, as {why}; the earlier one is now {give_number(work_dir)[0]}"
    sound = _sound_checkpoint(work_dir)
    if sound is None:
        return "new", "training begins anew, as no checkpoint is whole"
    # The folder may have moved, or the newest checkpoint may be cut off.
    write_atomic(work_dir / _POINTER, str(sound.absolute()).encode())
    if record["finished"]:
        return "done", f"trained already with these settings and this bank: {sound.name}"
    return "begun", f"training goes on after iteration {_iteration(sound)}"


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first setting that differs, in words, and how many more do."""
    missing = "not set"
    names = [name for name in {**now, **before} if before.get(name, missing) != now.get(name, missing)]
    old, new = (str(values.get(names[0], missing))[:40] for values in (before, now))
    more = f" ({len(names) - 1} more differ)" if len(names) > 1 else ""
    return f"{names[0]} was {old} and is {new}{more}"


def _sound_checkpoint(work_dir: Path) -> Path | None:
    """The newest checkpoint that was written to its end."""
    found = sorted(work_dir.glob("iter_*.pth"), key=_iteration, reverse=True)
    # PyTorch writes an archive, and what makes it one stands at its end.
    return next((path for path in found if is_zipfile(path)), None)


def _iteration(checkpoint: Path) -> int:
    digits = checkpoint.stem.removeprefix("iter_")
    return int(digits) if digits.isdigit() else 0


def _read_record(work_dir: Path) -> dict[str, Any] | None:
    """With what settings this folder was trained, and whether to the end."""
    try:
        record = json.loads((work_dir / _RECORD).read_text(encoding="utf-8"))
        return {"settings": dict(record["settings"]), "finished": bool(record["finished"])}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _write_record(work_dir: Path, settings: Mapping[str, Any], finished: bool) -> None:
    text = json.dumps({"finished": finished, "settings": settings}, indent=1)
    write_atomic(work_dir / _RECORD, text.encode())


def last_checkpoint(work_dir: Path) -> Path:
    """The checkpoint that a training ended with.

    Raises:
        ModelError: there is none.
    """
    pointer = work_dir / _POINTER
    if not pointer.exists():
        raise ModelError("no checkpoint here", file=work_dir, remedy="train first: mim train mmdet CONFIG")
    # The folder may have moved since; the file name has not.
    return work_dir / Path(pointer.read_text(encoding="utf-8").strip()).name


def find_mim() -> Path:
    """The ``mim`` that belongs to this Python.

    Raises:
        ModelError: there is none.
    """
    beside = Path(sys.executable).with_name("mim")
    found = str(beside) if beside.exists() else shutil.which("mim")
    if found is None:
        raise ModelError("MIM is not installed", remedy="make setup")
    return Path(found)


def _run(command: list[str], env: Mapping[str, str], log: Path, progress: Progress | None) -> int:
    with (
        _ended_by_signals(),
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(  # noqa: S603 -- a list of arguments, without a shell
            command,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # MIM starts the training as a process of its own: only as a group do they all end.
            start_new_session=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                file.write(line)
                file.flush()
                found = _ITERATION.search(line)
                if found and progress is not None:
                    progress(int(found[1]), int(found[2]))
            return process.wait()
        except BaseException:
            _end_group(process)
            raise


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make an exception of a signal that asks this process to end, so that what it started ends as well."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    asking = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    taken = []
    if threading.current_thread() is threading.main_thread():
        # Whoever ignores one, as nohup does, or looks after it, goes on to do so.
        taken = [number for number in asking if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _end_group(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started; at once where they do not heed the first asking."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(_PATIENCE_S)
