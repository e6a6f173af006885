"""The random numbers of a scene: each is a function of the series, the scene, a part of it and a place alone.

They are those of Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
2011), which numpy has too: the key is series and scene, and the counter says which number of which part.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled

OBJECTS, CANVAS, NEIGHBOURS, VARIATION, FINISH, DISTRACTORS = range(6)
"""The parts of a scene. Each has numbers of its own, so that what one of them uses changes no other."""

LARGEST_SEED = 2**64 - 1

_FIRST = 16
"""So many are drawn at once: a call takes longer than they do."""

_ROUNDS = 10
_FACTORS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


class Uniform(Protocol):
    """Where random numbers come from: `Chances`, or a generator of numpy."""

    def random(self, size: int, /) -> NDArray[np.float64]:
        """``(size,)`` float from [0, 1)."""


class Chances:
    """The random numbers of one part of a scene.

    Args:
        seed: of the series, 0 to `LARGEST_SEED`.
        index: the scene.
        part: one of the above.
        attempt: how often it was drawn before.
    """

    def __init__(self, seed: int, index: int, part: int, attempt: int = 0) -> None:
        self._seed, self._index = np.uint64(seed), np.uint64(index)
        self._part, self._attempt = part, attempt
        self._used = 0
        self._first: NDArray[np.float64] | None = None

    def random(self, size: int, /) -> NDArray[np.float64]:
        """The next ``(size,)`` float from [0, 1)."""
        part = self._seed, self._index, self._part, self._attempt
        used, self._used = self._used, self._used - (-size // 4)
        if 4 * self._used > _FIRST:
            return np.asarray(uniform(*part, used, size))
        if self._first is None:
            self._first = np.asarray(uniform(*part, 0, _FIRST))
        return self._first[4 * used : 4 * used + size]

    def generator(self) -> np.random.Generator:
        """A generator of numpy that begins with the same numbers, for what draws more than these."""
        key = np.array([self._seed, self._index])
        counter = np.array([0, self._attempt, 0, self._part], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))


@compiled
def uniform(
    seed: np.uint64, index: np.uint64, part: int, attempt: int, used: int, count: int
) -> NDArray[np.float64]:
    """Random numbers from [0, 1), ``(count,)``, four for each value of the counter.

    Args:
        seed: one half of the key.
        index: the other half.
        part: the highest word of the counter.
        attempt: its second word.
        used: the first word of it that was used last.
        count: how many.
    """
    groups = (count + 3) // 4
    found = np.empty(4 * groups)
    for group in range(groups):
        a, b = np.uint64(used + group + 1), np.uint64(attempt)
        c, d = np.uint64(0), np.uint64(part)
        x, y = seed, index
        for _ in range(_ROUNDS):
            first, second = _upper_half(_FACTORS[0], a), _upper_half(_FACTORS[1], c)
            a, b, c, d = second ^ b ^ x, _FACTORS[1] * c, first ^ d ^ y, _FACTORS[0] * a
            x, y = x + _STEPS[0], y + _STEPS[1]
        at = np.uintp(4 * group)
        found[at] = _share(a)
        found[at + np.uintp(1)] = _share(b)
        found[at + np.uintp(2)] = _share(c)
        found[at + np.uintp(3)] = _share(d)
    return found[:count]


@compiled
def _upper_half(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper 64 bits of a product of 128."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a1 * b0 + ((a0 * b0) >> _HALF)
    upper: np.uint64 = a1 * b1 + (middle >> _HALF) + (((middle & _LOW) + a0 * b1) >> _HALF)
    return upper


@compiled
def _share(bits: np.uint64) -> float:
    """53 of the bits as a number from [0, 1)."""
    share: float = np.int64(bits >> np.uint64(11)) * 2.0**-53
    return share
