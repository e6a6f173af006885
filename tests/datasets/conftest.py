"""A small recipe, so that rendering takes little time, and one rendering of it in every format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from synthmed.bank import PatchBank, open_bank
from synthmed.datasets import RenderReport, all_formats, render_dataset
from synthmed.scenes import Recipe, Scene, draw_plan, make_recipe, render

COUNT = 70  # three chunks, the last not full
SEED = 4


def content(folder: Path) -> dict[str, bytes]:
    """Every file by its path, so that two folders can be compared byte by byte."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session", name="content")
def content_function() -> Callable[[Path], dict[str, bytes]]:
    return content


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return make_recipe(
        {
            "canvas": {"size_px": (96, 128)},
            "counts": {"kind": "decorrelated"},
            "placement": {"min_visible": 0.4},
            "distractors": {"per_scene": (0, 3)},
        }
    )


@pytest.fixture(scope="session")
def everything() -> dict[str, Any]:
    """What a rendering in every format is asked for."""
    return {"count": COUNT, "seed": SEED, "formats": tuple(all_formats()), "shard": 32}


@pytest.fixture(scope="session")
def render_everything(
    phantom_bank_dir: Path, recipe: Recipe, everything: dict[str, Any]
) -> Callable[..., RenderReport]:
    """Renders in every format to where it is told, with further options of `render_dataset`."""
    return partial(render_dataset, phantom_bank_dir, recipe=recipe, **everything)


@pytest.fixture(scope="session")
def render_coco(phantom_bank_dir: Path, recipe: Recipe) -> Callable[..., RenderReport]:
    """Renders in the default format to where it is told, with further options of `render_dataset`."""
    return partial(render_dataset, phantom_bank_dir, recipe=recipe, count=COUNT, seed=SEED)


@pytest.fixture(scope="session")
def coco_only(render_coco: Callable[..., RenderReport], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished rendering with the default format; not to be written to."""
    out = tmp_path_factory.mktemp("coco") / "scenes"
    render_coco(out)
    return out


@pytest.fixture(scope="session")
def rendered(
    render_everything: Callable[..., RenderReport], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished rendering by one process in every format; not to be written to."""
    out = tmp_path_factory.mktemp("rendered") / "scenes"
    render_everything(out)
    return out


@pytest.fixture(scope="session")
def bank(phantom_bank_dir: Path) -> PatchBank:
    return open_bank(phantom_bank_dir)


@pytest.fixture(scope="session")
def scenes(bank: PatchBank, recipe: Recipe) -> list[Scene]:
    """The scenes that `rendered` shows."""
    return [render(draw_plan(recipe, bank, SEED, index), bank) for index in range(COUNT)]
