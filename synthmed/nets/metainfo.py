"""What a dataset says about itself: the classes of the bank, their sizes and colours."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthmed.bank import open_bank


def class_colors(count: int) -> list[tuple[int, int, int]]:
    """Distinct colours, red-green-blue, for drawing classes.

    Hues go on by the golden ratio, so that classes which stand side by side are far apart in colour.

    Examples:
        >>> class_colors(2)
        [(230, 57, 57), (57, 108, 230)]
    """
    hues = [(index * 0.6180339887) % 1 for index in range(count)]
    return [_to_bytes(colorsys.hsv_to_rgb(hue, 0.75, 0.9)) for hue in hues]


def dataset_metainfo(classes: Sequence[str], class_sizes_px: Sequence[float] | None) -> dict[str, Any]:
    """The ``metainfo`` of every dataset of synthmed, which MMEngine also stores in checkpoints.

    Args:
        classes: the class names, in the order of the labels.
        class_sizes_px: the side of each class in pixels of the images that the dataset's truth is given in
            (real images, or scenes), where known.
    """
    sizes = None if class_sizes_px is None else tuple(float(size) for size in class_sizes_px)
    return {"classes": tuple(classes), "class_sizes_px": sizes, "palette": class_colors(len(classes))}


def bank_metainfo(folder: str | Path) -> dict[str, Any]:
    """The ``metainfo`` of real images with the classes of a bank; class sizes are in their pixels.

    Raises:
        BankError: there is no usable bank.
    """
    bank = open_bank(folder)
    return dataset_metainfo(bank.classes, bank.sizes_px.tolist())


def _to_bytes(color: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in color)
    return red, green, blue
