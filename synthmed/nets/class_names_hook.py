"""A checkpoint of other classes is refused, also where their number is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from synthmed.errors import ModelError


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Compares the class names of a checkpoint with those of the dataset, before its weights are used.

    MMEngine sees neither that names differ nor that they stand in another order: labels would then mean
    other classes. Weights that training starts from (``load_from`` without ``resume``) may be of any
    classes, since the network learns the new ones.
    """

    def after_load_checkpoint(self, runner: Any, checkpoint: Mapping[str, Any]) -> None:
        """Compare, where both checkpoint and dataset name their classes.

        Raises:
            ModelError: they are not the same names in the same order.
        """
        learned = _class_names((checkpoint.get("meta") or {}).get("dataset_meta"))
        shown = _dataset_classes(runner)
        if learned is not None and shown is not None and learned != shown:
            raise ModelError(
                f"the checkpoint was trained on the classes {_listed(learned)}, "
                f"and the dataset has {_listed(shown)}",
                remedy="name a checkpoint that was trained on these classes in this order, or the bank that "
                "it was trained with",
            )


def _dataset_classes(runner: Any) -> tuple[str, ...] | None:
    """Classes of the dataset that the weights are for; ``None`` where any weights will do."""
    # Only the loops that this run needs are built. The public properties would build the others as well,
    # and with them their datasets.
    train, val, test = (getattr(runner, f"_{name}_loop") for name in ("train", "val", "test"))
    if isinstance(train, BaseLoop) and not runner.cfg.get("resume", False):
        return None
    for loop in (test, train, val):
        if isinstance(loop, BaseLoop):
            return _class_names(getattr(loop.dataloader.dataset, "metainfo", None))
    return None


def _class_names(metainfo: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    classes = (metainfo or {}).get("classes")
    return None if classes is None else tuple(classes)


def _listed(classes: tuple[str, ...]) -> str:
    return ", ".join(map(repr, classes)) or "none"
