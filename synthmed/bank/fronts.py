"""Which click a pixel belongs to: fronts that start at all clicks at once, and the first to arrive owns it.

The fronts are a geodesic Voronoi diagram. A front crosses a distance at the pace of its class's radius, so
that a platelet does not take half of the white cell beside it, and pays for each change of brightness on its
way, so that two fronts meet at the edge between two objects rather than half-way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

REACH = 1.75
"""How far a front may go, in radii: objects are larger than their class, and clicks off their centre."""

_HEAD_START = 0.4
"""Within this share of the radius changes of brightness are free: nuclei, spots and pallor are no edges."""

_PRICE = 1.0
"""Radii that a front loses by crossing the whole contrast of the image."""

_FINEST_SIDE_PX = 16.0
"""Smallest class to which the image may be averaged down; the cuts between objects need no more than that."""

_STRONG_PERCENTILE = 95.0
_LEAST_CONTRAST = 8.0


def share_pixels(
    signed: NDArray[np.float32],
    centers_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    noise: float,
) -> NDArray[np.int32]:
    """Share an image out to the clicks on it.

    Args:
        signed: ``(H, W)`` contrast to the background, as `contrast_map` gives it.
        centers_px: ``(N, 2)`` float.
        sizes_px: ``(N,)`` float, the side of each click's class.
        noise: standard deviation of the background in grey levels.

    Returns:
        ``(H, W)`` int32, the number of the click (from 1) that a pixel belongs to, 0 out of every reach.
    """
    if not len(centers_px):
        return np.zeros(signed.shape, dtype=np.int32)
    factor = max(1, int(sizes_px.min() / _FINEST_SIDE_PX))
    small = _averaged(signed, factor)
    strong = max(float(np.percentile(np.abs(small), _STRONG_PERCENTILE)), 8 * noise, _LEAST_CONTRAST)
    starts = np.clip((centers_px / factor).astype(np.int64), 0, np.array(small.shape) - 1)
    owner = run_fronts(
        starts,
        (2 * factor / sizes_px).astype(np.float32),
        (small * (_PRICE / strong)).astype(np.float32),
        np.float32(REACH),
        np.float32(_HEAD_START),
    )
    if factor == 1:
        return np.asarray(owner)
    whole = np.repeat(np.repeat(owner, factor, axis=0), factor, axis=1)
    return np.ascontiguousarray(whole[: signed.shape[0], : signed.shape[1]])


def _averaged(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of blocks; blocks at the lower and right border repeat the last pixels."""
    if factor == 1:
        return values
    missing = [(0, -length % factor) for length in values.shape]
    whole = np.pad(values, missing, mode="edge")
    height, width = (length // factor for length in whole.shape)
    return np.asarray(whole.reshape(height, factor, width, factor).mean(axis=(1, 3), dtype=np.float32))


@compiled
def run_fronts(  # noqa: C901  numba cannot pass a growing heap through further functions
    starts: NDArray[np.int64],
    paces: NDArray[np.float32],
    value: NDArray[np.float32],
    reach: float,
    head_start: float,
) -> NDArray[np.int32]:
    """Dijkstra's algorithm from all starts at once, on the eight neighbours of each pixel.

    Args:
        starts: ``(N, 2)``, inside the image. Of several on one pixel the first has it.
        paces: ``(N,)``, time for a pixel.
        value: ``(H, W)``; a step costs the pace, times its length, plus the change of this.
        reach: straight distance from its start that a front may go, as time at its pace.
        head_start: within this distance the change of the value is free.

    Returns:
        ``(H, W)`` int32: one plus the start whose front arrived first, 0 where none did.
    """
    height, width = value.shape
    owner = np.zeros((height, width), dtype=np.int32)
    arrival = np.full((height, width), np.float32(np.inf))
    times = np.empty(1024, dtype=np.float32)
    places = np.empty((1024, 2), dtype=np.int64)
    count = 0
    for k in range(len(starts)):
        if count == len(times):
            times, places = _grown(times, places)
        count = _push(times, places, count, np.float32(0), starts[k, 0] * width + starts[k, 1], k)
    while count > 0:
        time, place, k = times[0], places[0, 0], places[0, 1]
        count = _pop(times, places, count)
        row, column = place // width, place % width
        if owner[row, column] != 0:
            continue
        owner[row, column] = k + 1
        for i in range(max(row - 1, 0), min(row + 2, height)):
            for j in range(max(column - 1, 0), min(column + 2, width)):
                if owner[i, j] != 0:
                    continue
                far = ((i - starts[k, 0]) ** 2 + (j - starts[k, 1]) ** 2) * paces[k] ** 2
                if far > reach**2:
                    continue
                length = 1.0 if i == row or j == column else np.sqrt(2.0)
                then = time + paces[k] * length
                if far > head_start**2:
                    then += abs(value[i, j] - value[row, column])
                then = np.float32(then)
                if then < arrival[i, j]:
                    arrival[i, j] = then
                    if count == len(times):
                        times, places = _grown(times, places)
                    count = _push(times, places, count, then, i * width + j, k)
    return owner


@compiled
def _grown(
    times: NDArray[np.float32], places: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The same heap with room for twice as much."""
    more_times = np.empty(2 * len(times), dtype=np.float32)
    more_places = np.empty((2 * len(times), 2), dtype=np.int64)
    more_times[: len(times)] = times
    more_places[: len(times)] = places
    return more_times, more_places


@compiled
def _push(
    times: NDArray[np.float32], places: NDArray[np.int64], count: int, time: float, place: int, k: int
) -> int:
    """Add an entry to a binary heap; returns the new number of entries."""
    i = count
    while i > 0:
        parent = (i - 1) // 2
        if times[parent] <= time:
            break
        times[i] = times[parent]
        places[i] = places[parent]
        i = parent
    times[i] = time
    places[i, 0], places[i, 1] = place, k
    return count + 1


@compiled
def _pop(times: NDArray[np.float32], places: NDArray[np.int64], count: int) -> int:
    """Take the first entry off a binary heap; returns the new number of entries."""
    count -= 1
    time, place, k = times[count], places[count, 0], places[count, 1]
    i = 0
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and times[child + 1] < times[child]:
            child += 1
        if times[child] >= time:
            break
        times[i] = times[child]
        places[i] = places[child]
        i = child
    times[i] = time
    places[i, 0], places[i, 1] = place, k
    return count
