"""Fit patches to the canvas all round their rim (Poisson blending).

A patch whose gradients are kept and whose rim is to meet the canvas is the patch plus a harmonic membrane:
the function that is the difference of canvas and patch on the rim, and elsewhere the mean of the four
neighbours (Perez, Gangnet and Blake, "Poisson image editing", 2003). It is solved from coarse to fine.

Where the rim runs over the object itself, or over a neighbour that came along, the difference is not one of
light, and would wash the object out. There the patch counts as little farther from its background than light
and noise may bring it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

_OUTSIDE, _FREE, _RIM = 0, 1, 2
_SLACK_LEVELS = 20.0
_SWEEPS = 16
_RELAXATION = 1.6


@compiled
def membranes(
    canvas: NDArray[np.uint8],
    pixels: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    corners: NDArray[np.int64],
    backgrounds: NDArray[np.float64],
    added: NDArray[np.int16],
) -> None:
    """What is to be added to M objects so that their rims meet the bare canvas.

    Args:
        canvas: ``(H, W, 3)``; beyond its border its last pixel goes on.
        pixels: ``(S, 3)``, all objects.
        mattes: ``(S,)``.
        starts: ``(M,)``, first pixel of each object.
        sizes: ``(M, 2)``, its shape.
        corners: ``(M, 2)``, its first pixel on the canvas.
        backgrounds: ``(M, 3)``, the background of each patch.
        added: ``(S, 3)``, written; 0 where the matte is.
    """
    for k in range(len(sizes)):
        height, width = sizes[k, 0], sizes[k, 1]
        kinds = np.zeros(height * width, dtype=np.uint8)
        values = np.zeros((height * width, 3))
        for i in range(height):
            for j in range(width):
                p = i * width + j
                kinds[p] = _kind(mattes, starts[k], height, width, i, j)
                if kinds[p] == _RIM:
                    y = min(max(corners[k, 0] + i, 0), canvas.shape[0] - 1)
                    x = min(max(corners[k, 1] + j, 0), canvas.shape[1] - 1)
                    for channel in range(3):
                        ground = backgrounds[k, channel]
                        own = np.float64(pixels[starts[k] + p, channel])
                        own = min(max(own, ground - _SLACK_LEVELS), ground + _SLACK_LEVELS)
                        values[p, channel] = canvas[y, x, channel] - own
        _solve(kinds, values, height, width)
        for p in range(height * width):
            for channel in range(3):
                added[starts[k] + p, channel] = np.int16(np.rint(values[p, channel]))


@compiled
def _kind(mattes: NDArray[np.uint8], start: int, height: int, width: int, i: int, j: int) -> int:
    """Whether a pixel lies outside the matte, within it, or on its rim."""
    p = start + i * width + j
    if mattes[p] == 0:
        return _OUTSIDE
    if i == 0 or j == 0 or i == height - 1 or j == width - 1:
        return _RIM
    inner = mattes[p - 1] > 0 and mattes[p + 1] > 0 and mattes[p - width] > 0 and mattes[p + width] > 0
    return _FREE if inner else _RIM


@compiled
def _solve(kinds: NDArray[np.uint8], values: NDArray[np.float64], height: int, width: int) -> None:
    """Fill the free pixels with the harmonic function that the rim has.

    Args:
        kinds: ``(N,)``, the pixels of an image row by row.
        values: ``(N, 3)``, given on the rim; free pixels are written.
        height: of the image.
        width: of the image.
    """
    levels = 1
    h, w, total = height, width, height * width
    while h > 2 and w > 2:
        h, w = (h + 1) // 2, (w + 1) // 2
        total += h * w
        levels += 1
    heights = np.empty(levels, dtype=np.int64)
    widths = np.empty(levels, dtype=np.int64)
    begins = np.zeros(levels + 1, dtype=np.int64)
    kind = np.zeros(total, dtype=np.uint8)
    value = np.zeros((total, 3))
    kind[: height * width] = kinds
    value[: height * width] = values
    h, w = height, width
    for level in range(levels):
        heights[level], widths[level] = h, w
        begins[level + 1] = begins[level] + h * w
        h, w = (h + 1) // 2, (w + 1) // 2
    for level in range(levels - 1):
        a, b, c = begins[level], begins[level + 1], begins[level + 2]
        _coarsen(kind[a:b], value[a:b], heights[level], widths[level], kind[b:c], value[b:c])
    for level in range(levels - 1, -1, -1):
        a, b = begins[level], begins[level + 1]
        if level < levels - 1:
            coarse = value[b : begins[level + 2]]
            _refine(kind[a:b], value[a:b], heights[level], widths[level], coarse, widths[level + 1])
        _relax(kind[a:b], value[a:b], heights[level], widths[level])
    values[:] = value[: height * width]


@compiled
def _coarsen(
    kind: NDArray[np.uint8],
    value: NDArray[np.float64],
    height: int,
    width: int,
    coarse_kind: NDArray[np.uint8],
    coarse_value: NDArray[np.float64],
) -> None:
    """Cells of two by two pixels: rim where one of them is, with the mean of those."""
    columns = (width + 1) // 2
    count = np.zeros(len(coarse_kind))
    for i in range(height):
        for j in range(width):
            p, q = i * width + j, i // 2 * columns + j // 2
            coarse_kind[q] = max(coarse_kind[q], kind[p])
            if kind[p] == _RIM:
                count[q] += 1
                coarse_value[q] += value[p]
    for q in range(len(count)):
        if count[q] > 0:
            coarse_value[q] /= count[q]


@compiled
def _refine(
    kind: NDArray[np.uint8],
    value: NDArray[np.float64],
    height: int,
    width: int,
    coarse: NDArray[np.float64],
    columns: int,
) -> None:
    """Begin with what the cells have."""
    for i in range(height):
        for j in range(width):
            if kind[i * width + j] == _FREE:
                value[i * width + j] = coarse[i // 2 * columns + j // 2]


@compiled
def _relax(kind: NDArray[np.uint8], value: NDArray[np.float64], height: int, width: int) -> None:
    """Bring free pixels to the mean of their neighbours, forwards and backwards in turn."""
    free = np.flatnonzero(kind == _FREE)
    for sweep in range(_SWEEPS):
        # The last sweeps do not overshoot, which leaves no ripples.
        factor = 1.0 if sweep >= _SWEEPS - 2 else _RELAXATION
        for n in range(len(free)):
            p = free[n] if sweep % 2 == 0 else free[len(free) - 1 - n]
            for channel in range(3):
                beside = value[p - 1, channel] + value[p + 1, channel]
                beside += value[p - width, channel] + value[p + width, channel]
                value[p, channel] += factor * (beside * 0.25 - value[p, channel])
