"""The networks of the configs with fixed classes and anchors, so that no bank is needed to time them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("Bacteria", "RBC", "WBC")
ANCHORS = [(10, 10), (20, 20), (30, 30), (40, 40), (50, 50)]


def read_config(name: str) -> Config:
    """A config of ``mmdet_configs``, of three classes."""
    settings = Config.fromfile(str(ROOT / "mmdet_configs" / name))
    part: Any = settings.model.get("bbox_head", settings.model)
    part.update(bank=None, num_classes=len(CLASSES))
    if part.type in ("YOLOv2Head", "BankYOLOV3Head"):
        part.update(anchors_wh_px=ANCHORS)
    return settings


def write_model(name: str, folder: Path) -> tuple[Path, Path]:
    """An untrained network as config and checkpoint."""
    settings = read_config(name)
    settings.dump(str(folder / "config.py"))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        network = MODELS.build(settings.model)
    network.init_weights()
    meta = {"dataset_meta": {"classes": CLASSES}}
    torch.save({"state_dict": network.state_dict(), "meta": meta}, folder / "weights.pth")
    return folder / "config.py", folder / "weights.pth"
