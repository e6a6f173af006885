"""Render chunks on a Ray cluster: the machine's own, or the one that ``RAY_ADDRESS`` names.

The bank travels through Ray's object store, so that each node holds it once, in memory that its workers
share. What is rendered has to be written where every node can write: a shared folder, or a URL.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from synthmed.bank.patchbank import PatchBank
from synthmed.datasets.chunks import Rendering, render_chunk
from synthmed.errors import DatasetError


def render_chunks_on_ray(
    rendering: Rendering, bank: PatchBank, starts: Sequence[int], workers: int
) -> Iterator[int]:
    """Render chunks and yield the start of each that is finished, in any order.

    A chunk whose worker or node died is rendered again elsewhere; one processor is asked for per chunk.

    Args:
        rendering: what is rendered.
        bank: its bank.
        starts: the chunks.
        workers: chunks that are rendered at the same time, as far as the cluster has processors.

    Raises:
        RecipeError: a scene cannot hold what the recipe asks for.
        DatasetError: Ray is not installed.
    """
    if not starts:
        return
    ray = _import_ray()
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        yield from _render(ray, rendering, bank, starts, workers)
    except ray.exceptions.RayTaskError as error:
        # What the task raised is the user's business, its way through Ray is not.
        raise error.cause from error
    finally:
        if started_here:
            ray.shutdown()


def _render(
    ray: Any, rendering: Rendering, bank: PatchBank, starts: Sequence[int], workers: int
) -> Iterator[int]:
    # Any death of a worker is survived; what the task itself raises is not tried again.
    work = ray.remote(num_cpus=1, max_retries=-1)(_work)
    shared = ray.put(bank)
    ahead = iter(starts)
    pending = [work.remote(rendering, shared, start) for start in itertools.islice(ahead, workers)]
    try:
        while pending:
            finished, pending = ray.wait(pending, num_returns=1)
            pending += [
                work.remote(rendering, shared, start) for start in itertools.islice(ahead, len(finished))
            ]
            yield from ray.get(finished)
    finally:
        for task in pending:
            ray.cancel(task, force=True)


def _work(rendering: Rendering, bank: PatchBank, start: int) -> int:
    render_chunk(rendering, bank, start)
    return start


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise DatasetError(
            "the engine `ray` needs Ray", remedy='pip install "synthmed[ray]", or pass --engine local'
        ) from error
    return ray
