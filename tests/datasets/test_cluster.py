from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmed.datasets import RenderReport, render_dataset
from synthmed.errors import DatasetError, RecipeError
from synthmed.scenes import make_recipe

Content = Callable[[Path], dict[str, bytes]]
Render = Callable[..., RenderReport]

# Ray leaves pipes and sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes on this machine, and a driver that is connected to them."""
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.ray
def test_the_engine_does_not_change_the_bytes(
    render_everything: Render, cluster: Any, rendered: Path, content: Content, tmp_path: Path
) -> None:
    out = tmp_path / "scenes"
    render_everything(out, engine="ray", workers=2)
    assert content(out) == content(rendered)


@pytest.mark.ray
def test_a_killed_worker_loses_nothing(
    render_everything: Render,
    cluster: Any,
    rendered: Path,
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each chunk's worker kills itself at the first try, in the middle of its files."""
    out, killed = tmp_path / "scenes", tmp_path / "killed"
    killed.mkdir()
    monkeypatch.setattr("synthmed.datasets.cluster._work", dying_once(str(killed)))
    render_everything(out, engine="ray", workers=2)
    assert sorted(path.name for path in killed.iterdir()) == ["0", "32", "64"]
    assert content(out) == content(rendered)


def dying_once(notes: str) -> Callable[..., int]:
    """The work of a chunk, in which the process dies while it writes its 20th file, once per chunk."""

    def work(rendering: Any, bank: Any, start: int) -> int:
        from synthmed.datasets.chunks import render_chunk

        store, note = rendering.store, Path(notes, str(start))
        write, calls = store.write, [0]

        def write_or_die(path: str, pieces: Any) -> None:
            calls[0] += 1
            if calls[0] == 20 and not note.exists():
                note.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            write(path, pieces)

        store.write = write_or_die
        render_chunk(rendering, bank, start)
        return start

    return work


@pytest.mark.ray
def test_a_mistake_in_a_worker_arrives_whole(cluster: Any, phantom_bank_dir: Path, tmp_path: Path) -> None:
    impossible = make_recipe({"counts": {"kind": "fixed", "fixed": {"WBC": 3000}}})
    with pytest.raises(RecipeError, match=r"holds only .*of the 3000 .*Remedy: ask for fewer"):
        render_dataset(phantom_bank_dir, tmp_path / "out", count=2, recipe=impossible, engine="ray")


def test_without_ray(phantom_bank_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(DatasetError, match=r"needs Ray.*synthmed\[ray\].*--engine local"):
        render_dataset(phantom_bank_dir, tmp_path / "out", count=1, engine="ray")
