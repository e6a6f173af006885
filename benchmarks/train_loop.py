"""What the training loop costs beside the step itself: ``python benchmarks/train_loop.py``.

Each iteration of a real training (loading, composing, collating, hooks, logging) is followed by a bare step
of the same network on the same batch: normalisation, forward, loss, backward, optimizer. Both are timed in
pairs, so that what else runs on the machine slows both, and the median of the differences counts. The CPU
seconds of the process that trains and of its loaders are told apart: a loader has another core where one is
free. The bank is that of ``SYNTHMED_BANK``, as for the configs.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from _machine import processor
from _step import take_step
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ("yolov3/yolov3_darknet19_416_cpu.py", "cam/cam_darknet19_384_cpu.py")
WARM_UP = 5
RESAMPLED = 1000


class Seconds(NamedTuple):
    """Since some moment: on the clock, of this process, and of the processes that it started."""

    wall: float
    own: float
    loaders: float

    @classmethod
    def now(cls) -> Seconds:
        """At this moment."""
        return cls(time.perf_counter(), time.process_time(), sum(map(_cpu_seconds, _children())))

    def since(self, before: Seconds) -> Seconds:
        """What has passed."""
        return Seconds(*(now - then for now, then in zip(self, before, strict=True)))


class BareStepHook(Hook):
    """Follows every iteration by a bare step; the last hook of all, so that the others count to the loop."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.loop: list[Seconds] = []
        self.bare: list[Seconds] = []

    def before_train(self, runner: Any) -> None:
        """Begin to count."""
        self.last = Seconds.now()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """The step again, with nothing around it."""
        ended = Seconds.now()
        data = runner.model.data_preprocessor(data_batch, True)
        take_step(runner.model, runner.optim_wrapper, data["inputs"], data["data_samples"])
        self.loop.append(ended.since(self.last))
        self.last = Seconds.now()
        self.bare.append(self.last.since(ended))


def measure(config: str, iterations: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each iteration what the loop took and what the bare step did, ``(iterations, 3)`` as `Seconds`."""
    settings = Config.fromfile(str(ROOT / "mmdet_configs" / config))
    settings.merge_from_dict(
        {"train_cfg.max_iters": WARM_UP + iterations, "default_hooks.checkpoint.interval": 200}
    )
    settings.update(val_cfg=None, val_dataloader=None, val_evaluator=None)
    settings.update(test_cfg=None, test_dataloader=None, test_evaluator=None)
    hook = BareStepHook()
    with tempfile.TemporaryDirectory() as folder, DefaultScope.overwrite_default_scope("mmdet"):
        settings.work_dir, settings.visualizer.name = folder, Path(config).stem
        runner = Runner.from_cfg(settings)
        runner.register_hook(hook)
        runner.train()
    return np.array(hook.loop[WARM_UP:]), np.array(hook.bare[WARM_UP:])


def shares(loop: NDArray[np.float64], bare: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """Seconds of the bare step, and as shares of it what is taken beside it, with a 95 % interval.

    Of the differences within pairs the median counts. A loader works ahead, also during the bare step, and
    in bursts, so that the mean of all iterations counts.
    """
    chosen = np.random.default_rng(0).integers(0, len(loop), (RESAMPLED, len(loop)))
    told = {}
    for column, name in enumerate(("clock", "CPU of the process")):
        more = loop[:, column] - bare[:, column]
        step = np.median(bare[:, column])
        low, high = np.quantile(np.median(more[chosen], axis=1), (0.025, 0.975))
        told[name] = (step, *(float(value / step) for value in (np.median(more), low, high)))
    each = loop[:, 2] + bare[:, 2]
    step = np.median(bare[:, 1])
    low, high = np.quantile(each[chosen].mean(axis=1), (0.025, 0.975))
    told["CPU of the loader"] = (step, *(float(value / step) for value in (each.mean(), low, high)))
    return told


@click.command()
@click.option("--iterations", default=100, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Threads of PyTorch.")
@click.option("--config", "configs", multiple=True, default=CONFIGS, show_default=True)
def main(iterations: int, threads: int, configs: tuple[str, ...]) -> None:
    """Print one table."""
    torch.set_num_threads(threads)
    title = f"What an iteration takes more than its bare step; {iterations} pairs, {threads} thread(s)"
    table = Table(title=title)
    for name in ("config", "counted", "bare step s", "more", "95 % of resampled pairs"):
        table.add_column(name, justify="left" if name in ("config", "counted") else "right")
    for config in configs:
        for counted, (step, more, low, high) in shares(*measure(config, iterations)).items():
            spread = f"{100 * low:+.1f} to {100 * high:+.1f} %"
            table.add_row(Path(config).stem, counted, f"{step:.3f}", f"{100 * more:+.1f} %", spread)
    console = Console()
    console.print(table)
    console.print(f"{processor()}; torch {torch.__version__}")


def _children() -> Iterator[int]:
    """The processes that this one started and that run."""
    for path in Path("/proc/self/task").glob("*/children"):
        yield from map(int, path.read_text().split())


def _cpu_seconds(pid: int) -> float:
    """Of all threads of a process; `/proc/PID/stat` would tell hundredths alone."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread may have ended
            total += int(path.read_text().split()[0])
    return total / 1e9


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main()
