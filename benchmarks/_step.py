"""One training step of a network with nothing around it, and what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

from synthmed.nets.precision import BFloat16OptimWrapper


class StepSeconds(NamedTuple):
    """Of one step: on the clock, and of the processor."""

    wall: float
    cpu: float


def take_step(model: Any, wrapper: Any, inputs: Any, samples: Any) -> None:
    """Forward, loss, backward and optimizer."""
    with wrapper.optim_context(model):
        loss, _ = model.parse_losses(model.loss(inputs, samples))
    wrapper.update_params(loss)


def network(settings: Any, *, bfloat16: bool | str = "auto", channels_last: bool = True) -> tuple[Any, Any]:
    """A network ready for training, with AdamW, computed as asked for; by default as the configs do."""
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(settings)).train()
    model.init_weights()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    return model, BFloat16OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-4), enabled=bfloat16)


def best_seconds(steps: Sequence[Callable[[], None]], rounds: int) -> list[StepSeconds]:
    """The best of some rounds for each step, in turn, so that other programs slow all of them."""
    taken: list[list[StepSeconds]] = [[] for _ in steps]
    for _ in range(rounds + 1):  # the first is slower
        for step, seconds in zip(steps, taken, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            seconds.append(StepSeconds(time.perf_counter() - wall, time.process_time() - cpu))
    return [StepSeconds(*map(min, zip(*seconds[1:], strict=True))) for seconds in taken]
