"""What the training loop costs beside the step itself: ``python benchmarks/train_loop.py``.

Each iteration of a real training (loading, composing, collating, hooks, logging, checkpoints) is followed by
a bare step of the same network on the same batch: normalisation, forward, loss, backward, optimizer. Both are
timed in pairs, so that what else runs on the machine slows both. CPU seconds are those of the process and of
its loaders, which on a machine with a free core take no time of the training.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from _machine import processor
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ("yolov2/yolov2_darknet19_416_cpu.py", "cam/cam_darknet19_384_cpu.py")
WARM_UP = 5


class Seconds(NamedTuple):
    """Since some moment: on the clock, of this process, and of the processes that it started."""

    wall: float
    own: float
    loaders: float

    @classmethod
    def now(cls) -> Seconds:
        """At this moment."""
        return cls(time.perf_counter(), time.process_time(), sum(_cpu_seconds(pid) for pid in _children()))

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
        model, wrapper = runner.model, runner.optim_wrapper
        ended = Seconds.now()
        data = model.data_preprocessor(data_batch, True)
        with wrapper.optim_context(model):
            loss, _ = model.parse_losses(model(**data, mode="loss"))
        wrapper.update_params(loss)
        self.loop.append(ended.since(self.last))
        self.last = Seconds.now()
        self.bare.append(self.last.since(ended))


def measure(config: str, iterations: int) -> tuple[list[Seconds], list[Seconds]]:
    """Of each iteration what the loop took, and what the bare step did."""
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
    return hook.loop[WARM_UP:], hook.bare[WARM_UP:]


@click.command()
@click.option("--iterations", default=60, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Threads of PyTorch.")
@click.option("--config", "configs", multiple=True, default=CONFIGS, show_default=True)
def main(iterations: int, threads: int, configs: tuple[str, ...]) -> None:
    """Print one table of seconds per iteration."""
    torch.set_num_threads(threads)
    table = Table(title=f"One iteration, means of {iterations}, {threads} thread(s)")
    for name in ("config", "counted", "bare step s", "loop s", "more"):
        table.add_column(name, justify="left" if name in ("config", "counted") else "right")
    for config in configs:
        loop, bare = (np.array(part) for part in measure(config, iterations))
        kinds = {
            "clock": (bare[:, 0], loop[:, 0]),
            "CPU of the process": (bare[:, 1], loop[:, 1]),
            # What the loaders did during the bare step is for the loop as well.
            "CPU with the loaders": (bare[:, 1], loop[:, 1] + loop[:, 2] + bare[:, 2]),
        }
        for kind, (of_bare, of_loop) in kinds.items():
            step, whole = of_bare.mean(), of_loop.mean()
            table.add_row(
                Path(config).stem, kind, f"{step:.3f}", f"{whole:.3f}", f"{100 * (whole / step - 1):+.1f} %"
            )
    console = Console()
    console.print(table)
    console.print(f"{processor()}; torch {torch.__version__}")


def _children() -> Iterator[int]:
    """The processes that this one started and that run."""
    for path in Path("/proc/self/task").glob("*/children"):
        yield from map(int, path.read_text().split())


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main()
