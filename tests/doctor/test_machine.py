"""The real machine: other processes, programs and metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.doctor.machine import Machine, Trial, parse_requirement, satisfies


def test_no_line_starts_no_process() -> None:
    assert Machine(executable="/nowhere/python").tries([]) == {}


def test_lines_run_one_after_the_other() -> None:
    lines = [
        ("sum", "result = 1 + 1"),
        ("none", "pass"),
        ("bad", "import no_such_module"),
        ("last", "result = 3"),
    ]
    trials = Machine().tries(lines)
    assert trials["sum"] == Trial("", "2")
    assert trials["none"] == Trial("")
    assert trials["bad"].error == "ModuleNotFoundError: No module named 'no_such_module'"
    assert trials["last"] == Trial("", "3")


def test_crash_is_told_and_the_rest_goes_on() -> None:
    crash = "import os; os.abort()"
    trials = Machine().tries([("first", "result = 1"), ("crash", crash), ("last", "result = 2")])
    assert trials["first"].result == "1"
    assert trials["crash"].error == "the interpreter ended with code -6"
    assert trials["last"].result == "2"


def test_what_a_line_prints_does_not_disturb() -> None:
    assert Machine().tries([("noisy", "print('{}'); result = 'x'")]) == {"noisy": Trial("", "x")}


def test_line_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.doctor.machine.IMPORT_TIMEOUT_S", 2)
    trials = Machine().tries([("first", "result = 1"), ("hangs", "import time; time.sleep(60)")])
    assert trials == {"first": Trial("", "1"), "hangs": Trial("not finished after 2 s")}


@pytest.mark.parametrize(
    ("arguments", "said"), [(("-c", "print('one\\ntwo')"), "one"), (("-c", "raise SystemExit(3)"), None)]
)
def test_says(arguments: tuple[str, ...], said: str | None) -> None:
    machine = Machine()
    assert machine.says(machine.executable, *arguments) == said


def test_program_that_is_not_there() -> None:
    machine = Machine()
    assert machine.says("/nowhere/mongod", "--version") is None
    assert machine.program("no-such-program") is None
    assert machine.program("no-such-program", "sh")


def test_metadata() -> None:
    machine = Machine()
    assert machine.version("no-such-distribution") is None
    assert machine.requirements("no-such-distribution") == []
    assert machine.installed_file("no-such-distribution", "x") is None
    assert any(text.startswith("numpy") for text in machine.requirements("synthmed"))
    beside = machine.installed_file("pytest", "pytest/__init__.py")
    assert isinstance(beside, Path)
    assert beside.is_file()


@pytest.mark.parametrize(
    ("version", "specifiers", "inside"),
    [
        ("1.0", "", True),
        ("2.1", "==2.1.0", True),
        ("2.1.0", ">=2.1,<2.2", True),
        ("2.2.0", ">=2.1,<2.2", False),
        ("0.10.7", "<1,>=0.10.7", True),
        ("0.9.9", ">=0.10.7", False),
        ("2.13.0+cu130", ">=2.1", True),
        ("10", "<=9", False),
        ("10", ">9", True),
    ],
)
def test_satisfies(version: str, specifiers: str, inside: bool) -> None:
    assert satisfies(version, specifiers) is inside


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("numpy", ("numpy", "", "")),
        ("numpy>=1.26", ("numpy", ">=1.26", "")),
        ("types-PyYAML ; extra == 'dev'", ("types-PyYAML", "", "dev")),
        ("synthmed[app,train,ray]; extra == 'all'", ("synthmed", "", "all")),
        ("mmcv (<2.2,>=2.1) ; extra == 'train'", ("mmcv", "<2.2,>=2.1", "train")),
    ],
)
def test_parse_requirement(text: str, parsed: tuple[str, str, str]) -> None:
    assert parse_requirement(text) == parsed


def test_no_requirement() -> None:
    with pytest.raises(ValueError, match="not a requirement"):
        parse_requirement("!")
