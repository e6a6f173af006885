"""Which way imports may go: read from the source, so that imports inside functions count as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import synthmed

PACKAGE = Path(synthmed.__file__).parent
STREET = ("points", "bank", "scenes", "datasets", "metrics", "detect", "nets", "app")
MAY_IMPORT = {house: set(STREET[: number + 1]) for number, house in enumerate(STREET)} | {
    "phantom": {"phantom", "points"},
    "doctor": {"doctor"},
    "plots": {"plots", *STREET[: STREET.index("nets")]},
}
# Modules without a place in the street, which everybody may use.
SHARED = {"errors", "_colors", "_files", "_compiled", "_shipped", "_wording", "__version__", ""}
OWNER = {
    "fiftyone": "app",
    "eta": "app",
    "torch": "nets",
    "mmcv": "nets",
    "mmdet": "nets",
    "mmengine": "nets",
    "mim": "nets",
}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports(source: str) -> Iterator[tuple[str, int, bool]]:
    """Each imported dotted name, its line, and whether it is imported as soon as the module is."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node.lineno, _at_once(node)


def _at_once(node: ast.AST) -> bool:
    """Whether a statement stands outside every function and every `if TYPE_CHECKING`."""
    while (parent := getattr(node, "parent", None)) is not None:
        typing_only = isinstance(parent, ast.If) and "TYPE_CHECKING" in ast.dump(parent.test)
        if typing_only or isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
        node = parent
    return True


def violations(module: str, source: str) -> list[str]:
    """What a module imports against the rules; `module` is its path below synthmed/."""
    house = module.split("/")[0] if "/" in module else ""
    found = []
    for name, line, at_once in imports(source):
        parts = name.split(".")
        where = f"synthmed/{module}:{line} imports {name}"
        if parts[0] == "":
            found.append(f"{where}: write the whole name instead of a relative one")
        if parts[0] in OWNER and OWNER[parts[0]] != house:
            found.append(f"{where}: only synthmed/{OWNER[parts[0]]} may")
        if parts[0] != "synthmed" or len(parts) == 1 or parts[1] in SHARED:
            continue
        if house in MAY_IMPORT and parts[1] not in MAY_IMPORT[house]:
            found.append(f"{where}: {house} stands before it")
        if house in ("", "commands") and parts[1] in ("nets", "app") and at_once:
            found.append(f"{where} at once: import it inside the function that needs it")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    source = (PACKAGE / module).read_text(encoding="utf-8")
    assert not violations(module, source), "\n".join(violations(module, source))


@pytest.mark.parametrize(
    ("module", "source", "count"),
    [
        ("points/csv.py", "", 0),
        ("bank/build.py", "from synthmed.points import PointSet\nfrom synthmed.errors import BankError", 0),
        ("points/csv.py", "from synthmed.bank import PatchBank", 1),
        ("points/csv.py", "def f():\n    from synthmed import bank", 1),
        ("metrics/cam.py", "import torch", 1),
        ("nets/head.py", "import torch.nn\nfrom mmdet.registry import MODELS", 0),
        ("nets/head.py", "def f():\n    import fiftyone as fo", 1),
        ("app/runs.py", "import fiftyone\nfrom synthmed.nets import inference", 0),
        ("app/runs.py", "import torch", 1),
        ("phantom/cells.py", "from synthmed.bank import spec", 1),
        ("doctor/checks.py", "from synthmed.points import PointSet", 1),
        ("cli.py", "def f():\n    from synthmed.nets import inference", 0),
        ("cli.py", "from synthmed.nets import inference", 1),
        ("cli.py", "if True:\n    import synthmed.app.runs", 1),
        ("cli.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import synthmed.app.runs", 0),
        ("cli.py", "def f():\n    import fiftyone", 1),
        ("commands/detect.py", "from synthmed.nets import inference", 1),
        ("demo/judge.py", "from synthmed.nets import inference", 0),
        ("demo/judge.py", "import fiftyone", 1),
        ("bank/build.py", "from .spec import BankSpec", 1),
    ],
)
def test_violations_are_found(module: str, source: str, count: int) -> None:
    assert len(violations(module, source)) == count


def test_every_package_has_a_place() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages - set(MAY_IMPORT) <= {"commands", "demo"}
