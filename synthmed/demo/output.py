"""Whether the demo can write where it is told to: better known before minutes of work than after."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from synthmed.errors import DatasetError

NEEDED_MB = 200
"""Bank, scenes, logs and checkpoints of a few hundred images, with room to spare."""


def check_output(out: Path, needed_mb: float = NEEDED_MB) -> None:
    """Check the folder that a demo writes to, or the one that it would be made in.

    Args:
        out: the folder; it need not exist.
        needed_mb: free space, in megabytes.

    Raises:
        DatasetError: it is no folder, cannot be written to, or its disk is nearly full.
    """
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    remedy = "choose another folder: --out FOLDER, or make demo ARGS='--out FOLDER'"
    if not existing.is_dir():
        raise DatasetError("this is a file, and the demo needs a folder", file=existing, remedy=remedy)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise DatasetError("nothing can be written into this folder", file=existing, remedy=remedy)
    free_mb = shutil.disk_usage(existing).free / 1e6
    if free_mb < needed_mb:
        raise DatasetError(
            f"the demo needs {needed_mb:.0f} MB, and the disk of this folder has {free_mb:.0f} MB left",
            file=existing,
            remedy=f"delete something, or {remedy}",
        )
