"""What every test shares: a machine without the user's settings, the tiers, and the folder of real images.

Tests belong to tiers: the core, and `mmdet`, `fiftyone` and `browser`, which need more to be installed. All
below nets/, app/ and fiftyone_plugin/ belongs to their tier by its place; elsewhere a marker says so. What a
tier misses makes its tests skip with the reason; with CI=true it makes them fail. SYNTHMED_TEST_TIERS=core
leaves the other tiers out.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from synthmed.doctor import Check, Machine, check_mongod
from synthmed.doctor.checks import check_chromium, check_requirements

ROOT = Path(__file__).resolve().parent.parent
TIERS = ("mmdet", "fiftyone", "browser", "ray")
TIER_OF_FOLDER = {
    ROOT / "synthmed" / "nets": "mmdet",
    ROOT / "tests" / "nets": "mmdet",
    ROOT / "tests" / "mmdet_configs": "mmdet",
    ROOT / "synthmed" / "app": "fiftyone",
    ROOT / "tests" / "app": "fiftyone",
    ROOT / "tests" / "fiftyone_plugin": "fiftyone",
}
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def _set_environment() -> Path | None:
    """Before anything heavy is imported: few threads, no window, and a FiftyOne of the tests' own.

    Returns:
        The folder of a MongoDB to be started, unless the environment names a server.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["MPLBACKEND"] = "Agg"
    for name in ("SYNTHMED_BANK", "SYNTHMED_IMAGES", "SYNTHMED_POINTS", "SYNTHMED_BOXES"):
        os.environ.pop(name, None)
    home = tempfile.mkdtemp(prefix="synthmed-fiftyone-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(
        FIFTYONE_CONFIG_PATH=f"{home}/config.json",
        FIFTYONE_APP_CONFIG_PATH=f"{home}/app_config.json",
        FIFTYONE_DATABASE_NAME="synthmed-tests",
        FIFTYONE_DEFAULT_DATASET_DIR=f"{home}/datasets",
        FIFTYONE_PLUGINS_DIR=str(ROOT / "fiftyone_plugin"),
        FIFTYONE_DO_NOT_TRACK="true",
    )
    if os.environ.get("FIFTYONE_DATABASE_URI"):
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{free.getsockname()[1]}"
    return Path(home, "database")


_DATABASE_DIR = _set_environment()
hypothesis.settings.register_profile("synthmed", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("synthmed")


@cache
def _start_database() -> None:
    """Start a MongoDB of the tests' own.

    FiftyOne by itself uses any server that another FiftyOne on the machine has started, whatever its folder:
    the tests would write into the user's database, and a demo beside them into theirs, which goes away.
    """
    binary = _machine().installed_file("fiftyone", "fiftyone/db/bin/mongod")
    if binary is None or _DATABASE_DIR is None:
        return
    _DATABASE_DIR.mkdir()
    host, port = os.environ["FIFTYONE_DATABASE_URI"].removeprefix("mongodb://").split(":")
    log = _DATABASE_DIR / "mongod.log"
    command = [binary, "--dbpath", _DATABASE_DIR, "--logpath", log, "--nounixsocket", "--bind_ip", host]
    server = subprocess.Popen([*command, "--port", port], stdout=subprocess.DEVNULL)
    atexit.register(lambda: (server.terminate(), server.wait()))
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"mongod does not start: see {log}")


def _machine() -> Machine:
    """The machine, without the database that only the tests have."""
    hidden = "" if _DATABASE_DIR is None else "FIFTYONE_DATABASE_URI"
    return Machine(environ={name: value for name, value in os.environ.items() if name != hidden})


@cache
def _missing(tier: str) -> str:
    """What a tier misses on this machine and how to get it; empty where it can run."""
    machine = _machine()
    checks: list[Check] = []
    if tier == "mmdet":
        checks += check_requirements(machine, extra="train", part="train")
    elif tier == "ray":
        checks += check_requirements(machine, extra="ray", part="scale")
    else:
        checks += check_requirements(machine, extra="app", part="app")
        checks.append(check_mongod(machine))
    if tier == "browser":
        tools = check_requirements(machine, extra="dev", part="test")
        checks += [check for check in tools if check.name == "playwright"]
        checks.append(check_chromium(machine))
    lacking = [check for check in checks if not check.ok]
    return "; ".join(f"{check.name}: {check.found} (mend it by: {check.remedy})" for check in lacking)


def _is_wanted(tier: str) -> bool:
    chosen = os.environ.get("SYNTHMED_TEST_TIERS", "")
    return not chosen or tier in chosen.split(",")


def _tiers_of(item: pytest.Item) -> list[str]:
    return [tier for tier in TIERS if item.get_closest_marker(tier)]


def _tier_of_path(path: Path) -> str | None:
    return next((tier for folder, tier in TIER_OF_FOLDER.items() if path.is_relative_to(folder)), None)


class Tiers:
    """A plugin, as hooks of this file would not be asked about the doctests in synthmed/."""

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave the folders of unwanted tiers alone."""
        tier = _tier_of_path(collection_path)
        return True if tier and not _is_wanted(tier) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """Don't import the folders of a tier that misses something: skip them, and fail in CI."""
        tier = (
            _tier_of_path(collector.path) if isinstance(collector, pytest.Directory | pytest.File) else None
        )
        if tier is None or not _missing(tier):
            if tier == "fiftyone":
                _start_database()  # importing fiftyone connects to it
            return None
        if IN_CI:
            return pytest.CollectReport(collector.nodeid, "failed", _missing(tier), [])
        where = (str(collector.path), 0, f"Skipped: {_missing(tier)}")
        return pytest.CollectReport(collector.nodeid, "skipped", where, [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Mark what belongs to a tier by its place, and leave out what belongs to an unwanted one."""
        for item in items:
            if tier := _tier_of_path(item.path):
                item.add_marker(tier)
        unwanted = [item for item in items if not all(map(_is_wanted, _tiers_of(item)))]
        if unwanted:
            config.hook.pytest_deselected(items=unwanted)
            items[:] = [item for item in items if item not in unwanted]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a test of a tier that misses something; fail in CI."""
        reasons = "; ".join(reason for tier in _tiers_of(item) if (reason := _missing(tier)))
        if reasons and IN_CI:
            pytest.fail(reasons, pytrace=False)
        elif reasons:
            pytest.skip(reasons)
        if {"fiftyone", "browser"} & set(_tiers_of(item)):
            _start_database()


def pytest_configure(config: pytest.Config) -> None:
    """Register the tiers for every path."""
    config.pluginmanager.register(Tiers(), "synthmed-tiers")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real microscopy images that stands beside the repository; not a part of it."""
    folder = Path(os.environ.get("SYNTHMED_TEST_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is not there; SYNTHMED_TEST_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture
def clean_cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, for code that writes to relative paths."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom collection: 6 training and 3 validation images of four slides."""
    from synthmed.phantom import write_phantom

    return write_phantom(tmp_path_factory.mktemp("phantom") / "phantom", train=6, val=3, seed=0)


@pytest.fixture(scope="session")
def phantom_bank_dir(phantom_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of the phantom's training images, on disk; not to be written to."""
    from synthmed.bank import build_bank, make_spec, save_bank
    from synthmed.points import read_points

    points = read_points(phantom_dir / "points.csv", phantom_dir / "images")
    spec = make_spec(sizes_px={"Bacteria": 10.0, "RBC": 29.0, "WBC": 43.0})
    folder = tmp_path_factory.mktemp("bank") / "bank"
    save_bank(build_bank(points, phantom_dir / "images", spec), folder)
    return folder
