"""The files round the package say the same as the package."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import synthmed
from synthmed.doctor.checks import OPENMIM_NEEDS, VERIFIED
from synthmed.doctor.machine import parse_requirement, satisfies

MODULES = sorted(Path(synthmed.__file__).parent.rglob("*.py"))


@pytest.fixture(scope="module")
def pins(repository: Path) -> dict[str, str]:
    """The exact pins of constraints.txt."""
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([\w.-]+)==([\w.]+)", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


def test_version_is_the_same_everywhere() -> None:
    assert importlib.metadata.version("synthmed") == synthmed.__version__


def test_plugin_has_the_version_of_the_package(repository: Path) -> None:
    metadata = yaml.safe_load((repository / "fiftyone_plugin" / "fiftyone.yml").read_text(encoding="utf-8"))
    assert metadata["version"] == synthmed.__version__


def test_entry_point_can_be_called() -> None:
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="synthmed")
    assert entry.value == "synthmed.cli:main"
    assert callable(entry.load())


def test_both_opencv_are_one_version_below_5(pins: dict[str, str]) -> None:
    assert pins["opencv-python"] == pins["opencv-python-headless"]
    assert satisfies(pins["opencv-python"], "<5")


@pytest.mark.parametrize("name", sorted(VERIFIED))
def test_doctor_names_the_pinned_version(name: str, pins: dict[str, str]) -> None:
    assert pins[name] == VERIFIED[name]


def test_every_pin_lies_in_the_range_of_the_project(pins: dict[str, str]) -> None:
    requirements = [parse_requirement(text) for text in importlib.metadata.requires("synthmed") or []]
    assert len(requirements) > 10
    for name, specifiers, extra in requirements:
        if extra in ("", "app", "train", "onnx", "ray", "remote", "dev"):
            assert satisfies(pins[name.lower()], specifiers), name


def test_constraints_name_no_place(repository: Path) -> None:
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    assert not re.findall(r"^[^#].*(?:://|@|\+| -[a-z])", text, re.MULTILINE)


def test_makefile_installs_what_openmim_needs(repository: Path) -> None:
    assert f"$(PIP) {' '.join(OPENMIM_NEEDS)}\n" in (repository / "Makefile").read_text(encoding="utf-8")


def test_every_target_is_in_the_help(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    shown = subprocess.run(
        ["make", "-s", "-C", str(repository), "help"], capture_output=True, text=True, check=True
    )
    assert phony == set(re.findall(r"^  make ([a-z-]+) ", shown.stdout, re.MULTILINE))


def test_workflow_calls_only_make_targets(repository: Path) -> None:
    workflow = yaml.safe_load((repository / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert {"make setup", "make test"} <= set(commands) <= {f"make {target}" for target in phony}


def test_ci_script_is_executable_and_parses(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_plugin_requirements_bring_synthmed(repository: Path) -> None:
    lines = (repository / "fiftyone_plugin" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [parse_requirement(line.split("#")[0].strip()) for line in lines if line.split("#")[0].strip()]
    assert [name for name, _, _ in wanted] == ["synthmed"]
    assert satisfies(synthmed.__version__, wanted[0][1])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(path.parents[2]).as_posix())
def test_file_is_one_concept(path: Path) -> None:
    """400 lines are the smell, not the aim: most files stay below 250."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_links_lead_somewhere(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=repository, capture_output=True, text=True)
    pages = [repository / name for name in listed.stdout.split()]
    assert len(pages) > 4
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
