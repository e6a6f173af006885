"""Brightness, contrast and stain as tables from grey level to grey level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled


def tone_tables(
    backgrounds: NDArray[np.float64],
    brightness: NDArray[np.float64],
    contrast: NDArray[np.float64],
    stain: NDArray[np.float64],
) -> NDArray[np.int16]:
    """What becomes of each grey level; the background keeps its colour but for the brightness.

    By the law of Beer and Lambert the optical density ``-log(I / background)`` is proportional to the amount
    of dye, so that a stronger stain multiplies it. One grey level more above and below keeps black finite.

    Args:
        backgrounds: ``(M, 3)``, grey levels.
        brightness: ``(M,)``, added, as a share of white.
        contrast: ``(M,)``, factor on the difference from the background.
        stain: ``(M, 3)``, factor on the optical density.

    Returns:
        ``(M, 3, 256)`` int16, not yet limited to 0..255.

    Examples:
        >>> half = np.array([[199.0, 199.0, 199.0]])
        >>> tables = tone_tables(half, np.zeros(1), np.ones(1), np.array([[1.0, 2.0, 0.5]]))
        >>> tables[0, :, 99].tolist(), tables[0, :, 199].tolist()
        ([99, 49, 140], [199, 199, 199])
    """
    levels = np.arange(256) + 1.0
    ground = backgrounds[:, :, None] + 1
    stained = ground * (levels / ground) ** stain[:, :, None]
    changed = ground + (stained - ground) * contrast[:, None, None] + 255 * brightness[:, None, None] - 1
    return np.clip(np.rint(changed), -512, 767).astype(np.int16)


@compiled
def apply_tones(
    pixels: NDArray[np.uint8],
    tables: NDArray[np.int16],
    added: NDArray[np.int16],
    starts: NDArray[np.int64],
    areas: NDArray[np.int64],
) -> None:
    """Change the pixels of M objects.

    Args:
        pixels: ``(S, 3)``, changed.
        tables: ``(M, 3, 256)``, or none where tones stay.
        added: ``(S, 3)``, added after that, or none.
        starts: ``(M,)``, first pixel of each object.
        areas: ``(M,)``, how many it has.
    """
    for k in range(len(starts)):
        for p in range(starts[k], starts[k] + areas[k]):
            for channel in range(3):
                value = np.int64(pixels[p, channel])
                if len(tables):
                    value = np.int64(tables[k, channel, value])
                if len(added):
                    value += added[p, channel]
                pixels[p, channel] = min(max(value, 0), 255)
