"""Instance masks as run lengths, in the compressed form of COCO."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

# Pixels of a row that are looked at together; most of a mask is canvas.
_BLOCK = 32


def encode_masks(instance_mask: NDArray[np.uint16], count: int) -> tuple[list[str], list[int]]:
    """The mask of each object as COCO's ``counts``, and its area.

    The format is that of ``maskApi.c`` of the COCO API: lengths of runs of 0 and 1 in turn, column by column,
    from the third on as the difference to the last but one, in groups of five bits.

    Args:
        instance_mask: ``(H, W)``, 0 for canvas, else one plus the object.
        count: how many objects there are.

    Returns:
        ``counts`` and areas in pixels, ``count`` of each.

    Examples:
        >>> encode_masks(np.array([[0, 1], [1, 1]], dtype=np.uint16), 1)
        (['13'], [3])
    """
    edges, firsts = mask_edges(np.ascontiguousarray(instance_mask), count)
    texts, ends = runs_text(edges, firsts, instance_mask.size)
    joined = texts.tobytes().decode("ascii")
    cuts = itertools.pairwise([0, *ends.tolist()])
    return [joined[begin:end] for begin, end in cuts], mask_areas(edges, firsts).tolist()


@compiled
def mask_edges(mask: NDArray[np.uint16], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each object begins and ends along a mask, column by column.

    Args:
        mask: ``(H, W)``, 0 for canvas, else one plus the object.
        count: how many objects there are.

    Returns:
        ``(E,)`` positions, begin and end in turn, object after object; ``(count + 1,)`` the first of each.
    """
    height = mask.shape[0]
    boxes, total = _boxes(mask, count)
    # No object has more edges than twice its pixels.
    edges = np.empty(2 * total, dtype=np.int64)
    firsts = np.zeros(count + 1, dtype=np.int64)
    flat, width, found = mask.reshape(-1), mask.shape[1], 0
    for k in range(count):
        value, inside = np.uint16(k + 1), False
        top, left, bottom, right = boxes[k]
        for x in range(left, right):
            for y in range(top, bottom):
                if (flat[np.uintp(y * width + x)] == value) != inside:
                    edges[found] = x * height + y
                    inside = not inside
                    found += 1
            # A run goes on in the next column only over the whole height.
            if inside and (bottom - top < height or x + 1 == right):
                edges[found] = x * height + bottom
                inside = False
                found += 1
        firsts[k + 1] = found
    return edges[:found].copy(), firsts


@compiled
def _boxes(mask: NDArray[np.uint16], count: int) -> tuple[NDArray[np.int64], int]:
    """The half-open box of each object's pixels, ``(count, 4)``, and how many pixels there are in all."""
    height, width = mask.shape
    boxes = np.empty((count, 4), dtype=np.int64)
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = height, width, 0, 0
    total = 0
    flat = mask.reshape(-1)
    for y in range(height):
        for begin in range(0, width, _BLOCK):
            # Unsigned indices, here and above, spare numba's test whether an index counts from the end.
            at, length = np.uintp(y * width + begin), min(_BLOCK, width - begin)
            any_object = np.uint16(0)
            for n in range(length):
                any_object |= flat[at + np.uintp(n)]
            if any_object == 0:
                continue
            x = 0
            while x < length:
                first, value = x, flat[at + np.uintp(x)]
                while x < length and flat[at + np.uintp(x)] == value:
                    x += 1
                if value > 0:
                    box = boxes[np.uintp(value) - np.uintp(1)]
                    box[0], box[1] = min(box[0], y), min(box[1], begin + first)
                    box[2], box[3] = y + 1, max(box[3], begin + x)
                    total += x - first
    return boxes, total


@compiled
def mask_areas(edges: NDArray[np.int64], firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels of each object, ``(count,)``, from `mask_edges`."""
    areas = np.zeros(len(firsts) - 1, dtype=np.int64)
    for k in range(len(areas)):
        for e in range(firsts[k], firsts[k + 1], 2):
            areas[k] += edges[e + 1] - edges[e]
    return areas


@compiled
def runs_text(
    edges: NDArray[np.int64], firsts: NDArray[np.int64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The runs of each object as text.

    Args:
        edges: of `mask_edges`.
        firsts: of `mask_edges`.
        size: pixels of the mask.

    Returns:
        The bytes of all texts one after the other, and ``(count,)`` where each ends.
    """
    count = len(firsts) - 1
    # Seven groups of five bits hold any run below 2^34.
    text = np.empty(7 * (len(edges) + count), dtype=np.uint8)
    ends = np.empty(count, dtype=np.int64)
    at = 0
    for k in range(count):
        position, last, last_but_one = 0, 0, 0
        for e in range(firsts[k], firsts[k + 1] + 1):
            edge = edges[e] if e < firsts[k + 1] else size
            if e == firsts[k + 1] and position == size:
                break
            run = edge - position
            value = run - last_but_one if e - firsts[k] > 2 else run
            position, last_but_one, last = edge, last, run
            more = True
            while more:
                bits = value & 31
                value >>= 5
                more = value != (-1 if bits & 16 else 0)
                text[at] = bits + 48 + (32 if more else 0)
                at += 1
        ends[k] = at
    return text[:at], ends
