"""A training whose loss or gradient is not a number ends, before a checkpoint is written of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook

from synthmed.errors import ModelError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends training at the first loss, or norm of the gradient, that is NaN or infinite.

    The step has spoilt the weights then, and every later one is lost. Checkpoints that were written before
    are left as they are, and ``--resume`` goes on from them.
    """

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Mapping[str, Any] | None = None
    ) -> None:
        """Look at what the iteration logged; `CheckpointHook`, which has a lower priority, comes later.

        Raises:
            ModelError: something is not finite.
        """
        logged = {**(outputs or {}), **_gradient_norm(runner)}
        wrong = [name for name, value in logged.items() if not _is_finite(value)]
        if wrong:
            raise ModelError(
                f"training ended at iteration {runner.iter + 1}, as {', '.join(wrong)} is no finite number; "
                f"the batch was {_named(data_batch)}",
                remedy="look at these images, or lower optim_wrapper.optimizer.lr; the checkpoints written "
                "before are whole, and --resume goes on from the last of them",
            )


def _gradient_norm(runner: Any) -> dict[str, float]:
    history = runner.message_hub.log_scalars.get("train/grad_norm")
    return {} if history is None else {"grad_norm": history.current()}


def _is_finite(value: Any) -> bool:
    return bool(torch.isfinite(value).all()) if isinstance(value, torch.Tensor) else bool(np.isfinite(value))


def _named(data_batch: Any) -> str:
    """The numbers of the scenes of a batch, or the files of its images."""
    samples = data_batch.get("data_samples", ()) if isinstance(data_batch, Mapping) else ()
    meta = [getattr(sample, "metainfo", {}) for sample in samples]
    names = [str(entry.get("img_path") or f"scene {entry.get('img_id', '?')}") for entry in meta]
    return ", ".join(names) or "not known"
