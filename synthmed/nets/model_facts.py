"""What a checkpoint and its config say about themselves: classes, the scale of training, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from synthmed._files import file_digest
from synthmed.bank import open_bank
from synthmed.detect.model import ModelFacts
from synthmed.errors import SynthmedError
from synthmed.metrics.thresholds import read_thresholds
from synthmed.nets.scene_dataset import load_recipe
from synthmed.scenes import scene_scale

THRESHOLDS_FILE = "thresholds.json"
"""Beside a checkpoint: what was chosen for it on train."""


def model_facts(
    settings: Config,
    steps: Sequence[Mapping[str, Any]],
    loaded: Mapping[str, Any],
    classes: tuple[str, ...],
    checkpoint: str | Path,
) -> ModelFacts:
    """Everything that one needs to know to use a network on other images.

    The scale stands in checkpoints that were trained on scenes. Where it does not, it follows from the bank
    that the config names, if that is still there.

    Args:
        settings: the config.
        steps: its test pipeline.
        loaded: the checkpoint.
        classes: those of the checkpoint.
        checkpoint: its file.

    Raises:
        ModelError: thresholds stand beside the checkpoint that cannot be read.
    """
    meta = loaded["meta"]["dataset_meta"]
    scale = meta.get("scene_scale") or _scale_of_scenes(settings)
    sizes = meta.get("class_sizes_px") if scale else None
    beside = Path(checkpoint).with_name(THRESHOLDS_FILE)
    return ModelFacts(
        classes=classes,
        canvas_px=_canvas_px(steps),
        scale=None if scale is None else float(scale),
        class_sizes_px=None if sizes is None else tuple(float(size) for size in sizes),
        thresholds=read_thresholds(beside if beside.is_file() else None),
        digest=file_digest(Path(checkpoint)),
    )


def _scale_of_scenes(settings: Config) -> float | None:
    """The scale of the training scenes, from the bank of the config; ``None`` where there is no such bank."""
    dataset = (settings.get("train_dataloader") or {}).get("dataset") or {}
    if dataset.get("type") != "SceneDataset" or not Path(str(dataset.get("bank"))).is_dir():
        return None
    try:
        return scene_scale(
            load_recipe(dataset.get("recipe"), dataset.get("size_px")), open_bank(dataset["bank"])
        )
    except SynthmedError:
        return None  # the bank of a model is no matter of those who only use it


def _canvas_px(steps: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    for step in steps:
        scale = step.get("scale")
        if "Resize" in str(step["type"]) and step.get("keep_ratio") and isinstance(scale, Sequence):
            return int(scale[1]), int(scale[0])
    return None
