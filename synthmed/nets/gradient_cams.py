"""Grad-CAM, Grad-CAM++ and LayerCAM of any network of the zoo, by the library `grad-cam`.

They are estimates that are made after the fact, for networks without an exact map and to compare that with.
The library's hooks and weightings are used; its scaling of each map to 0..1 is not, since all maps of a
dataset have to stand on one scale, and maps are laid over images as every other map here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from synthmed.errors import ModelError
from synthmed.nets.cam_classifier import CAMClassifier
from synthmed.nets.cam_pooling import valid_cells
from synthmed.nets.yolov2_head import YOLOv2Head

METHODS = {"gradcam": "GradCAM", "gradcam++": "GradCAMPlusPlus", "layercam": "LayerCAM"}
"""What they are called here, and the classes of the library."""

_ANOTHER_LAYER = "name one such as backbone.stage3"


def predict_gradient_cams(
    network: nn.Module,
    batch_inputs: Tensor,
    batch_data_samples: list[DetDataSample],
    method: str,
    layer: str | None = None,
) -> list[DetDataSample]:
    """Scores and maps of each image as `CAMClassifier.predict` gives them, by gradients.

    The target of a class is the logit of a classifier; of a detector it is the logarithm of the class's
    summed probabilities over all cells and anchors, from the raw maps before any choice of boxes.

    Args:
        network: a classifier or a one-stage detector, in evaluation mode.
        batch_inputs: ``(B, 3, H, W)``, normalized.
        batch_data_samples: with ``img_shape``; they receive ``pred_scores``, ``pred_cam`` and ``cam_stride``.
            A map is 0 or more.
        method: one of `METHODS`.
        layer: dotted name of the module whose output is looked at; the last stage of the backbone if
            ``None``.

    Raises:
        ModelError: the library is missing, there is no such method or layer, the layer gives no map that a
            class depends on, or the raw maps of the network are of an unknown layout.
    """
    scored = _Scores(network, [sample.img_shape for sample in batch_data_samples])
    explained = find_layer(network, layer)
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        explained.register_forward_hook(_require_map),
        _explainer(method)(scored, [explained]) as explainer,
    ):
        hooks = explainer.activations_and_grads
        images = batch_inputs.detach().clone().requires_grad_()
        targets = hooks(images)
        maps = []
        for target in targets.sum(dim=0):
            hooks.gradients = []
            torch.autograd.grad(target, images, retain_graph=True)
            if not hooks.activations or not hooks.gradients:
                raise ModelError("no class depends on this layer", value=layer, remedy=_ANOTHER_LAYER)
            seen, slope = (one[0].float().numpy() for one in (hooks.activations, hooks.gradients))
            found = explainer.get_cam_image(images, None, None, seen, slope, False)
            maps.append(torch.from_numpy(found).clamp(min=0))
    cams = torch.stack(maps, dim=1)
    stride = -(-int(batch_inputs.shape[2]) // cams.shape[2])
    for sample, cam, score in zip(batch_data_samples, cams, scored.scores, strict=True):
        rows, columns = valid_cells(sample.img_shape, stride)
        sample.pred_scores, sample.pred_cam = score, cam[:, :rows, :columns]
        sample.set_metainfo(dict(cam_stride=stride))
    return batch_data_samples


def find_layer(network: nn.Module, name: str | None) -> nn.Module:
    """The module of that name, or the last stage of the backbone.

    Raises:
        ModelError: there is none.
    """
    if name is None:
        return list(network.backbone.children())[-1]
    modules = dict(network.named_modules())
    if name not in modules:
        raise ModelError("the network has no such layer", value=name, remedy=_ANOTHER_LAYER)
    return modules[name]


def _require_map(module: nn.Module, _: Any, output: Any) -> None:
    if not isinstance(output, Tensor) or output.ndim != 4:
        raise ModelError(
            "the layer gives no map of its own", value=type(module).__name__, remedy=_ANOTHER_LAYER
        )


def class_log_probabilities(raw: Any, classes: int, *, softmax: bool = False) -> Tensor:
    """``(B, C, N)`` float32, the logarithm of each class's probability in each cell and anchor.

    Args:
        raw: what the head of a one-stage detector gives: maps of ``A * (5 + C)`` channels as those of YOLOv2
            and YOLOv3, or maps of classes, boxes and possibly objectness as those of YOLOX and RTMDet.
        classes: number of classes.
        softmax: whether the classes of a cell exclude each other, as YOLOv2 has it.

    Raises:
        ModelError: it is none of these.
    """
    parts = [[part] if isinstance(part, Tensor) else list(part) for part in raw]
    channels = parts[0][0].shape[1]
    found = []
    for level in range(len(parts[0])):
        maps = parts[0][level].float()
        if len(parts) == 1 and channels % (5 + classes) == 0:
            maps = maps.unflatten(1, (-1, 5 + classes)).transpose(1, 2).flatten(2)
            logits = maps[:, 5:]
            of_class = F.log_softmax(logits, dim=1) if softmax else F.logsigmoid(logits)
            values = of_class + F.logsigmoid(maps[:, 4:5])
        elif channels == classes and len(parts) in (2, 3):
            values = F.logsigmoid(maps).flatten(2)
            if len(parts) == 3:
                values = values + F.logsigmoid(parts[2][level].float()).flatten(2)
        else:
            raise ModelError(
                "the maps of this head are of an unknown layout",
                value=[tuple(part[0].shape) for part in parts],
                remedy="use a detector such as YOLOv2, YOLOv3, YOLOX or RTMDet, or a classifier",
            )
        found.append(values)
    return torch.cat(found, dim=2)


class _Scores(nn.Module):
    """A network that gives one target per image and class; `scores` are its scores of the last batch."""

    def __init__(self, network: nn.Module, img_shapes: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.network, self.img_shapes = network, img_shapes
        self.scores = torch.zeros(0)

    def forward(self, images: Tensor) -> Tensor:
        if isinstance(self.network, CAMClassifier):
            logits = self.network.logits(self.network.cams(images), self.img_shapes, images.shape[2:])
            self.scores = logits.detach().sigmoid()
            return logits
        head = getattr(self.network, "bbox_head", None)
        if head is None:
            raise ModelError("the network has no head of a one-stage detector", remedy="use one of the zoo")
        softmax = isinstance(head, YOLOv2Head) and head.region_loss.classes == "softmax"
        values = class_log_probabilities(self.network._forward(images), head.num_classes, softmax=softmax)
        self.scores = values.detach().amax(dim=2).exp()
        return values.logsumexp(dim=2)


def _explainer(method: str) -> Any:
    if method not in METHODS:
        raise ModelError("there is no such kind of map", value=method, remedy=f"cam, {', '.join(METHODS)}")
    try:
        with _without_torchvision():
            library = importlib.import_module("pytorch_grad_cam")
    except ImportError as error:
        raise ModelError(
            f"{method} needs the library grad-cam: {error}", remedy='pip install "synthmed[gradcam]"'
        ) from error
    return getattr(library, METHODS[method])


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Let the library be imported where torchvision is missing, of which nothing is used here.

    On PyPI there is no torchvision for a PyTorch that was built for CPUs alone.
    """
    stand_ins = {}
    if find_spec("torchvision") is None:
        stand_ins = {name: ModuleType(name) for name in ("torchvision", "torchvision.transforms")}
        for name in ("Compose", "Normalize", "ToTensor"):
            setattr(stand_ins["torchvision.transforms"], name, None)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]
