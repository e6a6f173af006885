"""The region loss against an independent region layer: numpy, one slot after the other, as Darknet goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synthmed.errors import ModelError
from synthmed.nets.box_grid import BoxGrid
from synthmed.nets.region_loss import RegionLoss, Truth

ROWS, COLUMNS, STRIDE, CLASSES = 3, 4, 16, 3
ANCHORS = np.array([[12.0, 12.0], [30.0, 20.0]])
GRID = BoxGrid(ROWS, COLUMNS, STRIDE, torch.tensor(ANCHORS, dtype=torch.float32))
Array = NDArray[np.float64]


def sigmoid(value: Array) -> Array:
    return 1 / (1 + np.exp(-value))


def softmax(value: Array) -> Array:
    return np.exp(value - value.max()) / np.exp(value - value.max()).sum()


def iou(a: Array, b: Array) -> float:
    common = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common))


def predicted_box(raw: Array, slot: int) -> Array:
    cell, anchor = divmod(slot, len(ANCHORS))
    row, column = divmod(cell, COLUMNS)
    center = (np.array([column, row]) + sigmoid(raw[:2])) * STRIDE
    size = ANCHORS[anchor] * np.exp(raw[2:4])
    return np.concatenate([center - size / 2, center + size / 2])


def toward(raw: Array, target: Array, scale: float) -> Array:
    """The steps of x, y, w, h that lead to the target: Darknet's deltas, with the slope of the sigmoid."""
    said = sigmoid(raw[:2])
    return scale * np.concatenate([(target[:2] - said) * said * (1 - said), target[2:] - raw[2:4]])


def region_layer(raw: Array, boxes: Array, labels: NDArray[np.int64], seen: int) -> Array:
    """``(slots, 5 + C)`` steps of one image: minus the gradient of the published loss."""
    steps = np.zeros_like(raw)
    for slot in range(len(raw)):
        objectness = sigmoid(raw[slot, 4])
        best = max([iou(predicted_box(raw[slot], slot), truth) for truth in boxes], default=0.0)
        if best <= 0.6:
            steps[slot, 4] = 1.0 * (0 - objectness) * objectness * (1 - objectness)
        if seen < 12800:
            steps[slot, :4] = toward(raw[slot], np.array([0.5, 0.5, 0, 0]), 0.01)
    for truth, label in zip(boxes, labels, strict=True):
        center, size = (truth[:2] + truth[2:]) / 2, truth[2:] - truth[:2]
        column, row = (center // STRIDE).astype(int)
        likeness = [iou(np.r_[-size / 2, size / 2], np.r_[-anchor / 2, anchor / 2]) for anchor in ANCHORS]
        anchor = int(np.argmax(likeness))
        slot = (row * COLUMNS + column) * len(ANCHORS) + anchor
        target = np.concatenate([center / STRIDE - [column, row], np.log(size / ANCHORS[anchor])])
        share = np.prod(size) / (ROWS * COLUMNS * STRIDE**2)
        steps[slot, :4] = toward(raw[slot], target, 1.0 * (2 - share))
        objectness = sigmoid(raw[slot, 4])
        overlap = iou(predicted_box(raw[slot], slot), truth)
        steps[slot, 4] = 5.0 * (overlap - objectness) * objectness * (1 - objectness)
        steps[slot, 5:] = 1.0 * (np.eye(CLASSES)[label] - softmax(raw[slot, 5:]))
    return steps


def truth(boxes: object, labels: object, ignored: object = ()) -> Truth:
    return Truth(
        torch.tensor(np.reshape(boxes, (-1, 4)), dtype=torch.float32),
        torch.tensor(np.asarray(labels, dtype=np.int64)),
        torch.tensor(np.reshape(ignored, (-1, 4)), dtype=torch.float32),
    )


def steps_of(loss: RegionLoss, raw: Array, truths: list[Truth], seen: int) -> Array:
    """Minus the gradient of the summed losses."""
    values = torch.tensor(raw, dtype=torch.float32, requires_grad=True)
    losses = loss(values, truths, GRID, seen)
    sum(value for name, value in losses.items() if "loss" in name).backward()
    return -values.grad.double().numpy()


def random_case(seed: int) -> tuple[Array, list[Truth]]:
    """Two images with objects in cells of their own; some slots are drawn so that they overlap one well."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(0, 1, (2, len(GRID), 5 + CLASSES))
    truths = []
    for image in range(2):
        cells = rng.permutation(ROWS * COLUMNS)[: rng.integers(0, 6)]
        centers = (
            np.stack([cells % COLUMNS, cells // COLUMNS], 1) + rng.uniform(0.05, 0.95, (len(cells), 2))
        ) * 16
        half = rng.uniform(5, 18, (len(cells), 2))
        truths.append(
            truth(np.concatenate([centers - half, centers + half], 1), rng.integers(0, 3, len(cells)))
        )
        for cell, (x, y), (width, height) in zip(cells, centers, half * 2, strict=True):
            for anchor in range(
                2
            ):  # both anchors of the cell begin near the object: the ignore rule has work
                code = [x / 16 % 1, y / 16 % 1]
                raw[image, cell * 2 + anchor, :4] = [
                    *(np.log(part / (1 - part)) for part in code),
                    *np.log(np.array([width, height]) / ANCHORS[anchor]) + rng.normal(0, 0.2, 2),
                ]
    return raw, truths


@pytest.mark.parametrize("seen", [0, 12799, 12800])
@pytest.mark.parametrize("seed", range(6))
def test_the_published_loss_moves_every_value_as_the_region_layer(seed: int, seen: int) -> None:
    raw, truths = random_case(seed)
    expected = np.stack(
        [
            region_layer(values, one.boxes.double().numpy(), one.labels.numpy(), seen)
            for values, one in zip(raw, truths, strict=True)
        ]
    )
    steps = steps_of(RegionLoss.published(), raw, truths, seen) * len(raw)  # sums are divided by the images
    np.testing.assert_allclose(steps, expected, atol=2e-5)
    assert np.abs(expected).max() > 0.01


def at_cell(column: int, row: int, width: float, height: float) -> list[float]:
    x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def slot_of(column: int, row: int, anchor: int) -> int:
    return (row * COLUMNS + column) * len(ANCHORS) + anchor


@pytest.mark.parametrize("objectness", ["bce", "squared"])
def test_objectness_should_be_the_iou_of_the_predicted_box(objectness: str) -> None:
    raw = np.zeros((1, len(GRID), 5 + CLASSES))
    slot = slot_of(1, 1, 0)
    truths = [truth([at_cell(1, 1, 12, 8)], [0])]  # the slot predicts 12 x 12 there, so the IoU is 2 / 3
    loss = RegionLoss(objectness=objectness)
    for said, sign in ((0.5, 1), (2 / 3, 0), (0.9, -1)):
        raw[0, slot, 4] = np.log(said / (1 - said))
        step = steps_of(loss, raw, truths, 10**6)[0, slot, 4]
        assert np.sign(np.round(step, 5)) == sign
    values = torch.tensor(raw, dtype=torch.float32)
    assert float(loss(values, truths, GRID, 10**6)["iou"]) == pytest.approx(2 / 3, abs=1e-5)


@pytest.mark.parametrize(("height", "is_background"), [(20.0, False), (12.4, False), (11.6, True)])
def test_slots_that_overlap_an_object_well_are_not_punished(height: float, is_background: bool) -> None:
    # The object is as large as anchor 1, which answers; anchor 0 of its cell predicts 30 x height there.
    raw = np.zeros((1, len(GRID), 5 + CLASSES))
    other = slot_of(2, 1, 0)
    raw[0, other, 2:4] = np.log(np.array([30.0, height]) / ANCHORS[0])
    step = steps_of(RegionLoss(ignore_iou=0.6), raw, [truth([at_cell(2, 1, 30, 20)], [0])], 10**6)[0]
    assert (step[other, 4] < 0) == is_background
    assert step[slot_of(2, 1, 1), 4] > 0
    assert (np.delete(step[:, 4], [other, slot_of(2, 1, 1)]) < 0).all()


def test_small_objects_count_more() -> None:
    raw = np.zeros((1, len(GRID), 5 + CLASSES))
    steps = {}
    for size in (4.0, 40.0):
        box = np.array(at_cell(1, 1, size, size)) + 3  # off the middle of its cell, so x and y are wrong
        slot = int(GRID.assign(torch.tensor(box[None], dtype=torch.float32))[0])
        steps[size] = steps_of(RegionLoss(boxes="squared"), raw, [truth([box], [0])], 10**6)[0, slot, 0]
    area = ROWS * COLUMNS * STRIDE**2
    assert steps[4.0] / steps[40.0] == pytest.approx((2 - 16 / area) / (2 - 1600 / area), rel=1e-4)


def test_warm_up_draws_free_slots_to_their_anchors_and_ends() -> None:
    raw = np.random.default_rng(0).normal(0, 1, (1, len(GRID), 5 + CLASSES))
    truths = [truth([at_cell(1, 1, 12, 12)], [0])]
    answering = slot_of(1, 1, 0)
    free = np.arange(len(GRID)) != answering
    loss = RegionLoss(boxes="squared", warmup_images=100, warmup_weight=0.5)
    warm, cold = (steps_of(loss, raw, truths, seen)[0] for seen in (99, 100))
    assert (cold[free, :4] == 0).all()
    said = sigmoid(raw[0, :, :2])
    np.testing.assert_allclose(warm[free, :2], (0.5 * (0.5 - said) * said * (1 - said))[free], atol=1e-6)
    np.testing.assert_allclose(warm[free, 2:4], -0.5 * raw[0, free, 2:4], atol=1e-6)
    np.testing.assert_array_equal(warm[answering], cold[answering])


def test_distance_iou_by_hand() -> None:
    raw = np.zeros((1, len(GRID), 5 + CLASSES))
    truths = [
        truth([[16.0, 18.0, 36.0, 30.0]], [0])
    ]  # its slot predicts [18, 18, 30, 30]: 24 is 0.5 cells in
    values = torch.tensor(raw, dtype=torch.float32, requires_grad=True)
    losses = RegionLoss(boxes="diou", box_weight=3.0)(values, truths, GRID, 10**6)
    overlap, enclosing, distance = 144 / 240, 20**2 + 12**2, 2**2
    assert float(losses["loss_box"].detach()) == pytest.approx(
        3 * (1 - overlap + distance / enclosing), rel=1e-4
    )
    losses["loss_box"].backward()
    step = -values.grad[0, slot_of(1, 1, 0)]
    assert step[0] > 0 and step[2] > 0  # to the right, and wider
    assert values.grad.abs().sum() == values.grad[0, slot_of(1, 1, 0), :4].abs().sum()


@pytest.mark.parametrize("classes", ["softmax", "sigmoid"])
def test_class_loss(classes: str) -> None:
    raw = np.random.default_rng(0).normal(0, 1, (1, len(GRID), 5 + CLASSES))
    slot = slot_of(1, 1, 0)
    step = steps_of(RegionLoss(classes=classes), raw, [truth([at_cell(1, 1, 12, 12)], [2])], 10**6)[0]
    said = softmax(raw[0, slot, 5:]) if classes == "softmax" else sigmoid(raw[0, slot, 5:])
    np.testing.assert_allclose(step[slot, 5:], [0, 0, 1] - said, atol=1e-6)
    assert (step[np.arange(len(GRID)) != slot, 5:] == 0).all()


def test_ignored_regions_are_no_background() -> None:
    raw = np.zeros((1, len(GRID), 5 + CLASSES))
    region = [0.0, 0.0, 20.0, 10.0]  # touches the cells of columns 0 and 1 in row 0
    step = steps_of(RegionLoss(), raw, [truth([at_cell(1, 0, 12, 12)], [0], [region])], 10**6)[0]
    objectness = step[:, 4].reshape(ROWS, COLUMNS, 2)
    assert (objectness[0, 0] == 0).all() and objectness[0, 1, 1] == 0
    assert objectness[0, 1, 0] > 0  # an object there is still learned
    assert (objectness[0, 2:] < 0).all() and (objectness[1:] < 0).all()


@pytest.mark.parametrize("per", ["objects", "images"])
def test_what_sums_are_divided_by(per: str) -> None:
    raw = torch.zeros(2, len(GRID), 5 + CLASSES)
    boxes = [at_cell(column, row, 12, 12) for column in range(4) for row in range(3)]
    loss = RegionLoss(per=per)
    crowded = loss(raw, [truth(boxes, [0] * 12), truth([], [])], GRID, 10**6)
    assert float(crowded["loss_class"]) == pytest.approx(np.log(3) * 12 / (12 if per == "objects" else 2))
    empty = loss(raw, [truth([], []), truth([], [])], GRID, 10**6)
    assert float(empty["loss_background"]) == pytest.approx(len(GRID) * np.log(2), rel=1e-5)
    assert float(empty["loss_box"]) == float(empty["loss_class"]) == float(empty["loss_object"]) == 0


@pytest.mark.parametrize("settings", [{}, dict(published=True), dict(classes="sigmoid"), dict(boxes="diou")])
def test_batches_without_objects_have_finite_gradients(settings: dict[str, object]) -> None:
    raw = np.random.default_rng(0).normal(0, 30, (2, len(GRID), 5 + CLASSES))
    step = steps_of(RegionLoss.from_config(settings), raw, [truth([], [])] * 2, 0)
    assert np.isfinite(step).all() and (step[..., 5:] == 0).all()


def test_three_hundred_objects_all_count() -> None:
    grid = BoxGrid(26, 26, 16, torch.tensor([[8.0, 8.0], [20.0, 20.0]]))
    rng = np.random.default_rng(0)
    cells = rng.permutation(26 * 26)[:300]
    centers = (np.stack([cells % 26, cells // 26], 1) + 0.5) * 16
    crowd = truth(np.concatenate([centers - 4, centers + 4], 1), rng.integers(0, CLASSES, 300))
    raw = torch.zeros(1, len(grid), 5 + CLASSES, requires_grad=True)
    losses = RegionLoss.published()(raw, [crowd], grid, 10**6)
    assert float(losses["loss_class"].detach()) == pytest.approx(300 * np.log(CLASSES), rel=1e-5)
    losses["loss_class"].backward()
    learned = raw.grad[0, :, 5:].abs().sum(dim=1).nonzero().flatten()
    np.testing.assert_array_equal(learned, np.sort(cells) * 2)


@pytest.mark.parametrize(
    "config",
    [dict(objectness="focal"), dict(boxes="l1"), dict(classes="none"), dict(per="day"), dict(max_boxes=30)],
)
def test_unknown_settings(config: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="region loss has no such"):
        RegionLoss.from_config(config)
