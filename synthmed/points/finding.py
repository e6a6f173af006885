"""One thing that is wrong with points."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What is wrong, how that is known, and what to do.

    Attributes:
        what: the fault, in one sentence without a full stop.
        evidence: the figures that show it.
        remedy: what to do next.
    """

    what: str
    evidence: str
    remedy: str
