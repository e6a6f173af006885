"""Instance masks as run lengths, in the compressed form of COCO."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled


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
    edges, firsts = mask_edges(np.ascontiguousarray(instance_mask.T).ravel(), count)
    texts, ends = runs_text(edges, firsts, instance_mask.size)
    joined = texts.tobytes().decode("ascii")
    cuts = itertools.pairwise([0, *ends.tolist()])
    return [joined[begin:end] for begin, end in cuts], mask_areas(edges, firsts).tolist()


@compiled
def mask_edges(flat: NDArray[np.uint16], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each object begins and ends along a flat mask.

    Args:
        flat: ``(N,)``, 0 for canvas, else one plus the object.
        count: how many objects there are.

    Returns:
        ``(E,)`` positions, begin and end in turn, object after object; ``(count + 1,)`` the first of each.
    """
    firsts = np.zeros(count + 1, dtype=np.int64)
    before = 0
    for p in range(len(flat)):
        if flat[p] != before:
            before = flat[p]
            if before > 0:
                firsts[before] += 2
    for k in range(count):
        firsts[k + 1] += firsts[k]
    edges = np.empty(firsts[count], dtype=np.int64)
    fill = firsts[:-1].copy()
    before = 0
    for p in range(len(flat)):
        if flat[p] != before:
            if before > 0:
                edges[fill[before - 1]] = p
                fill[before - 1] += 1
            before = flat[p]
            if before > 0:
                edges[fill[before - 1]] = p
                fill[before - 1] += 1
    if before > 0:
        edges[fill[before - 1]] = len(flat)
    return edges, firsts


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
