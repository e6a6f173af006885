"""`SeveralProcessesRunner`: ``--launcher pytorch`` also on a machine without a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import is_distributed
from mmengine.registry import RUNNERS
from mmengine.runner import Runner


@RUNNERS.register_module()
class SeveralProcessesRunner(Runner):
    """MMEngine's runner, whose processes also join each other where there is no GPU.

    MMEngine gives each process a GPU before it joins the others, and its model as well. Without a GPU both
    fail. Here the processes join over gloo, and the model stays on the CPU.
    """

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """Join the other processes, where there are some."""
        if self.distributed and not torch.cuda.is_available() and not is_distributed():
            torch.distributed.init_process_group("gloo")
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: Mapping[str, Any] | None, model: Any) -> Any:
        """Have the gradients of all processes averaged."""
        if self.distributed and not torch.cuda.is_available():
            # MMEngine asks the config itself only where it is given no settings.
            unused = {"find_unused_parameters": self.cfg.get("find_unused_parameters", False)}
            settings = unused if model_wrapper_cfg is None else model_wrapper_cfg
            model_wrapper_cfg = {"device_ids": None, "broadcast_buffers": False, **settings}
        return super().wrap_model(model_wrapper_cfg, model)
