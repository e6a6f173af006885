"""What the doctor may ask the machine: versions, environment, programs, and imports in another process.

Every answer comes from a :class:`Machine`, so that a test can hand the doctor a machine of its own making.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps, loads
from pathlib import Path

IMPORT_TIMEOUT_S = 600
PROGRAM_TIMEOUT_S = 30

# Runs in a process of its own: a compiled extension that does not fit kills the interpreter, not the doctor.
_TRIAL = """
import contextlib, json, sys
for name, code in json.loads(sys.argv[1]):
    scope = {}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            exec(code, scope)
        answer = {"name": name, "error": "", "result": str(scope.get("result", ""))}
    except BaseException as error:
        answer = {"name": name, "error": f"{type(error).__name__}: {error}", "result": ""}
    print(json.dumps(answer), flush=True)
"""


@dataclass(frozen=True)
class Trial:
    """What came of running one line of Python in another process.

    Attributes:
        error: why it failed; empty where it ran.
        result: the text of the variable ``result`` that the line left behind; empty where it left none.
    """

    error: str
    result: str = ""


@dataclass(frozen=True)
class Machine:
    """The real machine; the tests replace its methods.

    Attributes:
        python: the version of the interpreter.
        executable: the interpreter that the remedies name.
        platform: ``sys.platform``.
        environ: the environment variables.
    """

    python: tuple[int, int, int] = sys.version_info[:3]
    executable: str = sys.executable
    platform: str = sys.platform
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def version(self, distribution: str) -> str | None:
        """The installed version of a distribution; ``None`` where there is none."""
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            return None

    def requirements(self, distribution: str) -> list[str]:
        """What a distribution says that it needs; empty where it is not installed."""
        try:
            return importlib.metadata.requires(distribution) or []
        except importlib.metadata.PackageNotFoundError:
            return []

    def installed_file(self, distribution: str, path: str) -> Path | None:
        """Where a file would stand beside an installed distribution; ``None`` where that is not installed."""
        try:
            return Path(str(importlib.metadata.distribution(distribution).locate_file(path)))
        except importlib.metadata.PackageNotFoundError:
            return None

    def program(self, *names: str) -> str | None:
        """The first of some programs that the search path has; ``None`` where it has none."""
        return next((found for name in names if (found := shutil.which(name))), None)

    def says(self, program: str, *arguments: str) -> str | None:
        """The first line that a program prints; ``None`` where it does not start or fails."""
        try:
            done = subprocess.run(  # noqa: S603 - a program that was just looked up, with fixed arguments
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PROGRAM_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return (done.stdout.strip().splitlines() or [""])[0] if done.returncode == 0 else None

    def tries(self, lines: Sequence[tuple[str, str]]) -> dict[str, Trial]:
        """Run named lines of Python in another process, and in a further one after a crash.

        Args:
            lines: pairs of a name and the code to run.

        Returns:
            One trial for each name.
        """
        left, trials = list(lines), dict[str, Trial]()
        while left:
            answers, ended = self._run(left)
            trials.update(answers)
            left = left[len(answers) :]
            if left:
                trials[left.pop(0)[0]] = Trial(ended)
        return trials

    def _run(self, lines: Sequence[tuple[str, str]]) -> tuple[dict[str, Trial], str]:
        """Run lines until the process ends; the answers that came, and how it ended."""
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter and a fixed program
                [self.executable, "-W", "ignore", "-c", _TRIAL, dumps(list(lines))],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=IMPORT_TIMEOUT_S,
                check=False,
            )
            output, ended = done.stdout, f"the interpreter ended with code {done.returncode}"
        except subprocess.TimeoutExpired as late:
            output = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else ""
            ended = f"not finished after {IMPORT_TIMEOUT_S} s"
        answers = (loads(line) for line in output.splitlines())
        return {a["name"]: Trial(a["error"], a["result"]) for a in answers}, ended


def satisfies(version: str, specifiers: str) -> bool:
    """Whether a version lies in the range that a requirement gives.

    Only the comparisons that this project's own requirements use are known: ``>=``, ``<``, ``<=``, ``>``
    and ``==``, on the numbers of a version.

    Examples:
        >>> satisfies("2.1.0", ">=2.1,<2.2"), satisfies("2.13.0+cpu", ">=2.1"), satisfies("5.0", "<5")
        (True, True, False)
    """
    for operator, bound in re.findall(r"(>=|<=|==|<|>)\s*([\d.]+)", specifiers):
        left, right = _numbers(version), _numbers(bound)
        holds = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "<": left < right,
            ">": left > right,
        }
        if not holds[operator]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version without zeros at the end, so that 2.1 equals 2.1.0."""
    numbers = [int(part) for part in re.findall(r"\d+", version.split("+")[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def parse_requirement(requirement: str) -> tuple[str, str, str]:
    """Split a requirement into name, specifiers and extra.

    Raises:
        ValueError: where the text is no requirement.

    Examples:
        >>> parse_requirement('mmcv<2.2,>=2.1; extra == "train"')
        ('mmcv', '<2.2,>=2.1', 'train')
        >>> parse_requirement("numpy>=1.26")
        ('numpy', '>=1.26', '')
    """
    found = re.match(r"([\w.-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?$", requirement)
    if found is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", found[3] or "")
    return found[1], found[2].strip(), extra[1] if extra else ""
