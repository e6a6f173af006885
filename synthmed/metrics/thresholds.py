"""Score thresholds per class, as a file: chosen on train, used on val."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed._files import write_atomic
from synthmed.errors import ModelError

Thresholds = dict[str, dict[str, float]]
"""``{rule: {class: threshold}}``; the rules are ``iou``, ``center`` and ``peak``."""


def read_thresholds(source: Mapping[str, Any] | str | Path | None) -> Thresholds:
    """Thresholds from a config or a JSON file; none where ``source`` is ``None`` or ``""``.

    Raises:
        ModelError: they cannot be read, or are not numbers per class.
    """
    if not source:
        return {}
    content: Any = source
    if not isinstance(source, Mapping):
        try:
            content = json.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(
                f"the thresholds cannot be read: {error}",
                file=source,
                remedy="write them by testing on train with save_thresholds",
            ) from error
    try:
        return {
            str(rule): {str(name): float(value) for name, value in of_rule.items()}
            for rule, of_rule in content.items()
        }
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            "thresholds are not scores per class",
            value=content,
            remedy='write {"iou": {"RBC": 0.4}, "center": {"RBC": 0.3}}',
        ) from error


def write_thresholds(thresholds: Thresholds, path: str | Path) -> None:
    """Write thresholds as JSON, adding to those of other rules that the file may hold."""
    path = Path(path)
    known = read_thresholds(path) if path.exists() else {}
    write_atomic(path, (json.dumps({**known, **thresholds}, indent=2) + "\n").encode())


def thresholds_of(thresholds: Mapping[str, float], classes: Sequence[str]) -> NDArray[np.float64]:
    """``(C,)`` float, the threshold of each class.

    Raises:
        ModelError: a class has none.
    """
    missing = [name for name in classes if name not in thresholds]
    if missing:
        raise ModelError(
            "the thresholds lack a class",
            value=", ".join(missing),
            remedy="choose them with the same classes",
        )
    return np.array([thresholds[name] for name in classes], dtype=np.float64)
