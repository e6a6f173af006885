from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask

from synthmed.datasets.masks import encode_masks


@pytest.mark.parametrize("shape", [(1, 1), (3, 5)])
def test_no_objects(shape: tuple[int, int]) -> None:
    assert encode_masks(np.zeros(shape, dtype=np.uint16), 0) == ([], [])


@given(
    arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 4)),
)
def test_masks_are_those_of_pycocotools(instance_mask: np.ndarray) -> None:
    counts, areas = encode_masks(instance_mask, 5)
    for k in range(5):
        wanted = coco_mask.encode(np.asfortranarray(instance_mask == k + 1, dtype=np.uint8))
        assert counts[k] == wanted["counts"].decode()
        assert areas[k] == coco_mask.area(wanted)


@pytest.mark.parametrize("side", [40, 200, 2000])
def test_long_runs(side: int) -> None:
    instance_mask = np.zeros((side, side), dtype=np.uint16)
    instance_mask[1 : side // 2, side // 3 :] = 1
    instance_mask[side // 2 :, side // 2] = 2
    counts, _ = encode_masks(instance_mask, 2)
    for k in range(2):
        decoded = coco_mask.decode({"size": [side, side], "counts": counts[k]})
        assert np.array_equal(decoded, instance_mask == k + 1)
