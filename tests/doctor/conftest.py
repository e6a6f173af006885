"""A machine of the tests' own making: it has what a test says, and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from synthmed.doctor.machine import Machine, Trial
from synthmed.doctor.plugins import PLUGIN_FOLDER

REQUIREMENTS = [
    "click>=8.1",
    "numpy>=1.26",
    'fiftyone<2,>=1.22; extra == "app"',
    'mmcv<2.2,>=2.1; extra == "train"',
    'mmdet<4,>=3.3; extra == "train"',
    'mmengine<1,>=0.10.7; extra == "train"',
    'torch>=2.1; extra == "train"',
    'onnx>=1.16; extra == "onnx"',
    'openslide-python>=1.3; extra == "wsi"',
    'fsspec>=2024.2; extra == "remote"',
    'ray>=2.9; extra == "ray"',
    'pytest>=8.2; extra == "dev"',
]
HEALTHY = {
    "synthmed": "0.1.0",
    "click": "8.1",
    "numpy": "2.4.6",
    "fiftyone": "1.22.1",
    "mmcv": "2.1.0",
    "mmdet": "3.3.0",
    "mmengine": "0.10.7",
    "torch": "2.13.0+cpu",
    "openmim": "0.3.9",
    "opencv-python": "4.14.0.94",
    "opencv-python-headless": "4.14.0.94",
    "pytest": "9.2.0",
}


@dataclass(frozen=True)
class FakeMachine(Machine):
    """What a machine answers, as data."""

    executable: str = "/env/bin/python"
    versions: dict[str, str] = field(default_factory=lambda: dict(HEALTHY))
    programs: dict[str, str | None] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)

    def version(self, distribution: str) -> str | None:
        return self.versions.get(distribution)

    def requirements(self, distribution: str) -> list[str]:
        return REQUIREMENTS if distribution in self.versions else []

    def installed_file(self, distribution: str, path: str) -> Path | None:
        return Path("/site", path) if distribution in self.versions else None

    def program(self, *names: str) -> str | None:
        return next((f"/usr/bin/{name}" for name in names if f"/usr/bin/{name}" in self.programs), None)

    def says(self, program: str, *arguments: str) -> str | None:
        return self.programs.get(program)

    def tries(self, lines: Sequence[tuple[str, str]]) -> dict[str, Trial]:
        healthy = {"cv2": Trial("", "4.14.0")}
        return {name: self.trials.get(name, healthy.get(name, Trial(""))) for name, _ in lines}


@pytest.fixture
def healthy(tmp_path: Path) -> FakeMachine:
    """A machine on which nothing is missing but a GPU and optional packages."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "synthmed").symlink_to(PLUGIN_FOLDER, target_is_directory=True)
    return FakeMachine(
        python=(3, 11, 7),
        platform="linux",
        environ={"HOME": str(tmp_path), "FIFTYONE_PLUGINS_DIR": str(tmp_path / "plugins")},
        programs={"/site/fiftyone/db/bin/mongod": "db version v6.0.5", "/usr/bin/chromium": "Chromium 156"},
    )


@pytest.fixture
def without(healthy: FakeMachine) -> Callable[..., FakeMachine]:
    """The healthy machine without some distributions, or with other versions of them."""

    def change(*missing: str, **others: str) -> FakeMachine:
        renamed = {name.replace("_", "-"): version for name, version in others.items()}
        kept = {name: version for name, version in healthy.versions.items() if name not in missing}
        return replace(healthy, versions=kept | renamed)

    return change
