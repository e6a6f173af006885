"""`Words`: a column of text by the numbers of its distinct words, a few bytes for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Words(NamedTuple):
    """A column of text.

    Examples:
        >>> column = Words.of(["RBC", "WBC", "RBC"])
        >>> column.codes.tolist(), column.words, column.text(2)
        ([0, 1, 0], ['RBC', 'WBC'], 'RBC')

    Attributes:
        codes: ``(N,)`` int32, the word of each row.
        words: the distinct words, in the order in which they first occur.
    """

    codes: NDArray[np.int32]
    words: list[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Words:
        """The column of a list of texts."""
        numbers: dict[str, int] = {}
        return cls(number_words(texts, numbers), list(numbers))

    def text(self, row: int) -> str:
        """What stands in a row."""
        return self.words[int(self.codes[row])]

    def where(self, holds: Callable[[str], bool]) -> NDArray[np.bool_]:
        """``(N,)`` in which rows something holds of the word."""
        return np.array([holds(word) for word in self.words], dtype=bool)[self.codes]

    def mapped(self, change: Callable[[str], str]) -> Words:
        """The column with each word changed."""
        changed = Words.of(map(change, self.words))
        return Words(changed.codes[self.codes], changed.words)

    def select(self, keep: NDArray[np.bool_]) -> Words:
        """The rows where ``keep`` (``(N,)`` bool) holds, and the words that occur in them."""
        codes = self.codes[keep]
        used, new = np.unique(codes, return_inverse=True)
        return Words(new.astype(np.int32).reshape(-1), [self.words[code] for code in used])


def number_words(texts: Iterable[str], numbers: dict[str, int]) -> NDArray[np.int32]:
    """The numbers of texts, ``(N,)``; new ones get the next numbers, and are added to ``numbers``."""
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int32)
