"""Distractors: small pieces of source images on which no click lies, to be pasted without a label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.matte import HALF_LEVEL


@dataclass(frozen=True, eq=False)
class Distractors:
    """D distractors, flat one after the other like the patches of a bank.

    Attributes:
        pixels: ``(Q, 3)`` uint8, RGB.
        mattes: ``(Q,)`` uint8, 255 where the pixel is all distractor.
        shapes_px: ``(D, 2)`` int, height and width.
        image_index: ``(D,)`` int, the source image of each.
        centers_px: ``(D, 2)`` float, the middle of each in its image.
        backgrounds: ``(D, 3)`` float, the background colour round each.
        stands_out: ``(D,)`` bool, whether it is something that stands out from the background, and not a
            piece of it from a random place.
    """

    pixels: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    shapes_px: NDArray[np.int64]
    image_index: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    backgrounds: NDArray[np.float64]
    stands_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.shapes_px)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """``(D,)`` int, the first pixel of each in `pixels` and `mattes`."""
        areas_px = self.shapes_px.prod(axis=1)
        return np.asarray(np.cumsum(areas_px) - areas_px)

    @cached_property
    def object_levels(self) -> NDArray[np.int64]:
        """``(D,)`` int, the level of each matte from which on a pixel belongs to the distractor."""
        return np.full(len(self), HALF_LEVEL, dtype=np.int64)


NO_DISTRACTORS = Distractors(
    np.zeros((0, 3), np.uint8),
    np.zeros(0, np.uint8),
    np.zeros((0, 2), np.int64),
    np.zeros(0, np.int64),
    np.zeros((0, 2), np.float64),
    np.zeros((0, 3), np.float64),
    np.zeros(0, np.bool_),
)


def distractors_bytes(distractors: Distractors) -> bytes:
    """Everything in the distractors, the same on every machine, for a hash."""
    parts = [b"distractors"]
    for name, dtype in _HASHED.items():
        array = np.ascontiguousarray(getattr(distractors, name), dtype=dtype)
        parts.append(f"{name}{array.shape}".encode() + array.tobytes())
    return b"\0".join(parts)


_HASHED = {
    "pixels": "|u1",
    "mattes": "|u1",
    "shapes_px": "<i8",
    "image_index": "<i8",
    "centers_px": "<f8",
    "backgrounds": "<f8",
    "stands_out": "|b1",
}
