"""The leak guard: what is evaluated on is never cut."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed.bank.spec import BankSpec
from synthmed.errors import BankError
from synthmed.points.pointset import PointSet


def guard_splits(points: PointSet, spec: BankSpec) -> PointSet:
    """Keep the images of the splits that the spec names, after making sure that no group is on both sides.

    Raises:
        BankError: nothing is left, or a group (slide, patient) also occurs in a split that is kept apart.
    """
    kept = points_of_splits(points, spec.splits)
    held_out = {
        group
        for group, split in zip(points.groups, points.splits, strict=True)
        if group and split not in spec.splits
    }
    leaking = sorted((set(kept.groups) & held_out) - set(spec.allow_groups))
    if leaking:
        raise BankError(
            f"{len(leaking)} group(s) occur in {'/'.join(spec.splits)} and in another split too, "
            "so that patches of a slide or patient under evaluation would be cut",
            value=", ".join(leaking[:5]),
            remedy="put each group into one split, or allow them by name (--allow-group NAME, allow_groups)",
        )
    return kept


def points_of_splits(points: PointSet, splits: Sequence[str]) -> PointSet:
    """The images of the splits and their points.

    Raises:
        BankError: there is no point.
    """
    kept = points.of_split(*splits)
    if not len(kept):
        raise BankError(
            f"no points in split {'/'.join(splits)}",
            value=", ".join(sorted(set(points.splits))),
            remedy="mark the images to cut with split=train in the points file, or name another split "
            "(--split NAME, splits)",
        )
    return kept
