"""A trained network as one ONNX file, which `synthmed detect` runs without PyTorch."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from synthmed import __version__
from synthmed._files import require_free, write_atomic
from synthmed.detect.onnx_model import FORMAT, METADATA
from synthmed.errors import ModelError
from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.every_slot import EverySlot, ExportableHead
from synthmed.nets.inference import Predictor
from synthmed.nets.onnx_networks import ClassifierNetwork, DetectorNetwork

OPSET = 17


def export_onnx(config: str | Path, checkpoint: str | Path, out: str | Path) -> dict[str, Any]:
    """Write a detector of synthmed's configs or a CAM classifier as ONNX.

    A detector becomes a graph from ``images`` (``(B, 3, H, W)`` uint8 RGB) to ``boxes`` (``(B, slots, 4)``,
    ``x0, y0, x1, y1`` in pixels of the input), ``scores`` (``(B, slots, C)``) and, for YOLOv3, by which
    candidates are found, ``objectness`` (``(B, slots)``); overlapping boxes are sorted out afterwards, in
    numpy. A classifier becomes a graph from ``images`` and ``shapes`` (``(B, 2)``
    float32, height and width without padding) to ``maps`` (``(B, C, rows, columns)``) and ``scores``
    (``(B, C)``). Batch, height and width are free. Everything else stands in the entry ``synthmed`` of
    ``metadata_props``, as JSON.

    Args:
        config: config of MMDetection.
        checkpoint: the ``.pth`` file.
        out: the new file.

    Returns:
        What was written into the metadata.

    Raises:
        ModelError: config or checkpoint cannot be used, the model is of another kind, something is at
            ``out``, or the package ``onnx`` is not installed.
    """
    out = Path(out)
    require_free(out, ModelError, "something is there already")
    try:
        import onnx
    except ImportError as error:
        raise ModelError("exporting needs the package onnx", remedy='pip install "synthmed[onnx]"') from error
    predictor = Predictor(config, checkpoint, device="cpu")
    model: Any = predictor.model.network
    head = getattr(model, "bbox_head", None)
    if isinstance(model, CAMClassifier):
        network: ClassifierNetwork | DetectorNetwork = ClassifierNetwork(model)
        inputs: tuple[str, ...] = ("images", "shapes")
        outputs: tuple[str, ...] = ("maps", "scores")
        own = {"kind": "classifier", "strides": [model.backbone.strides[-1]], "selection": {}}
    elif isinstance(head, ExportableHead):
        network = DetectorNetwork(model)
        inputs, outputs = ("images",), EverySlot._fields
        own = _about_detector(head)
    else:
        raise ModelError(
            "only the detectors and CAM classifiers of synthmed's configs can be exported",
            file=config,
            value=type(model if head is None else head).__name__,
            remedy="use a config of mmdet_configs, or MMDeploy for others",
        )
    about = {**own, **_about(predictor, network)}
    graph = onnx.load_from_string(_graph(network.eval(), inputs, outputs))
    onnx.helper.set_model_props(graph, {METADATA: json.dumps(about, ensure_ascii=False)})
    onnx.checker.check_model(graph)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, graph.SerializeToString())
    return about


def _about(predictor: Predictor, network: ClassifierNetwork | DetectorNetwork) -> dict[str, Any]:
    facts = predictor.facts
    return {
        "synthmed": __version__,
        "format": FORMAT,
        "classes": list(facts.classes),
        "canvas_px": facts.canvas_px,
        "scale": facts.scale,
        "class_sizes_px": facts.class_sizes_px,
        "thresholds": facts.thresholds,
        "size_divisor": 32,
        "mean": network.mean.flatten().tolist(),
        "std": network.std.flatten().tolist(),
        "channels": "RGB, normalised in the graph",
        "checkpoint_sha256": facts.digest,
    }


def _about_detector(head: ExportableHead) -> dict[str, Any]:
    selection = asdict(head.selection())
    del selection["min_score"]  # for whoever runs it to choose
    anchors: Tensor | None = getattr(head, "anchors_wh_px", None)
    return {
        "kind": "detector",
        "strides": list(head.level_strides),
        "anchors_wh_px": None if anchors is None else anchors.tolist(),
        "selection": selection,
    }


def _graph(network: nn.Module, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bytes:
    images = torch.zeros((2, 3, 64, 96), dtype=torch.uint8)
    arguments = (images, torch.tensor([[64.0, 96.0]] * 2))[: len(inputs)]
    axes = {
        "images": {0: "batch", 2: "height", 3: "width"},
        "shapes": {0: "batch"},
        "boxes": {0: "batch", 1: "slots"},
        "maps": {0: "batch", 2: "rows", 3: "columns"},
        "scores": {0: "batch", 1: "slots"} if "boxes" in outputs else {0: "batch"},
        "objectness": {0: "batch", 1: "slots"},
    }
    graph = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        outputs = outputs[: len(network(*arguments))]
        # PyTorch's newer exporter needs onnxscript, and was not done after minutes; this one takes seconds.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            arguments,
            graph,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: axes[name] for name in (*inputs, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
    return graph.getvalue()
