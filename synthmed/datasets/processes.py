"""Render chunks in processes of this machine."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process

from synthmed.bank.patchbank import PatchBank
from synthmed.bank.store import open_bank
from synthmed.datasets.chunks import Rendering, render_chunk


def render_chunks(
    rendering: Rendering, bank: PatchBank, starts: Sequence[int], workers: int
) -> Iterator[int]:
    """Render chunks and yield the start of each that is finished, in any order.

    Raises:
        RecipeError: a scene cannot hold what the recipe asks for.
        BrokenProcessPool: a worker was killed.
    """
    if workers <= 1 or len(starts) <= 1:
        for start in starts:
            render_chunk(rendering, bank, start)
            yield start
        return
    # Spawned, not forked: the caller may be an App server full of threads.
    with ProcessPoolExecutor(
        min(workers, len(starts)),
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(rendering,),
    ) as pool:
        ahead = iter(starts)
        # A few in advance keep every worker busy; all at once would take memory for each of 100,000 scenes.
        pending = {pool.submit(_work, start) for start in itertools.islice(ahead, 2 * workers)}
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                pending |= {pool.submit(_work, start) for start in itertools.islice(ahead, len(finished))}
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Rendering, PatchBank] | None = None


def _start_worker(rendering: Rendering) -> None:
    """Open the bank once per process; its pages are shared by all."""
    global _worker
    # Ctrl-C reaches every process of the terminal; the parent answers it for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = (rendering, open_bank(rendering.bank_dir))


def _end_with_parent() -> None:
    # A worker of a killed parent would wait for work forever, and write where the next run writes.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(start: int) -> int:
    if _worker is None:
        raise RuntimeError("the worker was not started by _start_worker")
    render_chunk(*_worker, start)
    return start
