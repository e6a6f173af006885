"""Run MMDetection's own command line, ``mim train`` and ``mim test``, with a progress bar."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from synthmed._files import write_atomic
from synthmed.errors import ModelError

Progress = Callable[[int, int], None]

_ITERATION = re.compile(r"Iter\(train\)\s*\[\s*(\d+)/\s*(\d+)\]")


def train(
    config: Path,
    work_dir: Path,
    *,
    env: Mapping[str, str],
    options: Sequence[str] = (),
    progress: Progress | None = None,
) -> Path:
    """Train a config by ``mim train mmdet``, going on from the last checkpoint where there is one.

    Args:
        config: a file of ``mmdet_configs/``.
        work_dir: where logs and checkpoints go; what is printed goes to ``train.log`` there.
        env: variables that the config reads, such as ``SYNTHMED_BANK``.
        options: entries ``key=value`` for ``--cfg-options``.
        progress: called with iterations done and iterations in all.

    Returns:
        The last checkpoint.

    Raises:
        ModelError: MIM is not installed, an unfinished or finished training there had other options, or the
            training failed; the message names the log.
    """
    command = [str(find_mim()), "train", "mmdet", str(config), "--work-dir", str(work_dir)]
    if (work_dir / "last_checkpoint").exists():
        command.append("--resume")
    if options:
        command += ["--cfg-options", *options]
    work_dir.mkdir(parents=True, exist_ok=True)
    _note_options(work_dir / "options.json", options)
    log = work_dir / "train.log"
    if _run(command, env, log, progress):
        raise ModelError("training failed", file=log, remedy="read the end of this log; run again to go on")
    return last_checkpoint(work_dir)


def _note_options(path: Path, options: Sequence[str]) -> None:
    """Keep the options of a training: resumed with others, its learning rate would end somewhere else."""
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != list(options):
        raise ModelError(
            "a training with other options is in this folder",
            file=path,
            value=" ".join(options),
            remedy=f"use the same options, or delete {path.parent}",
        )
    write_atomic(path, json.dumps(list(options)).encode())


def last_checkpoint(work_dir: Path) -> Path:
    """The checkpoint that a training ended with.

    Raises:
        ModelError: there is none.
    """
    pointer = work_dir / "last_checkpoint"
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
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(  # noqa: S603 -- a list of arguments, without a shell
            command,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            found = _ITERATION.search(line)
            if found and progress is not None:
                progress(int(found[1]), int(found[2]))
    return process.returncode
