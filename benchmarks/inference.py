"""Images per second of ONNX Runtime and of PyTorch on this CPU: ``python benchmarks/inference.py``.

The detector and the classifier of the CPU configs, untrained, on random images of their canvas; for the
detector the boxes included. The best of some repeats counts, so that other programs on the machine disturb
little. Below it stands what the exact maps of every class cost beside the backbone that they are made from.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from rich.console import Console
from rich.table import Table

from synthmed.detect import OnnxModel
from synthmed.nets.export_onnx import export_onnx
from synthmed.nets.inference import Predictor

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("Bacteria", "RBC", "WBC")
ANCHORS = [(10, 10), (20, 20), (30, 30), (40, 40), (50, 50)]
CASES = {
    "detector": ("yolov2/yolov2_darknet19_416_cpu.py", 416, {"anchors_wh_px": ANCHORS}),
    "classifier": ("cam/cam_darknet19_384_cpu.py", 384, {}),
}


def write_model(kind: str, folder: Path) -> tuple[Path, Path, Path]:
    """An untrained network as config, checkpoint and ONNX file."""
    name, _, given = CASES[kind]
    settings = Config.fromfile(str(ROOT / "mmdet_configs" / name))
    part: Any = settings.model.bbox_head if kind == "detector" else settings.model
    part.update(bank=None, num_classes=len(CLASSES), **given)
    settings.dump(str(folder / "config.py"))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        network = MODELS.build(settings.model)
    network.init_weights()
    meta = {"dataset_meta": {"classes": CLASSES}}
    torch.save({"state_dict": network.state_dict(), "meta": meta}, folder / "weights.pth")
    export_onnx(folder / "config.py", folder / "weights.pth", folder / "model.onnx")
    return folder / "config.py", folder / "weights.pth", folder / "model.onnx"


def milliseconds(look: Callable[[list[Any]], Any], images: list[Any], repeats: int) -> float:
    """Of one image, the best of some repeats."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        look(images)
        times.append(time.perf_counter() - started)
    return 1000 * min(times[1:]) / len(images)


def cost_of_maps(
    config: Path, checkpoint: Path, side_px: int, batch: int, repeats: int
) -> tuple[float, float]:
    """Milliseconds per image of the backbone, and of maps and logits of all classes from what it gives."""
    network = Predictor(config, checkpoint, device="cpu").model.network
    images = torch.rand(batch, 3, side_px, side_px)
    shapes = [(side_px, side_px)] * batch
    with torch.inference_mode():
        features = network.extract_feat(images)
        backbone = milliseconds(lambda _: network.extract_feat(images), [images] * batch, repeats)
        maps = milliseconds(
            lambda _: network.logits(network.classifier(features), shapes, images.shape[2:]),
            [images] * batch,
            repeats,
        )
    return backbone, maps


@click.command()
@click.option("--repeats", default=5, show_default=True, help="Repeats of each row; the best counts.")
@click.option("--threads", default=1, show_default=True, help="Threads of each.")
@click.option("--batch", default=8, show_default=True, help="Images per forward pass.")
def main(repeats: int, threads: int, batch: int) -> None:
    """Print one table of milliseconds per image."""
    logging.disable(logging.INFO)
    torch.set_num_threads(threads)
    table = Table(title=f"Inference, batch {batch}, {threads} thread(s)")
    for name in ("network", "run by", "ms per image", "images/s"):
        table.add_column(name, justify="left" if name in ("network", "run by") else "right")
    for kind, (_, side, _) in CASES.items():
        rng = np.random.default_rng(0)
        images = list(rng.integers(0, 256, (batch, side, side, 3), dtype=np.uint8))
        with tempfile.TemporaryDirectory() as folder:
            config, weights, exported = write_model(kind, Path(folder))
            if kind == "classifier":
                costs = cost_of_maps(config, weights, side, batch, repeats)
            models: dict[str, Any] = {
                "PyTorch, float32": Predictor(config, weights, device="cpu"),
                "PyTorch, bfloat16": Predictor(config, weights, device="cpu", bfloat16=True),
                "ONNX Runtime, float32": OnnxModel(exported, threads=threads),
            }
        for name, model in models.items():
            # An untrained detector says 0.01 of every place, and sorting that out is not what is measured.
            model.score_threshold = 0.3
            if isinstance(model, Predictor) and kind == "detector":
                model.model.network.bbox_head.test_cfg.score_thr = 0.3
            look = model.find if kind == "detector" else model.maps
            own = milliseconds(look, images, repeats)
            table.add_row(f"{kind}, {side} px", name, f"{own:.1f}", f"{1000 / own:.1f}")
    Console().print(table)
    Console().print(
        f"exact maps of {len(CLASSES)} classes: {costs[1]:.2f} ms beside {costs[0]:.1f} ms of the backbone, "
        f"{100 * costs[1] / costs[0]:.1f} %"
    )


if __name__ == "__main__":
    main()
