"""Networks without training, as files that a command takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


def write_untrained(
    config: Path,
    folder: Path,
    environment: Mapping[str, str],
    options: Mapping[str, Any],
    dataset_meta: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Write a config with options, read in an environment, and a checkpoint of its network.

    Returns:
        The two files, as training leaves them.
    """
    import torch
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Config.fromfile(str(config))
    settings.merge_from_dict(dict(options))
    settings.dump(str(folder / "config.py"))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        network = MODELS.build(settings.model)
    network.init_weights()
    meta = {"dataset_meta": dict(dataset_meta), "iter": 7}
    checkpoint = {"state_dict": network.state_dict(), "meta": meta, "optimizer": {"state": {}}}
    torch.save(checkpoint, folder / "weights.pth")
    return folder / "config.py", folder / "weights.pth"
