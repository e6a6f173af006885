"""Which items of a training are real images: an exact share of every beginning of the series."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import DatasetError

# Streams of their own beside those that scenes are drawn from.
_PLACE, _ORDER, _POOL = 6, 7, 8


@dataclass(frozen=True)
class Mix:
    """A series of items without end, of which an exact share is real.

    The series is cut into strata of ``1 / share`` items, and one item at a random place of each is real
    (above one half, one is a scene). So of the first *n* items, for every *n*, ``share * n`` are real to
    within one. Every item is known from its number alone, without those before it. The real images come in a
    random order, all of them before any comes again.

    Args:
        share: of items that are real, 0 to 1; a decimal fraction means exactly what is written.
        pool: how many real images there are.
        seed: of places and orders.

    Raises:
        DatasetError: there is no such share, or none of the real images that it needs.

    Examples:
        >>> mix = Mix(0.25, pool=2, seed=0)
        >>> [mix.real_image(item) for item in range(12)]
        [None, None, 0, None, None, 1, None, None, None, None, 0, None]
        >>> mix.real_before(12), mix.repeats(12)
        (3, (1, 2))
    """

    share: float | Fraction
    pool: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise DatasetError(
                "there is no such share of real images", value=self.share, remedy="use 0 to 1, such as 0.1"
            )
        if self.share and self.pool < 1:
            raise DatasetError("there are no real images to mix in", remedy="name some, or use the share 0")

    @property
    def exact_share(self) -> Fraction:
        """The share as a fraction: 0.1 is one tenth, not the nearest number with a finite binary form."""
        return Fraction(str(self.share))

    def real_image(self, item: int) -> int | None:
        """The number of the real image that an item shows, below `pool`; ``None`` for a scene."""
        before = self.real_before(item)
        if self.real_before(item + 1) == before:
            return None
        return int(_order(self.seed, before // self.pool, self.pool)[before % self.pool])

    def real_before(self, item: int) -> int:
        """How many of the first ``item`` items are real."""
        share = self.exact_share
        if share <= Fraction(1, 2):
            return _rare_before(item, share, self.seed)
        return item - _rare_before(item, 1 - share, self.seed)

    def repeats(self, items: int) -> tuple[int, int]:
        """How often the real images come in the first ``items`` items: the least and the most often shown."""
        shown = self.real_before(items)
        return (shown // self.pool, -(-shown // self.pool)) if self.pool else (0, 0)


def choose_pool(available: int, wanted: int | None, seed: int) -> NDArray[np.int64]:
    """Which real images are used, where not all are: a smaller choice is a part of every larger one.

    Args:
        available: how many there are.
        wanted: how many to use; ``None`` for all.
        seed: of the choice.

    Returns:
        ``(wanted,)`` numbers below ``available``, ascending.

    Raises:
        DatasetError: there are not so many.

    Examples:
        >>> choose_pool(8, 3, 0).tolist(), choose_pool(8, 4, 0).tolist()
        ([0, 4, 7], [0, 4, 6, 7])
    """
    if wanted is None:
        return np.arange(available)
    if not 0 < wanted <= available:
        raise DatasetError(
            "there are not so many real images", value=wanted, remedy=f"ask for 1 to {available}, or for all"
        )
    return np.sort(np.random.default_rng([seed, _POOL]).permutation(available)[:wanted])


def _rare_before(item: int, share: Fraction, seed: int) -> int:
    """How many of the first ``item`` items are of the source whose share is at most one half."""
    if not share:
        return 0
    stratum = int(item * share)
    first, end = (-(-number * share.denominator // share.numerator) for number in (stratum, stratum + 1))
    place = first + int(np.random.default_rng([seed, stratum, _PLACE]).integers(end - first))
    return stratum + (item > place)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, pool: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch, _ORDER]).permutation(pool)
