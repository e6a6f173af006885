from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from synthmed.bank import resolve, resolve_sizes
from synthmed.errors import BankError, ProblemLog
from synthmed.points import PointSet, read_points


@pytest.fixture
def points(phantom_dir: Path) -> PointSet:
    return read_points(phantom_dir / "points.csv", phantom_dir / "images")


def test_given_sizes_need_no_images(points: PointSet, tmp_path: Path) -> None:
    sizes = resolve_sizes(["Bacteria=9px", "RBC=7um", "WBC=12um"], points, tmp_path, pixel_size_um=0.25)
    assert sizes == {"Bacteria": 9.0, "RBC": 28.0, "WBC": 48.0}


def test_only_what_is_asked_for_is_estimated_and_from_train_alone(
    points: PointSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[PointSet] = []

    def estimate(shown: PointSet, *_: object, **__: object) -> dict[str, SimpleNamespace]:
        seen.append(shown)
        return {name: SimpleNamespace(size_px=np.float64(20.04), count=7) for name in ("RBC", "WBC")}

    monkeypatch.setattr(resolve, "estimate_sizes", estimate)
    log = ProblemLog()
    assert resolve_sizes(["Bacteria=9px"], points, tmp_path, log=log) == {
        "Bacteria": 9.0,
        "RBC": 20.0,
        "WBC": 20.0,
    }
    assert [set(shown.splits) for shown in seen] == [{"train"}]
    assert log.notes == [
        f"size of {name}: 20.0 px, estimated from 7 objects in the images" for name in ("RBC", "WBC")
    ]
    with pytest.raises(BankError, match=r"cannot be estimated.*Bacteria.*Bacteria=30px \(--size\)"):
        resolve_sizes([], points, tmp_path)
    with pytest.raises(BankError, match=r"no points in split test.*--split"):
        resolve_sizes([], points, tmp_path, splits=("test",))
