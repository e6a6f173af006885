"""FiftyOne's plugins folder is found as FiftyOne finds it, and the plugin in it."""

from __future__ import annotations

import subprocess
from json import dumps
from pathlib import Path

import pytest

from synthmed.doctor.plugins import PLUGIN_FOLDER, link_command, plugins_dir, registered_plugin


@pytest.mark.parametrize(
    ("environ", "config", "expected"),
    [
        ({}, None, "fiftyone/__plugins__"),
        ({}, "not json", "fiftyone/__plugins__"),
        ({}, "[]", "fiftyone/__plugins__"),
        ({}, dumps({"plugins_dir": "/mine"}), "/mine"),
        ({}, dumps({"default_dataset_dir": "/data"}), "/data/__plugins__"),
        ({"FIFTYONE_DEFAULT_DATASET_DIR": "/other"}, None, "/other/__plugins__"),
        ({"FIFTYONE_PLUGINS_DIR": "/chosen"}, dumps({"plugins_dir": "/mine"}), "/chosen"),
    ],
)
def test_plugins_dir(tmp_path: Path, environ: dict[str, str], config: str | None, expected: str) -> None:
    if config is not None:
        (tmp_path / ".fiftyone").mkdir()
        (tmp_path / ".fiftyone" / "config.json").write_text(config, encoding="utf-8")
    assert plugins_dir({"HOME": str(tmp_path), **environ}) == tmp_path / expected


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"a/fiftyone.yml": 'name: "@other/plugin"'}, None),
        ({"a/fiftyone.yml": 'fiftyone:\n  version: "*"\nname: "@org/synthmed"\n'}, "a/fiftyone.yml"),
        ({"a/b/fiftyone.yaml": "name: '@org/synthmed'"}, "a/b/fiftyone.yaml"),
        ({"fiftyone.yml": "name: '@org/synthmed'"}, "fiftyone.yml"),
        ({".hidden/fiftyone.yml": "name: '@org/synthmed'"}, None),
        ({"a/fiftyone.yml": "name: x", "a/b/fiftyone.yml": "name: '@org/synthmed'"}, None),
    ],
)
def test_registered_plugin(tmp_path: Path, files: dict[str, str], found: str | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    expected = None if found is None else tmp_path / found
    assert registered_plugin({"FIFTYONE_PLUGINS_DIR": str(tmp_path)}) == expected


def test_the_remedy_mends_it(tmp_path: Path) -> None:
    environ = {"FIFTYONE_PLUGINS_DIR": str(tmp_path / "with space" / "plugins")}
    assert registered_plugin(environ) is None
    for _ in range(2):
        subprocess.run(["sh", "-c", link_command(environ)], check=True)
    assert registered_plugin(environ) == tmp_path / "with space/plugins/synthmed/fiftyone.yml"


def test_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.doctor.plugins.PLUGIN_FOLDER", tmp_path / "none")
    assert link_command({}).startswith("fiftyone plugins download ")


def test_plugin_stands_in_the_checkout() -> None:
    assert (PLUGIN_FOLDER / "fiftyone.yml").is_file()
