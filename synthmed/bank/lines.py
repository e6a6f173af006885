"""Straight lines, such as the ruling of a counting chamber, go on where an object was taken out of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

_LONGEST_PX = 160
"""A line is not guessed over a longer gap."""

_PROBES_PX = (0, 3, 6, 9)
"""How far beyond the hole a line has to be there, on both sides, with the same sign."""

LOOK_PX = 60
"""How much of the surroundings of a hole is looked at."""

_ANGLES = 72
_LEAST_ANGLE = 8
"""A second line in one hole crosses the first by more than so many of these angles."""

_MOST_RAYS = 500
_LEAST_MATCH = 0.6
"""Share of what stands out on either side of a hole that has to be found again on the other."""

_FAINT, _CLEAR = 2.0, 5.0
"""In noises: below the first a place is background, and from the second on it is surely a line."""


def continue_lines(
    relief: NDArray[np.float32], known: NDArray[np.bool_], hole: NDArray[np.bool_], noise: float
) -> NDArray[np.float32]:
    """What lines add to the shade inside a hole.

    For each of 72 directions one looks from the places of the hole both ways. Along a line the two ends are
    alike, so the direction with the best agreement is taken, and values are interpolated between both ends;
    then once more for a line that crosses the first.

    Args:
        relief: ``(H, W, 3)``, by how much the image differs from its shade.
        known: ``(H, W)`` bool, where no object is.
        hole: ``(H, W)`` bool, the places to fill.
        noise: standard deviation of the background.

    Returns:
        ``(H, W, 3)``; 0 outside the hole, and where no line crosses it.
    """
    added = np.zeros_like(relief)
    noise = max(noise, 1.0)
    if (np.abs(relief.mean(axis=2))[known] <= _CLEAR * noise).all():
        return added
    places = np.argwhere(hole)
    scored = places[:: max(1, len(places) // _MOST_RAYS)]
    steps = _steps()
    probes = np.array(_PROBES_PX, dtype=np.int64)
    scores = np.array([_agreement(relief, known, scored, step, probes, noise) for step in steps])
    for _ in range(2):
        best = int(np.argmax(scores))
        if scores[best] <= 0:
            break
        _draw(added, relief, known, places, steps[best], probes, noise)
        away = np.abs((np.arange(_ANGLES) - best + _ANGLES // 2) % _ANGLES - _ANGLES // 2)
        scores[away <= _LEAST_ANGLE] = 0
    return added


def _steps() -> NDArray[np.float64]:
    """``(72, 2)``, one pixel (row, column) along each direction of half a turn."""
    angles = np.arange(_ANGLES) * np.pi / _ANGLES
    return np.stack([np.sin(angles), np.cos(angles)], axis=1)


@compiled
def _end(relief, known, row, column, step, probes, noise, found):  # type: ignore[no-untyped-def]
    """Look from a place one way: the distance to the end of the hole, and what goes on there in ``found``.

    Where another hole follows too closely the line is looked for beyond it. The distance is -1 where the
    image ends or the gap is too long; ``found`` is 0 where nothing that stands out goes on.
    """
    height, width = known.shape
    found[:] = 0
    for distance in range(1, _LONGEST_PX):
        lowest, highest, seen = np.inf, -np.inf, True
        found[:] = 0
        for probe in probes:
            y = int(np.floor(row + 0.5 + (distance + probe) * step[0]))
            x = int(np.floor(column + 0.5 + (distance + probe) * step[1]))
            if y < 0 or x < 0 or y >= height or x >= width:
                return -1
            if not known[y, x]:
                seen = False
                break
            level = (relief[y, x, 0] + relief[y, x, 1] + relief[y, x, 2]) / 3
            lowest, highest = min(lowest, level), max(highest, level)
            for channel in range(3):
                found[channel] += relief[y, x, channel] / len(probes)
        if seen:
            if lowest < _FAINT * noise and highest > -_FAINT * noise:
                found[:] = 0
            return distance
    return -1


@compiled
def _agreement(relief, known, places, step, probes, noise):  # type: ignore[no-untyped-def]
    """How much of what stands out at the ends of a hole agrees along a direction; 0 where too little does."""
    one, other = np.zeros(3), np.zeros(3)
    agreed, present, clear = 0.0, 0.0, 0
    for row, column in places:
        if _end(relief, known, row, column, step, probes, noise, one) < 0:
            continue
        if _end(relief, known, row, column, -step, probes, noise, other) < 0:
            continue
        first, second = one.mean(), other.mean()
        present += max(abs(first), abs(second))
        if first * second > 0:
            agreed += min(abs(first), abs(second))
            clear += min(abs(first), abs(second)) > _CLEAR * noise
    if clear < 3 or agreed < _LEAST_MATCH * present:
        return 0.0
    return agreed


@compiled
def _draw(added, relief, known, places, step, probes, noise):  # type: ignore[no-untyped-def]
    """Interpolate between both ends, wherever they agree."""
    one, other = np.zeros(3), np.zeros(3)
    for row, column in places:
        to_one = _end(relief, known, row, column, step, probes, noise, one)
        to_other = _end(relief, known, row, column, -step, probes, noise, other)
        if to_one < 0 or to_other < 0 or one.mean() * other.mean() <= 0:
            continue
        share = to_other / (to_one + to_other)
        for channel in range(3):
            value = share * one[channel] + (1 - share) * other[channel]
            if abs(value) > abs(added[row, column, channel]):
                added[row, column, channel] = value
