"""Reading checkpoints without running the code that a pickle may hold.

PyTorch's safe loader (``weights_only=True``) refuses every class that it does not know. MMEngine's
checkpoints hold a training log beside the weights, and so a few classes more: they are allow-listed here by
name, for ``torch.load`` in the whole process, so that ``mim train --resume`` and ``mim test`` keep the safe
loader on.

The log pickles its four statistics as ``getattr(HistoryBuffer, "mean")``. The real ``getattr`` would open
the door to every attribute of every allowed class, so that name is bound to `_history_statistic`, which
finds those four functions and nothing else.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from synthmed.errors import ModelError

_STATISTICS = {name: vars(HistoryBuffer)[name] for name in ("min", "max", "mean", "current")}
_LOG_DTYPES = ("bool", "int32", "int64", "uint32", "uint64", "float32", "float64")


def _history_statistic(owner: object, name: object) -> Any:
    """What a checkpoint gets when it asks for ``getattr``: one of four statistics of `HistoryBuffer`.

    Raises:
        pickle.UnpicklingError: for any other attribute.
    """
    if owner is HistoryBuffer and isinstance(name, str) and name in _STATISTICS:
        return _STATISTICS[name]
    raise pickle.UnpicklingError(f"the checkpoint asks for attribute {name!r}, which is not allowed")


def _safe_globals() -> list[Any]:
    """The classes and constructors that a checkpoint of MMEngine holds beyond PyTorch's own list."""
    rebuild_array, rebuild_scalar = np.zeros(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    # NumPy 2 moved its core; checkpoints written by either version name their own place.
    cores = ("numpy._core.multiarray", "numpy.core.multiarray")
    return [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        *(type(np.dtype(name)) for name in _LOG_DTYPES),
        *((rebuild_array, f"{core}._reconstruct") for core in cores),
        *((rebuild_scalar, f"{core}.scalar") for core in cores),
        (_history_statistic, "builtins.getattr"),
    ]


def allow_mmengine_checkpoints() -> None:
    """Let PyTorch's safe loader read what MMEngine writes; done once when `synthmed.nets` is imported."""
    torch.serialization.add_safe_globals(_safe_globals())


def read_local_checkpoints() -> None:
    """Have ``mim train`` and ``mim test`` read local files as `load_checkpoint` does, and fail as clearly.

    Done once when `synthmed.nets` is imported.
    """
    CheckpointLoader.register_scheme(
        "", lambda filename, map_location=None: _read(Path(filename).expanduser(), map_location), force=True
    )


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, with the safe loader.

    Args:
        path: a ``.pth`` file written by MMEngine or by ``torch.save``.

    Returns:
        The checkpoint: at least ``state_dict``, and with MMEngine ``meta``, ``optimizer`` and
        ``message_hub``.

    Raises:
        ModelError: where the file is missing, truncated, holds code, or holds no weights.
    """
    path = Path(path)
    checkpoint = _read(path, "cpu")
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise ModelError(
            "the file holds no 'state_dict'",
            file=path,
            remedy="name a checkpoint that MMEngine wrote (epoch_*.pth)",
        )
    return checkpoint


def _read(path: Path, map_location: Any) -> Any:
    allow_mmengine_checkpoints()
    if not path.is_file():
        raise ModelError(
            "there is no such checkpoint",
            file=path,
            remedy="train first, or name the .pth file that training wrote",
        )
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may fail in any way
        raise _refusal(path) from error


def _refusal(path: Path) -> ModelError:
    """Why a file could not be loaded: it holds code, or it is damaged."""
    try:
        foreign = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not a readable archive at all
        foreign = None
    if foreign is None:
        return ModelError(
            "the checkpoint is damaged or truncated", file=path, remedy="copy it again, or use an earlier one"
        )
    return ModelError(
        "the checkpoint holds more than weights, so it was not loaded, and nothing in it was run",
        file=path,
        value=", ".join(foreign) or "attributes of a class",
        remedy="use a checkpoint from a source that you trust, saved as weights only",
    )
