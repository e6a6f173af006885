import ast
import re
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.plugins as fop
import pytest
import yaml
from packaging.specifiers import SpecifierSet

from synthmed import __version__

PLUGIN = Path(__file__).resolve().parents[2] / "fiftyone_plugin"
MANIFEST = yaml.safe_load((PLUGIN / "fiftyone.yml").read_text())
NAME = "@synthmed/synthmed"


def test_what_is_listed_is_what_is_there():
    found = {operator.name for operator in foo.list_operators() if operator.plugin_name == NAME}
    assert found == set(MANIFEST["operators"]) | set(MANIFEST["panels"])
    files = {path.stem for path in (PLUGIN / "operators").glob("*.py")}
    assert files - {"__init__", "base", "inputs"} == set(MANIFEST["operators"])


def test_fiftyone_finds_it_and_fits():
    plugin = fop.get_plugin(NAME)
    assert plugin.version == __version__
    assert SpecifierSet(plugin.fiftyone_compatibility).contains(fo.__version__)


def test_it_loads_without_synthmed():
    """What is imported as soon as FiftyOne loads the plugin: itself, FiftyOne and the standard library."""
    for path in PLUGIN.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                assert name.split(".")[0] not in ("synthmed", "numpy", "PIL", "torch", "mmdet"), path


def test_its_requirements_bring_synthmed():
    lines = (PLUGIN / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert [re.match(r"[\w-]+(\[[\w,]+\])?", line).group() for line in wanted] == ["synthmed[app]"]


@pytest.mark.parametrize("name", MANIFEST["operators"])
def test_the_readme_has_a_heading_and_a_call_for_each(name):
    text = (PLUGIN / "README.md").read_text()
    assert re.search(rf"^### {name}$", text, re.MULTILINE)
    assert f'"{NAME}/{name}"' in text or f'operator("{name}")' in text


@pytest.mark.parametrize("name", MANIFEST["operators"])
def test_nothing_is_handed_to_a_worker_that_may_not_be_there(name, operator):
    config = operator(name).config
    assert config.allow_immediate_execution and not config.allow_delegated_execution
    assert config.execute_as_generator and config.label.startswith("synthmed: ") and config.description
