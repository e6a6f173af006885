from __future__ import annotations

import numpy as np
import pytest

from synthmed.bank import make_spec
from synthmed.bank.guard import guard_splits
from synthmed.errors import BankError
from synthmed.points import PointSet


def points_of(splits: list[str], groups: list[str]) -> PointSet:
    """One point in each image."""
    count = len(splits)
    return PointSet(
        classes=("a",),
        images=tuple(f"{i}.png" for i in range(count)),
        image_shapes_px=np.full((count, 2), 50),
        splits=tuple(splits),
        groups=tuple(groups),
        centers_px=np.full((count, 2), 25.0),
        image_index=np.arange(count),
        labels=np.zeros(count, dtype=np.int64),
        annotation_ids=np.arange(count).astype(str),
        edge=np.zeros(count, dtype=bool),
        sizes_px=np.full((count, 2), np.nan),
    )


@pytest.mark.parametrize(
    ("splits", "groups", "options", "kept"),
    [
        (["train"], [""], {}, ["0.png"]),
        (["train", "val"], ["", ""], {}, ["0.png"]),
        (["train", "train", "test"], ["s1", "s1", "s2"], {}, ["0.png", "1.png"]),
        (["train", "val"], ["s1", "s1"], {"allow_groups": ("s1",)}, ["0.png"]),
        (["train", "val"], ["s1", "s1"], {"splits": ("train", "val")}, ["0.png", "1.png"]),
        (["train", "val"], ["s1", "s2"], {"splits": ("val",)}, ["1.png"]),
    ],
)
def test_kept(
    splits: list[str], groups: list[str], options: dict[str, tuple[str, ...]], kept: list[str]
) -> None:
    points = guard_splits(points_of(splits, groups), make_spec(sizes_px={}, **options))
    assert list(points.images) == kept
    assert len(points) == len(kept)


@pytest.mark.parametrize(
    ("splits", "groups", "options", "message"),
    [
        ([], [], {}, "no points in split train"),
        (["val"], [""], {}, "no points in split train.*val"),
        (["train"], [""], {"splits": ("trian",)}, "no points in split trian.*train"),
        (["train", "val"], ["s1", "s1"], {}, "1 group.*s1.*--allow-group"),
        (["train", "test"], ["s1", "s1"], {"splits": ("train", "val")}, "train/val and in another split.*s1"),
        (["train", "val", "train", "val"], ["s1", "s1", "s2", "s2"], {"allow_groups": ("s1",)}, "s2"),
    ],
)
def test_refused(
    splits: list[str], groups: list[str], options: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(BankError, match=message):
        guard_splits(points_of(splits, groups), make_spec(sizes_px={}, **options))
