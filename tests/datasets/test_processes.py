from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from synthmed.bank import open_bank
from synthmed.datasets.chunks import CHUNK, Rendering
from synthmed.datasets.processes import render_chunks
from synthmed.errors import BankError, RecipeError
from synthmed.scenes import Recipe, make_recipe


def rendering_of(bank_dir: Path, out: Path, recipe: Recipe, count: int) -> Rendering:
    return Rendering(bank_dir, out, recipe, count, 0)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (CHUNK, [CHUNK]), (CHUNK + 1, [CHUNK, 1]), (3 * CHUNK, [CHUNK] * 3)]
)
def test_chunks_cover_every_scene_once(count: int, sizes: list[int]) -> None:
    rendering = Rendering(Path(), Path(), Recipe(), count, 0)
    chunks = [rendering.scenes(start) for start in rendering.starts]
    assert [len(chunk) for chunk in chunks] == sizes
    assert [index for chunk in chunks for index in chunk] == list(range(count))


def test_nothing_to_do(phantom_bank_dir: Path, tmp_path: Path, recipe: Recipe) -> None:
    rendering = rendering_of(phantom_bank_dir, tmp_path, recipe, 5)
    assert list(render_chunks(rendering, open_bank(phantom_bank_dir), [], 4)) == []


def test_only_what_is_asked_for_is_rendered(phantom_bank_dir: Path, tmp_path: Path, recipe: Recipe) -> None:
    rendering = rendering_of(phantom_bank_dir, tmp_path, recipe, 2 * CHUNK + 2)
    assert rendering.missing() == [0, CHUNK, 2 * CHUNK]
    assert list(render_chunks(rendering, open_bank(phantom_bank_dir), [2 * CHUNK], 1)) == [2 * CHUNK]
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["00000064.png", "00000065.png"]
    assert rendering.missing() == [0, CHUNK]


def test_a_mistake_in_a_worker_arrives_whole(phantom_bank_dir: Path, tmp_path: Path) -> None:
    impossible = make_recipe({"counts": {"kind": "fixed", "fixed": {"WBC": 3000}}})
    rendering = rendering_of(phantom_bank_dir, tmp_path, impossible, 2 * CHUNK)
    with pytest.raises(RecipeError, match=r"holds only .*of the 3000 .*Remedy: ask for fewer"):
        list(render_chunks(rendering, open_bank(phantom_bank_dir), rendering.missing(), 2))
    assert not list(tmp_path.glob("parts/*.json"))


def test_a_bank_that_vanishes_breaks_the_pool(phantom_bank_dir: Path, tmp_path: Path, recipe: Recipe) -> None:
    rendering = rendering_of(tmp_path / "no bank", tmp_path, recipe, 2 * CHUNK)
    with pytest.raises((BrokenProcessPool, BankError)):
        list(render_chunks(rendering, open_bank(phantom_bank_dir), rendering.missing(), 2))
