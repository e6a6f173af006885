"""The one family of errors for users' mistakes, and the log of rows that were skipped.

A message says what is wrong, where (file, row), with which value, and what to do next. Anything else that
escapes as a traceback is a bug of ours.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class SynthmedError(Exception):
    """A mistake that the user can mend; the command line prints it and exits with code 2.

    Args:
        what: what is wrong, in one sentence without a full stop.
        file: the file that it was found in.
        row: the row in that file; 1 is the first line.
        value: the value that was received.
        remedy: what to do next.

    Examples:
        >>> print(SynthmedError("no class sizes", file="points.csv", remedy="pass --size RBC=103px"))
        points.csv: no class sizes. Remedy: pass --size RBC=103px
    """

    def __init__(
        self,
        what: str,
        *,
        file: object | None = None,
        row: int | None = None,
        value: object | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what, self.file, self.row, self.value, self.remedy = what, file, row, value, remedy
        super().__init__(what)

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}{'' if self.row is None else f', row {self.row}'}: "
        value = "" if self.value is None else f" (got {_shortened(self.value)})"
        remedy = "" if self.remedy is None else f". Remedy: {self.remedy}"
        return f"{where}{self.what}{value}{remedy}"


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxtuple = 3, 20, 20, 20
_SHORT.maxstring = _SHORT.maxother = _LONGEST = 1000


def _shortened(value: object) -> str:
    """How a value is written, of a long one the beginning: hostile ones write themselves without end.

    Examples:
        >>> _shortened(101.49999999999999), _shortened("a")
        ('101.5', "'a'")
    """
    if isinstance(value, float):
        return f"{value:.10g}"
    text = _SHORT.repr(value) if isinstance(value, list | dict | tuple | set | str | int) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class PointsError(SynthmedError):
    """An annotation file or an image cannot be used."""


class BankError(SynthmedError):
    """A patch bank cannot be built or opened."""


class RecipeError(SynthmedError):
    """A recipe is not valid, or asks for a scene that cannot be drawn."""


class DatasetError(SynthmedError):
    """A dataset folder cannot be written, continued or read."""


class ModelError(SynthmedError):
    """A network, checkpoint or config cannot be used as asked."""


def first_complaint(error: ValidationError) -> tuple[str, object]:
    """What is wrong with validated data, first of all: the field with the reason, and the value received."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"{name}: {reason}" if name else reason, first["input"]


@dataclass(frozen=True)
class Problem:
    """One row that was skipped, and why.

    Attributes:
        file: the file that the row is in.
        row: its row; 1 is the first line. ``None`` where rows mean nothing.
        value: what stands there.
        reason: why it cannot be used.
        remedy: what to do about it.
    """

    file: str
    row: int | None
    value: str
    reason: str
    remedy: str


@dataclass
class ProblemLog:
    """Collects the rows that were skipped; with ``strict`` the first one is an error.

    Examples:
        >>> log = ProblemLog()
        >>> log.add(Problem("points.csv", 7, "nan", "x is not a number", "mend the row"))
        >>> log.summary()
        '1 row skipped: 1 × x is not a number'
        >>> ProblemLog().summary()
        ''

    Attributes:
        strict: whether the first problem is an error.
        problems: the rows that were skipped.
        beyond: how many more were skipped, by reason, where there are too many to keep.
        notes: choices made for the user that are no mistake of theirs, one sentence each.
    """

    strict: bool = False
    problems: list[Problem] = field(default_factory=list)
    beyond: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say what was chosen where the input left it open; never an error."""
        self.notes.append(text)

    def add(self, problem: Problem) -> None:
        """Note a problem.

        Raises:
            PointsError: at once where the log is strict.
        """
        if self.strict:
            raise PointsError(
                problem.reason, file=problem.file, row=problem.row, value=problem.value, remedy=problem.remedy
            )
        self.problems.append(problem)

    def counts(self) -> Counter[str]:
        """How many rows were skipped, by reason."""
        return Counter(problem.reason for problem in self.problems) + self.beyond

    def summary(self) -> str:
        """One line: how many rows were skipped, by reason; empty where there are none."""
        if not self.problems:
            return ""
        reasons = self.counts()
        parts = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common())
        total = reasons.total()
        return f"{total} row{'s' if total > 1 else ''} skipped: {parts}"
