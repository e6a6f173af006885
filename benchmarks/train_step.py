"""How long one training step of the networks takes on this CPU: ``python benchmarks/train_step.py``.

A step is forward, loss with 40 objects per image, backward and AdamW, on a batch of 8 random images.
Detectors see 416 x 416 px, classifiers 384 x 384. ``--configs`` times the networks of the CPU configs
instead, each in float32 and bfloat16, with and without channels last. The best of some repeats counts, so
that other programs on the machine disturb little; CPU seconds stand beside it, which they disturb less.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import torch
from _step import best_seconds, network, take_step
from _untrained import ANCHORS, CLASSES, read_config
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from rich.console import Console
from rich.table import Table

import synthmed.nets  # noqa: F401 (registers)
from synthmed.nets.precision import bfloat16_pays

CONFIGS = {
    "yolov2/yolov2_darknet19_416_cpu.py": 416,
    "yolov3/yolov3_darknet19_416_cpu.py": 416,
    "yolox/yolox_nano_416_cpu.py": 416,
    "rtmdet/rtmdet_tiny_416_cpu.py": 416,
    "cam/cam_darknet19_384_cpu.py": 384,
}
BATCH, OBJECTS = 8, 40
CHANNELS = (32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Case:
    """One row: a network, the side of its input, and how it is computed."""

    name: str
    model: dict[str, Any]
    side_px: int
    bfloat16: bool = True
    channels_last: bool = True

    @property
    def kind(self) -> str:
        """How it is computed, in words."""
        return ("bfloat16" if self.bfloat16 else "float32") + (
            ", channels last" if self.channels_last else ""
        )


def detector(width: float, stride: int, feat_channels: int, stacked_convs: int) -> dict[str, Any]:
    """YOLOv2 on the maps of strides 16 and 32."""
    head = dict(
        type="YOLOv2Head",
        in_channels=[int(channels * width) for channels in CHANNELS[4:]],
        stride=stride,
        feat_channels=feat_channels,
        stacked_convs=stacked_convs,
        passthrough_channels=max(16, int(64 * width)),
        num_classes=len(CLASSES),
        anchors_wh_px=ANCHORS,
    )
    backbone = dict(type="Darknet19", width=width, out_indices=(4, 5))
    return dict(type="SingleStageDetector", backbone=backbone, bbox_head=head)


def classifier(width: float, stage: int, stride: int) -> dict[str, Any]:
    """The classifier on the map of one stage."""
    backbone = dict(type="Darknet19", width=width, out_indices=(stage,), out_stride=stride)
    return dict(type="CAMClassifier", backbone=backbone, num_classes=len(CLASSES))


def cases() -> list[Case]:
    """The rows of the table."""
    rows = []
    for width in (0.25, 0.375, 0.5):
        published = detector(width, 32, int(1024 * width), 2)
        rows += [Case(f"YOLOv2 x {width}, stride 32", published, 416, fast, fast) for fast in (False, True)]
        rows.append(Case(f"YOLOv2 x {width}, stride 16", detector(width, 16, int(1024 * width), 2), 416))
        rows.append(Case(f"YOLOv2 x {width}, stride 16, 128 channels", detector(width, 16, 128, 1), 416))
    for width in (0.25, 0.375, 0.5):
        for stage, stride in ((3, 8), (4, 16), (4, 8), (5, 16), (5, 8)):
            rows.append(
                Case(f"CAM x {width}, stage {stage}, stride {stride}", classifier(width, stage, stride), 384)
            )
    return rows


def config_cases() -> list[Case]:
    """The networks of the CPU configs, computed in every way."""
    rows = []
    for name, side_px in CONFIGS.items():
        model = read_config(name).model
        for bfloat16 in (False, True):
            rows += [Case(Path(name).stem, model, side_px, bfloat16, last) for last in (False, True)]
    return rows


def objects(side_px: int) -> DetDataSample:
    """An image with random objects of 30 px."""
    sample = DetDataSample(
        metainfo=dict.fromkeys(("img_shape", "ori_shape", "pad_shape"), (side_px, side_px))
    )
    centers = torch.rand(OBJECTS, 2) * side_px
    boxes = torch.cat([centers - 15, centers + 15], dim=1)
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.randint(0, len(CLASSES), (OBJECTS,)))
    return sample


def step_of(case: Case) -> tuple[Callable[[], None], float]:
    """One training step of a network, and its millions of parameters."""
    model, wrapper = network(case.model, bfloat16=case.bfloat16, channels_last=case.channels_last)
    images = torch.randn(BATCH, 3, case.side_px, case.side_px)
    samples = [objects(case.side_px) for _ in range(BATCH)]
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return partial(take_step, model, wrapper, images, samples), parameters


@click.command()
@click.option("--repeats", default=5, show_default=True, help="Repeats of each step; the best counts.")
@click.option("--threads", default=2, show_default=True, help="Threads of PyTorch.")
@click.option("--only", default="", help="Only rows whose name contains this.")
@click.option("--configs", is_flag=True, help="The networks of the CPU configs.")
def main(repeats: int, threads: int, only: str, configs: bool) -> None:
    """Print one table of seconds per training step."""
    torch.set_num_threads(threads)
    logging.disable(logging.INFO)
    table = Table(title=f"One training step, batch {BATCH}, {threads} threads")
    for name in ("network", "computed in", "M parameters", "s/step", "CPU s/step", "images/s"):
        table.add_column(name, justify="left" if name in ("network", "computed in") else "right")
    chosen = [case for case in (config_cases() if configs else cases()) if only in case.name]
    with DefaultScope.overwrite_default_scope("mmdet"):
        # The ways to compute one network are compared, so that they take turns; all at once need the memory.
        for _, group in groupby(chosen, key=lambda case: case.name):
            same = list(group)
            steps, parameters = zip(*map(step_of, same), strict=True)
            for case, millions, best in zip(same, parameters, best_seconds(steps, repeats), strict=True):
                figures = (
                    f"{millions:.2f}",
                    f"{best.wall:.2f}",
                    f"{best.cpu:.2f}",
                    f"{BATCH / best.wall:.1f}",
                )
                table.add_row(case.name, case.kind, *figures)
    console = Console()
    console.print(table)
    native = "computes in bfloat16" if bfloat16_pays("cpu") else "emulates bfloat16"
    console.print(f"best of {repeats}; {platform.machine()}, {native}; torch {torch.__version__}")


if __name__ == "__main__":
    main()
