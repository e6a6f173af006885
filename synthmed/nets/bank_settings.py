"""What a network takes from a bank: how many classes there are, and the anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from synthmed.bank import open_bank
from synthmed.errors import ModelError
from synthmed.nets.anchors import anchors_from_bank
from synthmed.nets.scene_dataset import load_recipe
from synthmed.scenes import scene_scale


class DetectorSettings(NamedTuple):
    """Number of classes, and anchors as ``(width, height)`` in pixels of the network's input."""

    num_classes: int
    anchors_wh_px: list[tuple[float, float]]


def detector_settings(
    bank: str | Path | None,
    recipe: Mapping[str, Any] | str | Path | None,
    size_px: Sequence[int] | None,
    num_classes: int | None,
    anchors_wh_px: Sequence[Sequence[float]] | None,
    num_anchors: int,
) -> DetectorSettings:
    """Number of classes and anchors: those that are given, and the rest from the bank, which is opened once.

    Args:
        bank: folder of the bank; not opened where both other values are given.
        recipe: the recipe of the scenes, which decides how large the bank's objects appear.
        size_px: height and width of the scenes, where not the recipe's.
        num_classes: number of classes, or ``None``.
        anchors_wh_px: anchors, or ``None``.
        num_anchors: how many anchors to find in the bank.

    Raises:
        ModelError: where neither a bank nor both values are given, or a value makes no sense.
        BankError: where there is no usable bank.
    """
    if num_classes is None or anchors_wh_px is None:
        if not bank:
            raise ModelError(
                "a detector without a bank needs num_classes and anchors_wh_px", remedy="name the bank"
            )
        opened = open_bank(bank)
        num_classes = num_classes or len(opened.classes)
        if anchors_wh_px is None:
            scale = scene_scale(load_recipe(recipe, size_px), opened)
            anchors_wh_px = anchors_from_bank(opened, scale, num_anchors).sizes_px[:, ::-1].tolist()
    anchors = [(float(width), float(height)) for width, height in anchors_wh_px]
    if num_classes < 1 or not anchors or min(min(anchor) for anchor in anchors) <= 0:
        raise ModelError(
            "a detector needs at least one class and one anchor, with positive sizes",
            value=(num_classes, anchors),
            remedy="name the bank, or mend num_classes and anchors_wh_px",
        )
    return DetectorSettings(num_classes, anchors)


def class_count(bank: str | Path | None, num_classes: int | None) -> int:
    """Number of classes: the one given, else that of the bank.

    Raises:
        ModelError: where neither is given.
        BankError: where there is no usable bank.
    """
    if num_classes is None:
        if not bank:
            raise ModelError("a network without a bank needs num_classes", remedy="name the bank")
        num_classes = len(open_bank(bank).classes)
    if num_classes < 1:
        raise ModelError("a network needs at least one class", value=num_classes, remedy="name the bank")
    return num_classes
