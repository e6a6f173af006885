"""Batches cross processes in one message, and arrive as they were sent."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from mmengine.structures import InstanceData
from torch import Tensor
from torch.utils.data import DataLoader

from synthmed.nets.collate import Batch, _unpacked, collate_as_block

LARGE_SIDE = 1000
"""Of images that go into the block."""


def sample(index: int, side: int = 4) -> dict[str, Any]:
    """As `PackDetInputs` packs it, with ``index`` objects."""
    packed = DetDataSample(metainfo={"img_path": f"{index}.png", "img_shape": (4, 6)})
    boxes = HorizontalBoxes(torch.arange(4.0 * index).reshape(index, 4))
    packed.gt_instances = InstanceData(bboxes=boxes, labels=torch.arange(index))
    return {"inputs": torch.full((3, side, 6), index, dtype=torch.uint8), "data_samples": packed}


def equal(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> bool:
    return list(found) == list(expected) and all(
        same_image(*images) and same_objects(*objects)
        for images, objects in zip(
            zip(found["inputs"], expected["inputs"], strict=True),
            zip(found["data_samples"], expected["data_samples"], strict=True),
            strict=True,
        )
    )


def same_image(found: Tensor, expected: Tensor) -> bool:
    return found.dtype == expected.dtype and torch.equal(found, expected)


def same_objects(found: DetDataSample, expected: DetDataSample) -> bool:
    one, other = found.gt_instances, expected.gt_instances
    boxes_agree = torch.equal(one.bboxes.tensor, other.bboxes.tensor)
    return found.metainfo == expected.metainfo and boxes_agree and torch.equal(one.labels, other.labels)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("side", [4, LARGE_SIDE])
def test_a_loader_gives_what_pseudo_collate_gives(count, side):
    data = [sample(index, side) for index in range(count)]
    loader = DataLoader(data, batch_size=count, num_workers=1, collate_fn=collate_as_block)
    (found,) = loader
    assert isinstance(found, Batch)
    assert equal(found, pseudo_collate(data))


def test_images_lie_in_one_block_and_boxes_in_none():
    _, (content, block, sizes) = collate_as_block([sample(2, LARGE_SIDE) for _ in range(3)]).__reduce__()
    assert sizes == [18 * LARGE_SIDE] * 3
    assert block.nbytes == sum(sizes) + 3 * 48  # up to the next multiple of 64 bytes
    images = _unpacked(content, block, sizes)["inputs"]
    block.fill_(7)
    assert [set(image.unique().tolist()) for image in images] == [{7}] * 3
    del block
    assert int(sum(image.sum() for image in images)) == 7 * sum(sizes), "images keep the block"


def test_no_small_tensor_is_handed_over_as_shared_memory():
    batch = collate_as_block([sample(index) for index in range(3)])
    assert equal(pickle.loads(bytes(ForkingPickler.dumps(batch))), batch)
    assert not any(images.is_shared() for images in batch["inputs"])
    shared = pseudo_collate([sample(1)])  # as it would be otherwise, so that the line above can fail
    ForkingPickler.dumps(shared)
    assert shared["inputs"][0].is_shared()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(0),
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.arange(3.0, requires_grad=True),
        torch.arange(12).reshape(3, 4).T,
        torch.tensor(True),
    ],
    ids=["empty", "no type of NumPy", "with a gradient", "a view", "a scalar"],
)
def test_any_tensor_comes_back(tensor: Tensor):
    found = pickle.loads(pickle.dumps(collate_as_block([{"inputs": tensor}])))["inputs"][0]
    assert torch.equal(found, tensor)
    assert (found.dtype, found.requires_grad) == (tensor.dtype, tensor.requires_grad)


@pytest.mark.parametrize("side", [4, LARGE_SIDE])
def test_what_arrives_may_be_written_to(side):
    found = pickle.loads(pickle.dumps(collate_as_block([sample(1, side)])))["inputs"][0]
    found += 1
    assert int(found.max()) == 2


def test_a_copy_shares_the_values():
    batch = collate_as_block([sample(1)])
    assert copy.copy(batch)["inputs"] is batch["inputs"]


def test_configs_find_it_by_name():
    assert FUNCTIONS.get("collate_as_block") is collate_as_block
    assert partial(FUNCTIONS.get("collate_as_block"))([sample(1)]).keys() == {"inputs", "data_samples"}
