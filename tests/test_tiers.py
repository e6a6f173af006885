"""The tiers of conftest.py, seen from outside: a small project of one's own with that file in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """
[pytest]
addopts = -ra --import-mode=importlib -p no:cacheprovider
markers =
    browser: x
    fiftyone: x
    mmdet: x
"""
TESTS = {
    "tests/test_core.py": "def test_core(): pass",
    "tests/test_app.py": "import pytest\n@pytest.mark.browser\ndef test_app(): pass",
}


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    for name, text in {"pytest.ini": SETTINGS, **TESTS}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    shutil.copy(repository / "tests" / "conftest.py", tmp_path / "tests" / "conftest.py")
    return tmp_path


def outcome(project: Path, **environ: str) -> tuple[int, str]:
    """The exit code and the output of a run of pytest with no browser that starts."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests"],
        cwd=project,
        env={
            **os.environ,
            "CI": "",
            "SYNTHMED_TEST_TIERS": "",
            "SYNTHMED_CHROMIUM": "/nowhere/chromium",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout


def test_missing_program_skips_with_its_remedy(project: Path) -> None:
    code, output = outcome(project)
    assert code == 0
    assert re.search(r"1 passed, 1 skipped", output)
    assert (
        "chromium: /nowhere/chromium does not start (mend it by: sudo apt-get install -y chromium)" in output
    )


def test_missing_program_fails_in_ci(project: Path) -> None:
    code, output = outcome(project, CI="true")
    assert code == 1
    assert re.search(r"1 passed, 1 error", output)


def test_unwanted_tier_is_left_out(project: Path) -> None:
    code, output = outcome(project, CI="true", SYNTHMED_TEST_TIERS="core")
    assert code == 0
    assert re.search(r"1 passed, 1 deselected", output)


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("tests/app", marks=pytest.mark.fiftyone),
        pytest.param("tests/nets", marks=pytest.mark.mmdet),
    ],
)
def test_folders_of_an_unwanted_tier_are_not_imported(project: Path, folder: str) -> None:
    (project / folder).mkdir()
    (project / folder / "test_x.py").write_text("raise RuntimeError", encoding="utf-8")
    assert outcome(project)[0] == 2
    assert outcome(project, SYNTHMED_TEST_TIERS="core")[0] == 0
