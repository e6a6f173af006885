"""A checkpoint whose batch-norm statistics are those of other images, and all else as it was."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from synthmed._files import file_digest, require_free, write_atomic
from synthmed.errors import ModelError
from synthmed.nets.adapt_batch_norm import Adaptation, Progress, adapt_to_images
from synthmed.nets.checkpoints import load_checkpoint
from synthmed.nets.load_model import load_model


def adapt_checkpoint(
    config: str | Path,
    checkpoint: str | Path,
    images: Sequence[Path],
    out: str | Path,
    *,
    batch_size: int = 8,
    device: str = "auto",
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt the batch norm of a checkpoint to unlabelled images, and write it as a new one.

    Images are shown as the test pipeline of the config shows them. Beside the checkpoint, ``OUT.json`` tells
    how far each layer has moved.

    Args:
        config: config of MMDetection, of any network with batch norm.
        checkpoint: the ``.pth`` file; read with the safe loader, and not changed.
        images: files.
        out: the new ``.pth`` file. Everything but the statistics is that of ``checkpoint``.
        batch_size: images per forward pass.
        device: ``"auto"`` for a GPU where there is one, or what PyTorch calls a device.
        progress: called after each pass through all images.

    Raises:
        ModelError: config, checkpoint or device cannot be used, something is where it would be written, or
            the network cannot be adapted (see `adapt_batch_norm`).
        PointsError: an image cannot be read.
    """
    out = Path(out)
    if out.suffix != ".pth":
        raise ModelError("a checkpoint ends in .pth", value=str(out), remedy="name it ADAPTED.pth")
    for place in (out, out.with_suffix(".json")):
        require_free(place, ModelError, "something is there already")
    model = load_model(config, checkpoint, device=device)
    done = adapt_to_images(model.network, model.pipeline, images, batch_size=batch_size, progress=progress)
    loaded = load_checkpoint(checkpoint)
    loaded["state_dict"] = _with_statistics(loaded["state_dict"], model.network.state_dict())
    about = {"checkpoint": Path(checkpoint).name, "sha256": file_digest(Path(checkpoint))}
    buffer = io.BytesIO()
    torch.save(loaded, buffer)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_adaptation(done, len(images), out.with_suffix(".json"), about)
    write_atomic(out, buffer.getvalue())
    return done


def write_adaptation(done: Adaptation, images: int, path: Path, about: Mapping[str, Any]) -> None:
    """Write how far each layer has moved, as JSON.

    Args:
        done: what was done.
        images: how many images it was done with.
        path: the JSON file.
        about: more entries.
    """
    layers = [layer.to_json() for layer in done.layers]
    record = {**about, "images": images, "passes": done.passes, "layers": layers}
    write_atomic(path, json.dumps(record, indent=1).encode())


def _with_statistics(weights: Mapping[str, Any], adapted: Mapping[str, Any]) -> dict[str, Any]:
    """Weights in their order, with the running statistics of another state of the same network."""
    ends = (".running_mean", ".running_var")
    return {
        key: adapted[key].cpu().to(value.dtype) if key.endswith(ends) else value
        for key, value in weights.items()
    }
