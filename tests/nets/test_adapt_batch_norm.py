from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthmed.errors import ModelError
from synthmed.nets.adapt_batch_norm import Adaptation, TargetBatch, adapt_batch_norm

pytestmark = pytest.mark.mmdet


def images(count: int = 11, side: int = 16, seed: int = 0) -> Tensor:
    """Images that differ in brightness and contrast, so that a mean of variances is no pooled variance."""
    generator = torch.Generator().manual_seed(seed)
    looks = torch.rand(2, count, 3, 1, 1, generator=generator)
    return torch.randn(count, 3, side, side, generator=generator) * (0.2 + looks[0]) + 5 * looks[1]


def batches_of(inputs: Tensor, size: int, shapes: Sequence[tuple[int, int]] | None = None) -> Any:
    shapes = shapes or [tuple(inputs.shape[2:])] * len(inputs)

    def make() -> Iterator[TargetBatch]:
        for start in range(0, len(inputs), size):
            yield TargetBatch(inputs[start : start + size], shapes[start : start + size])

    return make


def network(depth: int = 3, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    channels = 3
    for number in range(depth):
        layers += [
            nn.Conv2d(channels, 4 + number, 3, padding=1),
            nn.BatchNorm2d(4 + number),
            nn.LeakyReLU(0.1),
        ]
        channels = 4 + number
        if number == 0:
            layers.append(nn.MaxPool2d(2))
    made = nn.Sequential(*layers)
    for norm in norms(made):
        nn.init.normal_(norm.weight, 1, 0.2)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return made.eval()


def norms(made: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]


def seen_by(made: nn.Module, inputs: Tensor) -> list[np.ndarray]:
    """What each batch-norm layer gets, ``(B, C, rows, columns)`` float64."""
    seen: list[np.ndarray] = []
    handles = [
        norm.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].double().numpy()))
        for norm in norms(made)
    ]
    with torch.no_grad():
        made(inputs)
    for handle in handles:
        handle.remove()
    return seen


def statistics(made: nn.Module) -> list[np.ndarray]:
    return [np.stack([norm.running_mean.numpy(), norm.running_var.numpy()]) for norm in norms(made)]


def test_a_deep_network_comes_to_rest() -> None:
    """Each of many layers ends with the statistics of what it sees then, far as the images may be."""
    made, inputs = network(depth=40), 100 * images(4)
    result = adapt_batch_norm(made, batches_of(inputs, 2))
    assert result.passes == 41
    for norm, seen in zip(norms(made), seen_by(made, inputs), strict=True):
        np.testing.assert_allclose(norm.running_mean, seen.mean(axis=(0, 2, 3)), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(norm.running_var, seen.var(axis=(0, 2, 3)), rtol=1e-4, atol=1e-6)


def test_a_single_layer_gets_the_pooled_statistics_of_all_pixels() -> None:
    inputs, norm = images(), nn.BatchNorm2d(3)
    result = adapt_batch_norm(norm, batches_of(inputs, 4))
    pixels = inputs.double().numpy()
    np.testing.assert_allclose(norm.running_mean.numpy(), pixels.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), pixels.var((0, 2, 3)), rtol=1e-6)
    averaged = np.mean([pixels[start : start + 4].var((0, 2, 3)) for start in (0, 4, 8)], axis=0)
    assert not np.allclose(norm.running_var.numpy(), averaged, rtol=0.02), "not the mean over batches"
    assert result.passes == 2
    (change,) = result.layers
    np.testing.assert_array_equal(change.mean_before, 0)
    np.testing.assert_array_equal(change.variance_before, 1)
    np.testing.assert_array_equal(change.mean_after, norm.running_mean.double().numpy())


def test_at_the_end_every_layer_normalizes_by_what_it_sees() -> None:
    made, inputs = network(5), images()
    result = adapt_batch_norm(made, batches_of(inputs, 3))
    for norm, maps in zip(norms(made), seen_by(made, inputs), strict=True):
        np.testing.assert_allclose(norm.running_mean.numpy(), maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(norm.running_var.numpy(), maps.var((0, 2, 3)), rtol=1e-4)
    assert result.passes == 6, "one for each layer in a row, and one that moves nothing"


def test_the_fixpoint_is_one_pass_in_training_mode_over_all_images_at_once() -> None:
    made, inputs = network(4), images()
    expected = copy.deepcopy(made).train()
    for norm in norms(expected):
        norm.momentum = 1.0
    with torch.no_grad():
        expected(inputs)
    adapt_batch_norm(made, batches_of(inputs, 5))
    for found, norm, maps in zip(statistics(made), norms(expected), seen_by(made, inputs), strict=True):
        count = maps[:, 0].size
        np.testing.assert_allclose(found[0], norm.running_mean.numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[1] * count / (count - 1), norm.running_var.numpy(), rtol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 7, 11])
@pytest.mark.parametrize("reverse", [False, True])
def test_neither_size_nor_order_of_batches_matters(size: int, reverse: bool) -> None:
    made, other, inputs = network(), network(), images()
    adapt_batch_norm(made, batches_of(inputs, 4))
    adapt_batch_norm(other, batches_of(inputs.flip(0) if reverse else inputs, size))
    for one, two in zip(statistics(made), statistics(other), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_adapting_again_changes_nothing() -> None:
    made, inputs = network(), images()
    adapt_batch_norm(made, batches_of(inputs, 4))
    before = statistics(made)
    again = adapt_batch_norm(made, batches_of(inputs, 4))
    assert again.passes == 1
    assert max(change.movement for change in again.layers) == 0
    for one, two in zip(before, statistics(made), strict=True):
        np.testing.assert_array_equal(one, two)


def test_where_the_answer_is_known() -> None:
    """A network without any weights: layers see a constant times what they are shown, whatever the images."""
    made = nn.Sequential(nn.BatchNorm2d(1), nn.BatchNorm2d(1), nn.AvgPool2d(2), nn.BatchNorm2d(1))
    nn.init.constant_(made[0].weight, 3.0)
    nn.init.constant_(made[0].bias, 7.0)
    # Half of the pixels are a and half are b, in blocks of two: mean (a + b) / 2, deviation |a - b| / 2.
    pattern = torch.tensor([10.0, 14.0]).repeat_interleave(2).repeat(2)
    adapt_batch_norm(made, batches_of(pattern.expand(2, 1, 4, 8).clone(), 1))
    found = [float(value) for norm in norms(made) for value in (norm.running_mean, norm.running_var)]
    assert found == pytest.approx([12, 4, 7, 9, 0, 1], rel=1e-4, abs=1e-4)


def test_images_of_another_brightness_give_the_answers_of_the_training_images() -> None:
    """What AdaBN is for: a gain and an offset of the camera are taken out by the first layer."""
    made, inputs = network(), images(20)
    adapt_batch_norm(made, batches_of(inputs, 5))
    shifted = 0.5 * inputs + 3
    first = nn.Sequential(nn.BatchNorm2d(3), made).eval()  # any first layer that sees each channel by itself
    adapt_batch_norm(first, batches_of(inputs, 5))
    with torch.no_grad():
        expected, without = first(inputs), first(shifted)
    adapt_batch_norm(first, batches_of(shifted, 5))
    with torch.no_grad():
        found = first(shifted)
    assert float((without - expected).abs().mean()) > 0.3
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_the_padding_of_an_image_does_not_count() -> None:
    inputs = images(6)
    shapes = [(16, 16), (10, 16), (16, 9), (5, 7), (12, 12), (16, 16)]
    kept = [image[:, :rows, :columns] for image, (rows, columns) in zip(inputs, shapes, strict=True)]
    pixels = np.concatenate([image.double().numpy().reshape(3, -1) for image in kept], axis=1)
    for image, (rows, columns) in zip(inputs, shapes, strict=True):
        image[:, rows:] = 1e6
        image[:, :, columns:] = 1e6
    norm = nn.BatchNorm2d(3)
    adapt_batch_norm(norm, batches_of(inputs, 4, shapes))
    np.testing.assert_allclose(norm.running_mean.numpy(), pixels.mean(1), rtol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), pixels.var(1), rtol=1e-6)


def test_a_cell_that_lies_partly_in_the_padding_counts_partly() -> None:
    made = nn.Sequential(nn.AvgPool2d(4), nn.BatchNorm2d(1))
    inputs = torch.zeros(1, 1, 8, 8)
    inputs[..., 4:, :] = 4.0  # the second row of cells, of which half is image
    adapt_batch_norm(made, batches_of(inputs, 1, [(6, 8)]))
    assert float(made[1].running_mean) == pytest.approx(4 / 3)


def test_layouts_and_bfloat16() -> None:
    made, inputs = network(), images()
    last = copy.deepcopy(made).to(memory_format=torch.channels_last)
    adapt_batch_norm(made, batches_of(inputs, 4))
    adapt_batch_norm(last, batches_of(inputs.to(memory_format=torch.channels_last), 4))
    for one, two in zip(statistics(made), statistics(last), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    half = nn.BatchNorm2d(3)
    many = images(4, 64).bfloat16()
    adapt_batch_norm(half, batches_of(many, 2))
    expected = many.double().numpy()
    np.testing.assert_allclose(half.running_mean.numpy(), expected.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(half.running_var.numpy(), expected.var((0, 2, 3)), rtol=1e-6)
    assert half.running_mean.dtype == torch.float32


def test_nothing_else_changes() -> None:
    made = network()
    made.train()
    made[0].eval()
    norms(made)[0].num_batches_tracked.fill_(42)
    before = copy.deepcopy(made.state_dict())
    modes = [module.training for module in made.modules()]
    adapt_batch_norm(made, batches_of(images(), 4))
    assert [module.training for module in made.modules()] == modes
    assert all(parameter.grad is None for parameter in made.parameters())
    changed = {key for key, value in made.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {key for key in before if "running_" in key}
    assert not any(module._forward_pre_hooks for module in made.modules())


class _Branches(nn.Module):
    """A layer used twice, one used never, one whose map is no map, and two side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.idle, self.left, self.right = (nn.BatchNorm2d(3) for _ in range(4))
        self.flat = nn.BatchNorm1d(3)

    def forward(self, inputs: Tensor) -> Tensor:
        far, near = self.shared(inputs), self.shared(inputs[..., ::2, ::2])
        return self.flat(self.left(far).mean((2, 3))) + self.flat(self.right(near).mean((2, 3)))


def test_networks_of_any_shape() -> None:
    made, inputs = _Branches(), images(8)
    result = adapt_batch_norm(made, batches_of(inputs, 3))
    assert result.passes == 6, "each pass settles one of the five layers, and the last finds them at rest"
    pixels = [inputs.double().numpy(), inputs[..., ::2, ::2].double().numpy()]
    pooled = np.concatenate([part.transpose(1, 0, 2, 3).reshape(3, -1) for part in pixels], axis=1)
    np.testing.assert_allclose(made.shared.running_var.numpy(), pooled.var(1), rtol=1e-5)
    idle = {change.name: change for change in result.layers}["idle"]
    assert idle.movement == 0


class _Loop(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        nn.init.constant_(self.norm.weight, 3.0)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.norm(self.norm(inputs))


def _adapt(made: nn.Module, inputs: Tensor) -> Adaptation:
    return adapt_batch_norm(made, batches_of(inputs, 4))


@pytest.mark.parametrize(
    ("made", "inputs", "message"),
    [
        (nn.Conv2d(3, 3, 1), images(), "no batch-norm layer"),
        (nn.Sequential(nn.GroupNorm(3, 3)), images(), "no batch-norm layer"),
        (nn.BatchNorm2d(3, track_running_stats=False), images(), "no batch-norm layer"),
        (nn.BatchNorm2d(3), images()[:0], "no images to adapt to"),
        (nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), images() * float("nan"), "no number.*layer 1"),
        (_Loop(), images(), "do not come to rest"),
    ],
)
def test_mistakes(made: nn.Module, inputs: Tensor, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        _adapt(made, inputs)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    adapt_batch_norm(network(2), batches_of(images(), 4), lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
