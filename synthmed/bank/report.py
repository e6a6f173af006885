"""What became of the points of each class, and what a person should be told about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from synthmed._wording import counted
from synthmed.bank.spec import BankSpec
from synthmed.points.check_rows import LEAST_OBJECTS

_MOST = 0.7


class ClassReport(NamedTuple):
    """What became of the points of one class.

    Attributes:
        name: the class.
        points: points in the splits that were cut.
        crossing: of these, how many have a patch that crosses the border of the image, or an object that the
            source says does.
        dropped: how many of them were dropped for it.
        patches: patches kept.
        crowded: of these, how many hold the centre of another object.
        faint: points dropped because hardly anything stands out from the background there.
        blurred: points dropped because they are less sharp than `BankSpec.min_focus`.
        hidden: points dropped because a neighbour hides a part of the object (`BankSpec.min_solidity`).
        duplicates: points dropped because an earlier patch shows the same pixels.
        unsegmented: patches kept whose object could not be segmented; they have a round matte.
        truncated: patches kept whose object the border of its image may cut; scenes show them only where the
            class has no other.
        rounded: patches kept with a disc where the matte was to follow an outline: those that could not be
            segmented, and for ``halo`` those that touch others.
    """

    name: str
    points: int
    crossing: int
    dropped: int
    patches: int
    crowded: int
    faint: int = 0
    blurred: int = 0
    hidden: int = 0
    duplicates: int = 0
    unsegmented: int = 0
    truncated: int = 0
    rounded: int = 0

    @property
    def cut_off_rate(self) -> float:
        """The share of points whose patch crosses the border; NaN without points."""
        return self.crossing / self.points if self.points else float("nan")

    def reasons(self) -> dict[str, int]:
        """How many points gave no patch, by reason; the commonest first, without those that never occurred.

        Examples:
            >>> ClassReport("RBC", 10, 2, 2, 3, 0, faint=1, duplicates=4).reasons()
            {'near-duplicate': 4, 'at the border': 2, 'no contrast': 1}
        """
        counts = {
            "at the border": self.dropped,
            "no contrast": self.faint,
            "out of focus": self.blurred,
            "partly hidden": self.hidden,
            "near-duplicate": self.duplicates,
        }
        return {name: count for name, count in sorted(counts.items(), key=lambda item: -item[1]) if count}


_REMEDIES = {
    "at the border": "give a smaller size if {size_px:g} px is not that of the class (--size), or keep "
    "patches that cross the border (--border pad)",
    "no contrast": "check that the points lie on objects (x and y swapped, another unit?): `synthmed points "
    "check` tells; or lower --min-contrast",
    "out of focus": "lower --min-focus",
    "partly hidden": "lower --min-solidity, or take round mattes (--matte round)",
    "near-duplicate": "check the points file for doubled rows, or keep them (--keep-duplicates)",
}


def warnings(report: Sequence[ClassReport], spec: BankSpec) -> list[str]:
    """One sentence for each class that lost most of its points, is cut off throughout or not segmented.

    Args:
        report: of a bank.
        spec: of the bank.

    Examples:
        >>> print(*warnings([ClassReport("RBC", 9, 9, 9, 0, 0)], BankSpec(sizes_px={"RBC": 3000})))
        RBC: none of 9 points gave a patch (at the border: 9), and no scene will show it; give a smaller size
        if 3000 px is not that of the class (--size), or keep patches that cross the border (--border pad)
    """
    found = []
    for row in report:
        lost = row.points - row.patches
        if row.points and lost > _MOST * row.points:
            reasons = row.reasons()
            told = ", ".join(f"{name}: {count}" for name, count in reasons.items())
            remedy = _REMEDIES[next(iter(reasons))].format(size_px=spec.sizes_px[row.name])
            what = f"{lost} of {row.points} points gave no patch ({told})"
            if not row.patches:
                what = f"none of {row.points} points gave a patch ({told}), and no scene will show it"
            found.append(f"{row.name}: {what}; {remedy}")
        if row.patches and row.truncated == row.patches:
            found.append(
                f"{row.name}: the border of the image may cut every one of the {row.patches} objects, and "
                "scenes will show a straight edge; click whole objects too, or give a smaller size"
            )
        if spec.follows_outline and row.patches and row.unsegmented > 0.5 * row.patches:
            found.append(
                f"{row.name}: {row.unsegmented} of {row.patches} objects could not be segmented and were "
                f"taken for discs; check --size {row.name}=...px, with which their areas are compared"
            )
        elif spec.follows_outline and row.patches and row.rounded > 0.5 * row.patches:
            found.append(
                f"{row.name}: {row.rounded} of {row.patches} patches are discs, not outlines, most of them "
                "because objects touch each other; discs bring slices of neighbours along and are all of one "
                "size: look at them (synthmed bank sheet), and click objects that lie apart too"
            )
        if 0 < row.patches < LEAST_OBJECTS:
            found.append(
                f"{row.name}: only {counted(row.patches, 'patch', 'patches')}, which every scene repeats, so "
                f"that a network learns these and not the class; click {LEAST_OBJECTS} or more, or leave "
                "the class out (--class names those to keep)"
            )
    return found
