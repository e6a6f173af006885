"""Whether x and y were exchanged, as far as rows alone tell: points outside that would lie inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEWEST = 3
_NEARLY_ALL = 0.99
_NOTABLE = 0.02


def swapped_note(file: str, centers_px: NDArray[np.float64], shapes_px: NDArray[np.integer]) -> str:
    """A sentence where exchanging x and y brings points into their images; empty where it does not.

    Args:
        file: the file, for the sentence.
        centers_px: ``(N, 2)`` float, row and column; NaN where unknown.
        shapes_px: ``(N, 2)`` int, height and width of the image of each.

    Examples:
        >>> print(swapped_note("a.csv", np.array([[5.0, 20.0]] * 3), np.array([[30, 10]] * 3)))
        a.csv: 3 of 3 points lie outside their image, and none would with x and y exchanged; if the file has
        them in the other order, pass --column x=y --column y=x
        >>> swapped_note("a.csv", np.zeros((0, 2)), np.zeros((0, 2)))
        ''
    """
    known = np.isfinite(centers_px).all(axis=1)
    centers_px, shapes_px = centers_px[known], shapes_px[known]
    lost = len(centers_px) - int(_inside(centers_px, shapes_px).sum())
    still = len(centers_px) - int(_inside(centers_px[:, ::-1], shapes_px).sum())
    if lost < max(_FEWEST, _NOTABLE * len(centers_px)) or still > (1 - _NEARLY_ALL) * len(centers_px):
        return ""
    rest = "none" if not still else f"only {still}"
    return (
        f"{file}: {lost} of {len(centers_px)} points lie outside their image, and {rest} would with x and y "
        "exchanged; if the file has them in the other order, pass --column x=y --column y=x"
    )


def _inside(centers_px: NDArray[np.float64], shapes_px: NDArray[np.integer]) -> NDArray[np.bool_]:
    return np.asarray(((centers_px >= 0) & (centers_px < shapes_px)).all(axis=1))
