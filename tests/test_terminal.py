from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from synthmed.errors import BankError, Problem, ProblemLog
from synthmed.terminal import Commands, print_problems, print_table, progress_bar


@pytest.fixture
def group() -> click.Group:
    """A group within a group, with a command that raises what a test gives it."""

    @click.group(cls=Commands)
    def outer() -> None:
        pass

    @outer.group(cls=Commands)
    def inner() -> None:
        pass

    @inner.command()
    @click.pass_obj
    def fail(error: Exception) -> None:
        raise error

    return outer


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BankError("wrong", file="a", remedy="mend it"), "Error: a: wrong. Remedy: mend it\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "Error: /x/y: Permission denied\n"),
        (OSError(errno.ENOSPC, "No space left on device"), "Error: No space left on device\n"),
        (OSError("odd"), "Error: odd\n"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(group: click.Group, error: Exception, message: str) -> None:
    result = CliRunner().invoke(group, ["inner", "fail"], obj=error)
    assert result.exit_code == 2
    assert result.output == message


@pytest.mark.parametrize("error", [RuntimeError("a bug"), BrokenPipeError(errno.EPIPE, "Broken pipe")])
def test_what_is_no_mistake_passes(group: click.Group, error: Exception) -> None:
    result = CliRunner().invoke(group, ["inner", "fail"], obj=error)
    assert result.exit_code == 1
    assert "Error:" not in result.output


def shown(print_it: Any, *args: Any) -> str:
    @click.command()
    def command() -> None:
        print_it(*args)

    return CliRunner().invoke(command, [], catch_exceptions=False).output


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["class", "share"]),
        ([("RBC", 0.256), ("WBC", float("nan")), ("none", None)], ["RBC", "0.26", "WBC", "-"]),
        ([("[/red]", 1), ("[bold]x", 2), (":warning:", 3)], ["[/red]", "[bold]x", ":warning:"]),
    ],
)
def test_tables_show_names_as_they_are(rows: list[tuple[object, ...]], words: list[str]) -> None:
    text = shown(print_table, "title [/x]", ("class", "share"), rows)
    assert "title [/x]" in text
    for word in words:
        assert word in text


def log_of(count: int, note: str | None = None) -> ProblemLog:
    log = ProblemLog()
    if note:
        log.note(note)
    for row in range(count):
        log.add(Problem("[a].csv", row, f"value{row:03}", "late", "mend it"))
    return log


@pytest.mark.parametrize(
    ("log", "present", "absent"),
    [
        (log_of(0), [], ["skipped", "Skipped"]),
        (log_of(0, "[images] without a split"), ["[images] without a split"], ["skipped"]),
        (log_of(1), ["1 row skipped: 1 × late", "[a].csv", "value000", "mend it"], ["more"]),
        (log_of(12), ["12 rows skipped", "value009", "and 2 more"], ["value010"]),
    ],
)
def test_skipped_rows_are_listed(log: ProblemLog, present: list[str], absent: list[str]) -> None:
    text = shown(print_problems, log)
    assert all(word in text for word in present)
    assert not any(word in text for word in absent)


def test_progress() -> None:
    def count() -> None:
        with progress_bar("Counting") as progress:
            for done in range(4):
                progress(done, 3)

    text = shown(count)
    assert "Counting" in text and "3/3" in text


def test_modules_do_not_print_by_themselves(repository: Path) -> None:
    """Output goes through the terminal's functions, so that a library call stays silent."""
    printing = [
        path.name
        for house in ("points", "bank", "scenes", "datasets", "metrics")
        for path in (repository / "synthmed" / house).rglob("*.py")
        if any(line.lstrip().startswith("print(") for line in path.read_text(encoding="utf-8").splitlines())
    ]
    assert printing == []
