"""What a run skipped, and what was chosen for its user, as its record and its operator tell it."""

from __future__ import annotations

from typing import Any

from synthmed.errors import ProblemLog

FIRST = 3


def skipped_rows(log: ProblemLog) -> dict[str, Any]:
    """Entries for the summary of a run: how many were skipped by reason, the first ones, and the notes.

    Examples:
        >>> skipped_rows(ProblemLog())
        {'skipped': '', 'first_skipped': [], 'notes': []}
    """
    first = [
        f"{problem.file}{'' if problem.row is None else f', row {problem.row}'}: {problem.reason} "
        f"(got {problem.value!r}). Remedy: {problem.remedy}"
        for problem in log.problems[:FIRST]
    ]
    return {"skipped": log.summary(), "first_skipped": first, "notes": list(log.notes)}


def as_text(entries: dict[str, Any]) -> str:
    """The entries that `skipped_rows` gave, as one text; empty where there is nothing to tell.

    Examples:
        >>> as_text({"skipped": "", "first_skipped": [], "notes": ["a.csv names no splits"]})
        'a.csv names no splits'
    """
    skipped = entries.get("skipped") or ""
    if skipped:
        skipped = f"{skipped}. First: {'; '.join(entries['first_skipped'])}"
    return " ".join(filter(None, [skipped, *entries.get("notes", ())]))
