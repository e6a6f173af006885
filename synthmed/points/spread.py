"""Some of many images, so that each part of a collection is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(images: Sequence[T], most: int | None) -> Sequence[T]:
    """At most so many images, evenly spread over a list; ``None`` for all.

    Examples:
        >>> evenly("abcdefg", 3), evenly("ab", 3), evenly("ab", None)
        (['a', 'd', 'g'], 'ab', 'ab')
    """
    if most is None or most >= len(images):
        return images
    step = (len(images) - 1) / max(1, most - 1)
    return [images[round(number * step)] for number in range(most)]
