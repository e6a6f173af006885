"""Batches that go from a loader's process to the one that trains as one message.

PyTorch hands tensors over as shared memory, a file descriptor each. A sample of MMDetection has five tensors,
most of them of a few bytes, so that a batch of 24 parts takes 120 exchanges with a process that composes at
the time: 30 ms, a tenth of a training step of a small network on a CPU. Here all images of a batch lie in one
block of shared memory, and the rest goes through the pipe by value.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from torch import Tensor

_LARGE_BYTES = 2**14
"""From here on values go into the block: smaller ones are copied faster than they are looked up."""
_ALIGNMENT = 64


class Batch(dict[str, Any]):
    """What a loader gives, by key; between processes one block of shared memory and one string of bytes."""

    def __reduce__(self) -> tuple[Any, ...]:
        """The block is a tensor, which PyTorch hands over, and which is plain values in a file."""
        large: list[memoryview] = []

        def stays(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if view.nbytes >= _LARGE_BYTES:
                large.append(view)
            return view.nbytes < _LARGE_BYTES

        content = io.BytesIO()
        _ByValue(content, protocol=5, buffer_callback=stays).dump(dict(self))
        sizes = [view.nbytes for view in large]
        starts = _starts(sizes)
        block = torch.empty(starts.pop(), dtype=torch.uint8)
        for start, view in zip(starts, large, strict=True):
            block.numpy()[start : start + view.nbytes] = np.frombuffer(view, dtype=np.uint8)
        return _unpacked, (content.getvalue(), block, sizes)

    def __copy__(self) -> Batch:
        """A shallow one, which pinning memory asks for."""
        return Batch(self)


@FUNCTIONS.register_module()
def collate_as_block(samples: Sequence[dict[str, Any]]) -> Batch:
    """The samples of a batch as lists by key, as by ``pseudo_collate`` of MMEngine, in one message.

    Examples:
        >>> batch = collate_as_block([{"inputs": torch.zeros(3, 2, 2)}, {"inputs": torch.ones(3, 4, 4)}])
        >>> [tuple(image.shape) for image in pickle.loads(pickle.dumps(batch))["inputs"]]
        [(3, 2, 2), (3, 4, 4)]
    """
    return Batch(pseudo_collate(samples))


class _ByValue(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Tensors as arrays, where NumPy has their type and they are nothing but values."""
        if type(obj) is not Tensor or obj.requires_grad or obj.device.type != "cpu":
            return NotImplemented
        try:
            return torch.from_numpy, (obj.numpy(),)
        except TypeError:  # such as bfloat16
            return NotImplemented


def _unpacked(content: bytes, block: Tensor, sizes: Sequence[int]) -> Batch:
    """A batch whose large values stay where they are in the block, which lives as long as one of them."""
    memory = memoryview(block.numpy())
    large = [memory[start : start + size] for start, size in zip(_starts(sizes), sizes, strict=False)]
    return Batch(pickle.loads(content, buffers=large))  # noqa: S301 (from a process of our own, never a file)


def _starts(sizes: Sequence[int]) -> list[int]:
    """Where values of so many bytes lie in a block, and where it ends."""
    aligned = [-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes]
    return list(accumulate(aligned, initial=0))
