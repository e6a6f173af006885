"""From a config and a checkpoint to a model that is ready to predict, without the bank it was trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn

from synthmed.detect.model import ModelFacts
from synthmed.errors import ModelError
from synthmed.nets.checkpoints import load_checkpoint
from synthmed.nets.model_facts import model_facts


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready to predict.

    Attributes:
        network: in evaluation mode, on its device.
        pipeline: from a dictionary with ``img_path`` to what `network` takes.
        last_steps: the steps of `pipeline` after reading and resizing.
        facts: what checkpoint and config say about themselves.
        device: where the network is.
    """

    network: nn.Module
    pipeline: Compose
    last_steps: Compose
    facts: ModelFacts
    device: torch.device

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the labels."""
        return self.facts.classes


def load_model(
    config: str | Path, checkpoint: str | Path, *, device: str = "auto", score_threshold: float | None = None
) -> LoadedModel:
    """Build the network of a config and give it the weights of a checkpoint.

    Classes and anchors are taken from the checkpoint, so that the bank named in the config need not exist.

    Args:
        config: a config of MMDetection. Where options were changed on the command line, the config that
            training wrote into its work folder has them.
        checkpoint: the ``.pth`` file.
        device: ``"auto"`` for a GPU where there is one, or what PyTorch calls a device.
        score_threshold: detections that score less are left out; ``None`` for the threshold of the config.

    Raises:
        ModelError: where config, checkpoint or device cannot be used, or do not fit together.
    """
    loaded = load_checkpoint(checkpoint)
    classes = checkpoint_classes(loaded, checkpoint)
    weights = loaded["state_dict"]
    with quiet_config():
        settings = _read_config(config)
        model = _without_bank(settings.model.to_dict(), weights, len(classes), "", checkpoint)
        if score_threshold is not None and "bbox_head" in model:
            # MMDetection keeps what scores more than this; in evaluations what scores as much counts.
            below = float(np.nextafter(np.float32(score_threshold), np.float32(-1)))
            model["test_cfg"] = {**(model.get("test_cfg") or {}), "score_thr": below}
        with DefaultScope.overwrite_default_scope(settings.get("default_scope", "mmdet")):
            network = _build(model, config)
            steps = image_steps(settings, config)
            pipeline = Compose([TRANSFORMS.build(step) for step in steps])
            last_steps = Compose([TRANSFORMS.build(step) for step in steps if not _reads_or_resizes(step)])
    _give_weights(network, weights, checkpoint)
    place = _device(device)
    if place.type == "cpu":
        network = revert_sync_batchnorm(network)
    facts = model_facts(settings, steps, loaded, classes, checkpoint)
    return LoadedModel(network.to(place).eval(), pipeline, last_steps, facts, place)


def model_classes(checkpoint: str | Path) -> tuple[str, ...]:
    """The classes that a checkpoint was trained on, in the order of its labels.

    Raises:
        ModelError: where the checkpoint cannot be read or does not name them.
    """
    return checkpoint_classes(load_checkpoint(checkpoint), checkpoint)


def checkpoint_classes(loaded: Mapping[str, Any], file: str | Path) -> tuple[str, ...]:
    """The classes that a loaded checkpoint names.

    Raises:
        ModelError: where it names none.
    """
    meta = loaded.get("meta")
    dataset = meta.get("dataset_meta") if isinstance(meta, Mapping) else None
    classes = dataset.get("classes") if isinstance(dataset, Mapping) else None
    if not classes:
        raise ModelError(
            "the checkpoint does not name its classes",
            file=file,
            remedy="use a checkpoint that `mim train` wrote",
        )
    return tuple(str(name) for name in classes)


def _read_config(path: str | Path) -> Config:
    if not Path(path).is_file():
        raise ModelError("there is no such config", file=path, remedy="name a file of mmdet_configs")
    try:
        settings = Config.fromfile(str(path), import_custom_modules=True)
    except Exception as error:  # a config is a program: it may fail in any way
        raise ModelError(
            f"the config cannot be read: {type(error).__name__}: {error}",
            file=path,
            remedy="mend it, or use the config that training wrote into its work folder",
        ) from error
    if not isinstance(settings.get("model"), Mapping):
        raise ModelError("the config has no model", file=path, remedy="name a config of a network")
    return settings


def _without_bank(
    config: Any, weights: Mapping[str, Any], num_classes: int, path: str, file: str | Path
) -> Any:
    """The config of a model with what it would read from a bank written out."""
    if isinstance(config, list | tuple):
        items = enumerate(config)
        return type(config)(
            _without_bank(item, weights, num_classes, f"{path}{i}.", file) for i, item in items
        )
    if not isinstance(config, Mapping):
        return config
    plain = {
        key: _without_bank(item, weights, num_classes, f"{path}{key}.", file) for key, item in config.items()
    }
    if "bank" not in plain:
        return plain
    if not any(name.startswith(path) for name in weights):
        raise _misfit(file, f"it has no weights for {path.rstrip('.')}")
    anchors = weights.get(f"{path}anchors_wh_px")
    known = {} if anchors is None else {"anchors_wh_px": anchors.tolist()}
    return plain | {"bank": None, "num_classes": num_classes} | known


def _build(model: dict[str, Any], file: str | Path) -> nn.Module:
    try:
        # MMDetection's heads read their settings as attributes.
        network: nn.Module = MODELS.build(ConfigDict(model))
    except ModelError:
        raise
    except Exception as error:  # whatever the constructors of a foreign model raise
        raise ModelError(
            f"the model cannot be built: {type(error).__name__}: {error}",
            file=file,
            remedy="check the config, and that its custom_imports are installed",
        ) from error
    return network


def image_steps(settings: Config, file: str | Path) -> list[dict[str, Any]]:
    """The test pipeline of a config without the steps that load annotations.

    Args:
        settings: the config.
        file: where it is from, for the message.

    Raises:
        ModelError: it has none.
    """
    dataset: Any = (settings.get("test_dataloader") or {}).get("dataset") or {}
    while "dataset" in dataset:
        dataset = dataset["dataset"]
    steps = dataset.get("pipeline") or settings.get("test_pipeline")
    if not steps:
        raise ModelError("the config has no test pipeline", file=file, remedy="give it a test_dataloader")
    return [step for step in steps if "Annotations" not in str(step["type"])]


def _reads_or_resizes(step: Mapping[str, Any]) -> bool:
    name = str(step["type"])
    return "Resize" in name or name.startswith(("Read", "Load"))


def _give_weights(network: nn.Module, weights: Mapping[str, Any], checkpoint: str | Path) -> None:
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise _misfit(checkpoint, " ".join(str(error).split())[:200]) from error


def _misfit(checkpoint: str | Path, why: str) -> ModelError:
    return ModelError(
        f"the checkpoint does not fit the config: {why}",
        file=checkpoint,
        remedy="use the config that training wrote into its work folder, next to the checkpoint",
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(
            "PyTorch has no such device here", value=name, remedy="use cpu, cuda or auto"
        ) from error
    return device


@contextmanager
def quiet_config() -> Iterator[None]:
    """Keep MMEngine's notes on configs off the terminal, since this is not a training run."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
