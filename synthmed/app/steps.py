"""Progress of work that goes over the same images several times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[int, int], None]


class Steps:
    """Counts steps of several passes as one.

    Args:
        progress: called with steps done and steps in all, never more done than there are.
        total: the steps in all.

    Examples:
        >>> steps = Steps(lambda done, total: print(done, "of", total), 3)
        >>> list(steps.over("ab"))
        1 of 3
        2 of 3
        ['a', 'b']
        >>> steps.tick()
        3 of 3
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def tick(self) -> None:
        """Count a step."""
        self.done = min(self.done + 1, self.total)
        if self.progress is not None:
            self.progress(self.done, self.total)

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The items themselves, a step for each."""
        for item in items:
            self.tick()
            yield item


def part(number: int, parts: int, progress: Progress | None) -> Progress | None:
    """The progress of one of several passes over the same things, as progress of the whole.

    Examples:
        >>> part(1, 2, lambda done, total: print(done, "of", total))(3, 10)
        13 of 20
    """
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(number * total + done, parts * total)
