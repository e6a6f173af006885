"""Training in bfloat16, and with channels last, where that is faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from mmdet.registry import HOOKS, OPTIM_WRAPPERS
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper

from synthmed.errors import ModelError


def bfloat16_pays(device: Any) -> bool:
    """Whether a device computes in bfloat16 itself; elsewhere it is emulated, and slower than float32.

    Args:
        device: a ``torch.device`` or its name.
    """
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass in bfloat16 by autocast; weights, gradients and losses stay in float32.

    It works on the CPU too, where MMEngine's ``AmpOptimWrapper`` refuses to start. bfloat16 has the range of
    float32, so no loss scaling is needed.

    Args:
        optimizer: the optimizer.
        enabled: ``auto`` uses bfloat16 where the hardware computes in it (see `bfloat16_pays`).
        kwargs: those of ``OptimWrapper``, such as ``clip_grad``.

    Raises:
        ModelError: for any other value of ``enabled``.
    """

    def __init__(self, optimizer: Any, enabled: bool | Literal["auto"] = "auto", **kwargs: Any) -> None:
        if enabled not in (True, False, "auto"):
            raise ModelError(
                "BFloat16OptimWrapper has no such setting of enabled",
                value=enabled,
                remedy="True, False or 'auto'",
            )
        super().__init__(optimizer, **kwargs)
        self.enabled = enabled

    @contextmanager
    def optim_context(self, model: Any) -> Iterator[None]:
        """The context that the forward pass of training runs in."""
        device = next(model.parameters()).device
        enabled = bfloat16_pays(device) if self.enabled == "auto" else bool(self.enabled)
        with super().optim_context(model), torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            yield


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Stores convolution weights with channels last, in which both CPU and GPU convolve faster.

    PyTorch follows the layout of the weights, so the images need no conversion.
    """

    def before_run(self, runner: Any) -> None:
        """Convert the model once, before training, validation or testing."""
        runner.model.to(memory_format=torch.channels_last)
