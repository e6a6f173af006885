"""What an earlier demo left of another bank: it gets a number, and is neither used nor lost."""

from __future__ import annotations

from pathlib import Path

from synthmed._files import give_number, is_free
from synthmed.bank import PatchBank, open_bank
from synthmed.errors import BankError


def set_earlier_aside(work_dir: Path, bank: PatchBank) -> str | None:
    """Give the bank of a folder a number, with all that was made of it, unless it is a given one.

    Trainings are not touched: `synthmed.training.train` looks after them by itself.

    Args:
        work_dir: the folder of a demo.
        bank: the bank as it is now.

    Returns:
        A line that says what was done and why; ``None`` where nothing was.
    """
    folder = work_dir / "bank"
    if is_free(folder):
        return None
    try:
        if open_bank(folder, verify=True).hash == bank.hash:
            return None
        why = "points, images or settings have changed"
    except BankError as error:
        why = error.what
    # The bank last: killed before, the next demo finds it here and sets the rest aside.
    found = [*(work_dir / name for name in ("scenes", "pictures", "report.json")), folder]
    *others, moved = give_number(*found)
    beside = "".join(f", {path.name}" for path in others)
    return f"bank: built anew, as {why}; the earlier one is now {moved}{beside}"
