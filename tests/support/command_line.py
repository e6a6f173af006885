"""The commands as a person types them, in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from synthmed.cli import main

SIZES = ["--size", "Bacteria=10px", "--size", "RBC=29px", "--size", "WBC=43px"]
"""Of the classes of the phantom."""


def run(*args: object) -> Result:
    """A command; an exception that is no message fails the test."""
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def ends(*args: object) -> tuple[int, str]:
    """The exit code of a command, and what it said, on one line."""
    result = run(*args)
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


def succeeds(*args: object) -> str:
    """What a command said, as it was printed, that ends well."""
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.output


def fails(*args: object) -> str:
    """What a command said, on one line, that ends with the code of an error."""
    code, said = ends(*args)
    assert code == 2, said
    return said


def bank_words(data: Path, *args: object, sizes: list[str] | None = None) -> list[object]:
    """The words that build a bank of the dataset in a folder, beside it."""
    where = ["--images", data / "images", "--points", data / "points.csv", "--out", data / "bank"]
    return ["bank", "build", *where, *(SIZES if sizes is None else sizes), *args]
