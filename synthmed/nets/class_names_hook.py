"""Classes that differ between network, datasets and checkpoint are refused, also where they are as many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from synthmed.errors import ModelError


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Compares the classes of network, datasets and checkpoint, before anything is computed.

    MMEngine sees neither that names differ nor that they stand in another order: labels would then mean
    other classes. Weights that training starts from (``load_from`` without ``resume``) may be of any
    classes, since the network learns the new ones.
    """

    def before_run(self, runner: Any) -> None:
        """Compare the datasets of this run with each other, and their number of classes with the network's.

        Raises:
            ModelError: they differ.
        """
        shown = [names for loop in _built_loops(runner) if (names := _loop_classes(loop)) is not None]
        for other in shown[1:]:
            if other != shown[0]:
                raise ModelError(
                    f"one dataset has the classes {_listed(shown[0])}, and another {_listed(other)}",
                    remedy="name the same bank in train_dataloader, val_dataloader and test_dataloader",
                )
        known = _network_classes(getattr(runner, "model", None))
        if shown and known is not None and known != len(shown[0]):
            raise ModelError(
                f"the network tells {known} classes apart, and the dataset has {_listed(shown[0])}",
                remedy="leave num_classes out, and name the bank of the dataset in the model as well",
            )

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
    built = _built_loops(runner)
    learns = isinstance(runner._train_loop, BaseLoop)
    if not built or (learns and not runner.cfg.get("resume", False)):
        return None
    return _loop_classes(built[0])


def _built_loops(runner: Any) -> list[BaseLoop]:
    # Only the loops that this run needs are built. The public properties would build the others as well,
    # and with them their datasets.
    loops = (getattr(runner, f"_{name}_loop") for name in ("test", "train", "val"))
    return [loop for loop in loops if isinstance(loop, BaseLoop)]


def _loop_classes(loop: BaseLoop) -> tuple[str, ...] | None:
    return _class_names(getattr(loop.dataloader.dataset, "metainfo", None))


def _network_classes(model: Any) -> int | None:
    network = getattr(model, "module", model)  # inside of what trains on several devices
    count = getattr(getattr(network, "bbox_head", network), "num_classes", None)
    return count if isinstance(count, int) else None


def _class_names(metainfo: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    classes = (metainfo or {}).get("classes")
    return None if classes is None else tuple(classes)


def _listed(classes: tuple[str, ...]) -> str:
    return ", ".join(map(repr, classes)) or "none"
