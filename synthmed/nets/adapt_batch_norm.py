"""AdaBN: batch-norm statistics of unlabelled target images in the place of those of the training images.

Source: Li, Wang, Shi, Liu and Hou, "Revisiting Batch Normalization For Practical Domain Adaptation", 2016,
arXiv 1603.04779.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import all_gather_object, all_reduce, get_dist_info
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from synthmed.errors import ModelError
from synthmed.metrics.layer_change import LayerChange
from synthmed.nets.cam_pooling import coverage
from synthmed.nets.inference import equal_batches

Progress = Callable[[int, int], None]
Statistics = tuple[np.ndarray, np.ndarray]

STILL = 1e-5
"""Statistics are still when no channel has moved more, in its own standard deviations."""


class TargetBatch(NamedTuple):
    """Target images as the network takes them.

    Attributes:
        inputs: ``(B, 3, H, W)``.
        shapes_px: height and width of each image in it, without the padding at its right and bottom.
    """

    inputs: Tensor
    shapes_px: Sequence[Sequence[int]]


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What adapting a network has changed.

    Attributes:
        layers: each layer before and after, in the order in which the network holds them.
        passes: how often all images went through the network; in the last pass nothing moved.
    """

    layers: tuple[LayerChange, ...]
    passes: int


def adapt_batch_norm(
    network: nn.Module, batches: Callable[[], Iterable[TargetBatch]], progress: Progress | None = None
) -> Adaptation:
    """Replace mean and variance of every batch-norm layer by those of target images, in place.

    Each channel gets the mean and the variance of its values over all pixels of all images: exactly pooled,
    from sums in float64, so that neither size nor order of batches matters. The network runs as it predicts,
    by its stored statistics. What a layer sees depends on the layers before it, so all images go through the
    network again and again, and each pass settles the next layer, in the order in which they are run, until
    none would move: after *k* passes the first *k* have their final statistics, to the last bit. These are
    the only ones at which each layer normalizes by what it sees itself. (All layers at once would answer to
    what those before them no longer do, which in a network of 38 layers ends in infinity; one pass in
    training mode would normalize each batch by itself, and a running average would then leave out how
    batches differ.)

    A pixel of padding is no pixel of a target image: cells of a map count by the share of them that lies in
    the image. What a convolution carries over from the padding into the last cells of the image stays in
    them, as when the network predicts. Maps that do not come one per image, such as those of regions, are
    counted whole.

    The variance is that of the population, so each adapted layer gives mean 0 and variance 1 over the target
    images. Weights, momentum and ``num_batches_tracked`` stay as they are.

    Several processes of a distributed run each bring their own images; together they get the statistics of
    all of them.

    Args:
        network: any network with batch norm; called with the ``inputs`` alone.
        batches: gives the target images, each time the same.
        progress: called after each pass, with passes done and the most that there can be.

    Raises:
        ModelError: the network has no batch norm with statistics, there are no images, it computes something
            that is no number, or the statistics do not come to rest, as in a network that feeds a layer with
            its own output.
    """
    layers = _layers(network)
    before = _stored(layers)
    most = len(layers) + 1
    with _predicting(network):
        for passes in range(1, most + 1):
            seen = _pooled(network, layers, batches())
            moved = max(change.movement for change in _changes(layers, _stored(layers), seen))
            if progress is not None:
                progress(passes, most)
            if moved <= STILL:
                return Adaptation(tuple(_changes(layers, before, _stored(layers))), passes)
            for name, (mean, variance) in itertools.islice(seen.items(), passes):
                layers[name].running_mean.copy_(torch.from_numpy(mean))
                layers[name].running_var.copy_(torch.from_numpy(variance))
    raise ModelError(
        f"the statistics do not come to rest: in pass {most} a channel still moved by {moved:.2g} of its "
        "standard deviation",
        remedy="AdaBN needs a network in which no layer gets its own output, and images that stay the same",
    )


def adapt_to_images(
    network: nn.Module,
    pipeline: Callable[[dict[str, Any]], dict[str, Any]],
    images: Sequence[Path],
    *,
    batch_size: int = 8,
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt a network of MMDetection to images; see `adapt_batch_norm`.

    Args:
        network: with its ``data_preprocessor``.
        pipeline: its test pipeline without the steps that load annotations.
        images: files, which are shared out among the processes of a distributed run.
        batch_size: images per forward pass.
        progress: called after each pass through all images.

    Raises:
        ModelError: see `adapt_batch_norm`.
        PointsError: an image cannot be read.
    """
    rank, processes = get_dist_info()
    own = images[rank::processes]

    def batches() -> Iterator[TargetBatch]:
        for items in equal_batches(pipeline, own, batch_size):
            data = network.data_preprocessor({key: [item[key] for item in items] for key in items[0]}, False)
            yield TargetBatch(data["inputs"], [sample.img_shape for sample in data["data_samples"]])

    return adapt_batch_norm(network, batches, progress)


def _layers(network: nn.Module) -> dict[str, _BatchNorm]:
    layers = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    }
    if not layers:
        raise ModelError(
            "the network has no batch-norm layer with statistics, so there is nothing to adapt",
            value=type(network).__name__,
            remedy="use a network with BatchNorm2d, such as those of mmdet_configs",
        )
    return layers


@contextmanager
def _predicting(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode, and each of its modules as it was afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def _pooled(
    network: nn.Module, layers: dict[str, _BatchNorm], batches: Iterable[TargetBatch]
) -> dict[str, Statistics]:
    """Mean and variance of what each layer sees, in the order in which they are run; without unused ones."""
    device = next(iter(layers.values())).running_mean.device
    sums = {
        name: torch.zeros(2 * layer.num_features + 1, dtype=torch.float64, device=device)
        for name, layer in layers.items()
    }
    order: dict[str, None] = {}
    batch: TargetBatch

    def watch(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def look(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            order[name] = None
            sums[name] += _sums(arguments[0], batch)

        return look

    handles = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    try:
        for batch in batches:
            network(batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    for total in sums.values():
        all_reduce(total, "sum")
    # A process without images of its own has seen no order.
    order = next((one for one in all_gather_object(order) if one), order)
    found = {name: _statistics(name, sums[name]) for name in order if float(sums[name][-1])}
    if not found:
        raise ModelError("there are no images to adapt to", remedy="name some")
    return found


def _sums(maps: Tensor, batch: TargetBatch) -> Tensor:
    """Sums over the cells of ``(B, C, rows, columns)`` maps that lie in the images."""
    if maps.ndim != 4 or len(maps) != len(batch.shapes_px):
        values = maps.double().transpose(0, 1).flatten(1)
        return torch.cat([values.sum(1), (values * values).sum(1), values.new_full((1,), values.shape[1])])
    stride = -(-batch.inputs.shape[2] // maps.shape[2])
    weights = coverage(batch.shapes_px, maps.shape[2:], stride, maps).double()
    total = maps.new_zeros(2 * maps.shape[1] + 1, dtype=torch.float64)
    # Image by image, so that no copy of the whole batch in float64 is needed.
    for one, weight in zip(maps, weights.flatten(1), strict=True):
        values = one.double().flatten(1)
        total += torch.cat([values @ weight, (values * values) @ weight, weight.sum()[None]])
    return total


def _statistics(name: str, sums: Tensor) -> Statistics:
    """Mean and variance, ``(C,)`` float64 each, from sums of values and of squares and their number."""
    values, squares = (sums[:-1] / sums[-1]).chunk(2)
    if not torch.isfinite(squares).all():
        raise ModelError(
            "the network computes something that is no number on these images",
            value=f"layer {name}",
            remedy="check the checkpoint: its training may have failed",
        )
    variance = (squares - values * values).clamp(min=0)
    return values.cpu().numpy(), variance.cpu().numpy()


def _stored(layers: dict[str, _BatchNorm]) -> dict[str, Statistics]:
    return {
        name: (_numbers(layer.running_mean), _numbers(layer.running_var)) for name, layer in layers.items()
    }


def _numbers(statistic: Tensor) -> np.ndarray:
    """A copy in float64, which stays as it is when the layer changes."""
    return np.array(statistic.detach().double().cpu())


def _changes(
    layers: dict[str, _BatchNorm], before: dict[str, Statistics], after: dict[str, Statistics]
) -> Iterator[LayerChange]:
    """Each layer that has statistics after, in their order."""
    for name, statistics in after.items():
        yield LayerChange(name, *before[name], *statistics, epsilon=float(layers[name].eps))
