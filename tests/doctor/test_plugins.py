"""FiftyOne's plugins folder is found as FiftyOne finds it, and the plugin in it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from json import dumps
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthmed.cli import main
from synthmed.doctor import Machine
from synthmed.doctor.checks import check_plugin
from synthmed.doctor.plugins import PLUGIN_FOLDER, plugins_dir, register_plugin, registered_plugin
from synthmed.errors import SynthmedError


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


@pytest.mark.parametrize("dangling", [False, True])
def test_registering_mends_it(tmp_path: Path, dangling: bool) -> None:
    environ = {"FIFTYONE_PLUGINS_DIR": str(tmp_path / "with space" / "plugins")}
    expected = tmp_path / "with space/plugins/synthmed/fiftyone.yml"
    if dangling:
        expected.parent.parent.mkdir(parents=True)
        expected.parent.symlink_to(tmp_path / "a checkout that was deleted")
    assert registered_plugin(environ) is None
    for _ in range(2):
        assert register_plugin(environ) == expected
    assert registered_plugin(environ) == expected


def another_checkout(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "fiftyone.yml").write_text('name: "@synthmed/synthmed"')
    return folder


def test_our_link_to_another_checkout_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = another_checkout(tmp_path / "other" / "fiftyone_plugin")
    link = tmp_path / "plugins" / "synthmed"
    link.parent.mkdir()
    link.symlink_to(other)
    monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(link.parent))
    check = check_plugin(Machine())
    assert not check.ok and "another synthmed" in check.found and str(other) in check.found
    result = CliRunner().invoke(main, shlex.split(check.remedy)[1:])
    assert result.exit_code == 0 and "led to another synthmed before" in result.output
    assert link.resolve() == PLUGIN_FOLDER.resolve()
    assert check_plugin(Machine()).ok
    assert (other / "fiftyone.yml").is_file()


@pytest.mark.parametrize("place", ["synthmed", "mine", "linked"])
def test_a_folder_or_link_of_the_users_stays(tmp_path: Path, place: str) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    other = another_checkout(tmp_path / "fork" if place == "linked" else plugins / place)
    if place == "linked":
        (plugins / place).symlink_to(other)
    environ = {"FIFTYONE_PLUGINS_DIR": str(plugins)}
    assert check_plugin(replace(Machine(), environ=environ)).remedy.startswith("mv ")
    with pytest.raises(SynthmedError, match=r"of another synthmed.*move it away"):
        register_plugin(environ)
    assert (plugins / place).resolve() == other.resolve()


def test_another_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "synthmed").mkdir()
    with pytest.raises(SynthmedError, match="move it away"):
        register_plugin({"FIFTYONE_PLUGINS_DIR": str(tmp_path)})
    assert not (tmp_path / "synthmed").is_symlink()


def test_the_command_that_the_doctor_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(tmp_path))
    machine = Machine()
    command = shlex.split(check_plugin(machine).remedy)
    assert Path(command[0]).name == "synthmed"
    result = CliRunner().invoke(main, command[1:])
    assert result.exit_code == 0, result.output
    assert check_plugin(machine).ok


def test_plugin_stands_in_the_checkout() -> None:
    assert (PLUGIN_FOLDER / "fiftyone.yml").is_file()
