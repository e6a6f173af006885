"""``synthmed detect`` and ``synthmed export``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from synthmed.errors import ModelError
from synthmed.terminal import console, print_problems, print_table, progress_bar

if TYPE_CHECKING:
    from synthmed.detect import Detector, Report
    from synthmed.nets.inference import Predictor

_INPUT = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
_SIDE = click.IntRange(32, 16384)


class _Scale(click.ParamType):
    """A positive number, ``auto`` or ``fit``."""

    name = "scale"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if value in ("auto", "fit"):
            return value
        try:
            scale = float(str(value))
        except ValueError:
            scale = 0.0
        if not 0 < scale < 100:
            self.fail(f"{value!r} is neither a positive number nor auto or fit", param, ctx)
        return scale


@click.command()
@click.argument("model", metavar="CONFIG CHECKPOINT | MODEL.onnx", nargs=1, type=_FILE)
@click.argument("inputs", metavar="IMAGES...", nargs=-1, required=True, type=_INPUT)
@click.option("--out", required=True, type=_PATH, help="New JSON file: COCO with scores.")
@click.option("--truth", type=_FILE, help="COCO file; OUT becomes a list of results with its numbers.")
@click.option("--csv", "centers", type=_PATH, help="New CSV file of centres.")
@click.option("--counts", type=_PATH, help="New CSV file of objects per image and class.")
@click.option("--pictures", type=_PATH, help="New folder of images with their boxes.")
@click.option(
    "--score", type=click.FloatRange(0, 1), help="Least score. Default: from train, else 0.3, for maps 0.5."
)
@click.option(
    "--thresholds", "thresholds_file", type=_FILE, help="Default: thresholds.json beside CHECKPOINT."
)
@click.option(
    "--scale",
    type=_Scale(),
    default="auto",
    show_default=True,
    help="Network pixels per image pixel; auto: as in training; fit: each image into the canvas.",
)
@click.option("--tile", "tile_px", type=_SIDE, help="Greatest side of a tile in network pixels.")
@click.option("--overlap", "overlap_px", type=_SIDE, help="Of tiles. Default: twice the largest class.")
@click.option("--batch", default=8, show_default=True, type=click.IntRange(min=1), help="Canvases at a time.")
@click.option("--one-class", is_flag=True, help="One class per object: of boxes on one place the best stays.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda:0; not for ONNX.")
def detect(
    model: Path,
    inputs: tuple[Path, ...],
    out: Path,
    truth: Path | None,
    centers: Path | None,
    counts: Path | None,
    pictures: Path | None,
    score: float | None,
    thresholds_file: Path | None,
    scale: float | Literal["auto", "fit"],
    tile_px: int | None,
    overlap_px: int | None,
    batch: int,
    one_class: bool,
    device: str,
) -> None:
    """Detect objects in images, slides and folders of them; exit code 1 where some could not be read.

    The network is a config of MMDetection and its checkpoint, or a file that `synthmed export` wrote. Large
    images are looked at in tiles at the scale of training. Of a classifier, each peak of a class activation
    map is an object, in a box of the size of its class. A killed run, started again, goes on.
    """
    from synthmed.detect import (
        LookOptions,
        Outputs,
        PeakDetector,
        detect_images,
        find_images,
        least_scores,
    )
    from synthmed.metrics.thresholds import read_thresholds

    checkpoint, inputs = _checkpoint(model, inputs)
    images = find_images(inputs)
    detector = _load(model, checkpoint, device)
    facts = detector.facts
    thresholds = read_thresholds(thresholds_file) if thresholds_file else facts.thresholds
    peaks = isinstance(detector, PeakDetector)
    scores, why = least_scores(facts.classes, thresholds, score, truth is not None, peaks=peaks)
    listed = ", ".join(f"{name} {value:.3g}" for name, value in zip(facts.classes, scores, strict=True))
    console.print(f"least scores {why}: {listed}")
    if scale == "auto" and facts.scale is None:
        console.print("the scale of training is not known: images are fitted into the canvas (--scale)")
    with progress_bar("Detecting") as progress:
        report = detect_images(
            detector,
            images,
            Outputs(out, centers, pictures, truth, counts),
            scores,
            LookOptions(scale, tile_px, overlap_px, batch),
            one_class=one_class,
            progress=progress,
        )
    _tell(report, facts.classes, out, in_two_classes=truth is None and not one_class)
    raise click.exceptions.Exit(1 if report.log.problems else 0)


@click.command()
@click.argument("config", type=_FILE)
@click.argument("checkpoint", type=_FILE)
@click.option("--out", required=True, type=_PATH, help="New .onnx file.")
def export(config: Path, checkpoint: Path, out: Path) -> None:
    """Write a network as ONNX, which `synthmed detect` runs without PyTorch.

    Detectors (YOLOv2, YOLOv3, YOLOX, RTMDet) and CAM classifiers, of the configs in mmdet_configs.
    """
    from synthmed.nets.export_onnx import export_onnx

    about = export_onnx(config, checkpoint, out)
    scale = "not known" if about["scale"] is None else f"{about['scale']:.4g}"
    console.print(f"wrote {out}: {about['kind']} of {', '.join(about['classes'])}; scale of training {scale}")


def _checkpoint(model: Path, inputs: tuple[Path, ...]) -> tuple[Path | None, tuple[Path, ...]]:
    """The checkpoint that stands before the images, unless the model is one file."""
    if model.suffix.lower() == ".onnx":
        return None, inputs
    if model.suffix.lower() != ".py" or len(inputs) < 2:
        raise ModelError(
            "name a config, its checkpoint and the images, or an ONNX model and the images",
            value=" ".join(map(str, (model, *inputs)))[:200],
            remedy="synthmed detect CONFIG.py CHECKPOINT.pth IMAGES... --out pred.json",
        )
    return inputs[0], inputs[1:]


def _load(path: Path, checkpoint: Path | None, device: str) -> Detector:
    from synthmed.detect import OnnxModel, PeakDetector

    model: Predictor | OnnxModel
    if checkpoint is None:
        model = OnnxModel(path)
    else:
        from synthmed.nets.inference import Predictor

        model = Predictor(path, checkpoint, device=device)
    return PeakDetector(model) if model.kind == "classifier" else model


def _tell(report: Report, classes: tuple[str, ...], out: Path, *, in_two_classes: bool) -> None:
    if report.left_out:
        console.print(f"{report.left_out} images are not in the truth and were left out")
    if report.earlier:
        console.print(f"{report.earlier} images had been done by an earlier run")
    counts = Counter(label for result in report.results for label in result.labels)
    images = Counter(label for result in report.results for label in set(result.labels))
    rows = [(name, counts[label], images[label]) for label, name in enumerate(classes)]
    tiled = f", {report.tiled} in tiles" if report.tiled else ""
    print_table(f"{len(report.results)} images{tiled}: {out}", ("class", "objects", "images with it"), rows)
    if in_two_classes and (twice := report.in_two_classes()):
        console.print(
            f"{twice} of these lie on an object of another class that scores higher, as if there were two; "
            "--one-class keeps the better"
        )
    print_problems(report.log)
