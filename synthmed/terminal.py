"""What the commands have in common: progress bars, tables and how errors are shown."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from synthmed.errors import ProblemLog, SynthmedError

# Piped output has no width of its own, and 80 columns would break the tables.
# Names of files and classes are printed as they are: [a] is no markup and :cell: no emoji.
console = Console(width=None if sys.stdout.isatty() else 118, markup=False, emoji=False, highlight=False)

# A list of skipped rows longer than this hides more than it tells.
_SHOWN_PROBLEMS = 10


class Commands(click.Group):
    """A group of commands in which a user's mistake is a message and exit code 2, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SynthmedError as error:
            message = str(error)
            cause: Exception = error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has left, which click sees to
                raise
            message = str(SynthmedError(error.strerror or str(error), file=error.filename))
            cause = error
        console.file.flush()
        click.echo(f"Error: {message}", err=True)
        raise click.exceptions.Exit(2) from cause


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in the terminal, as a callback ``progress(done, total)``."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def print_problems(log: ProblemLog) -> None:
    """Print what was chosen for the user, and what was skipped and why."""
    for note in log.notes:
        console.print(note)
    if not log.problems:
        return
    console.print(log.summary(), style="yellow")
    rows = [(p.file, p.row, p.value, p.reason, p.remedy) for p in log.problems[:_SHOWN_PROBLEMS]]
    print_table("Skipped", ("file", "row", "value", "reason", "remedy"), rows)
    hidden = log.counts().total() - _SHOWN_PROBLEMS
    if hidden > 0:
        console.print(f"... and {hidden} more")


_BANK_LEGEND = (
    "size px: side of the class. spread: how much its whole objects vary, as a share of their median "
    "diameter. points: clicked in the splits that are cut. at border, share: of these, patch or object meets "
    "the border of the image. dropped: not in the bank. Of the patches: cut off: the border may cut the "
    "object; with a neighbour: another clicked centre is in what is pasted; not segmented: no outline found; "
    "discs: round though an outline was asked for, as none was found or (halo) others touch it."
)


def print_bank(bank_dir: Path, verify: bool = False) -> None:
    """Print what a bank holds, per class."""
    from synthmed.bank import open_bank, warnings

    opened = open_bank(bank_dir, verify=verify)
    sizes = dict(zip(opened.classes, opened.sizes_px.tolist(), strict=True))
    spreads = dict(zip(opened.classes, opened.size_spreads.tolist(), strict=True))
    rows = [
        (
            r.name,
            f"{sizes[r.name]:.1f}",
            spreads[r.name],
            r.points,
            r.crossing,
            r.cut_off_rate,
            r.points - r.patches,
            r.patches,
            r.truncated,
            r.crowded,
            r.unsegmented,
            r.rounded,
        )
        for r in opened.report
    ]
    print_table(
        f"{bank_dir}: {len(opened)} patches and {len(opened.backdrops)} backdrops from "
        f"{len(opened.images)} images, hash {opened.hash[:12]}",
        (
            "class",
            "size px",
            "spread",
            "points",
            "at border",
            "share",
            "dropped",
            "patches",
            "cut off",
            "with a neighbour",
            "not segmented",
            "discs",
        ),
        rows,
    )
    console.print(_BANK_LEGEND, style="dim")
    for r in opened.report:
        if r.reasons():
            told = ", ".join(f"{name} {count}" for name, count in r.reasons().items())
            console.print(f"{r.name}: dropped {r.points - r.patches} of {r.points}: {told}")
    print_warnings(warnings(opened.report, opened.spec))


def print_warnings(warnings: Sequence[str]) -> None:
    """Print sentences that should not be overlooked."""
    for warning in warnings:
        console.print(f"Warning: {warning}", style="yellow")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "-" if value != value else f"{value:.2f}"
    return str(value)
