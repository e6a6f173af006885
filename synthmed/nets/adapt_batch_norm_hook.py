"""`AdaptBatchNormHook`: AdaBN at the end of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import HOOKS, TRANSFORMS
from mmengine.dataset import Compose
from mmengine.dist import is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper

from synthmed.errors import DatasetError, ModelError, ProblemLog
from synthmed.nets.adapt_batch_norm import adapt_to_images
from synthmed.nets.adapt_checkpoint import write_adaptation
from synthmed.nets.load_model import image_steps
from synthmed.points import evenly, read_points, refuse_held_out, resolve_inside


@HOOKS.register_module()
class AdaptBatchNormHook(Hook):
    """Adapts the batch norm to real images of the train split after the last iteration, without any label.

    It comes before the last checkpoint is written and before the validation at the end, so both are of the
    adapted network, as ``synthmed adapt`` makes it from a checkpoint without this hook. Earlier checkpoints
    are not adapted: a resumed run ends in the same network. Where a finished run is resumed to train longer,
    the training's own statistics are back after some tens of iterations, and are adapted anew at its end.

    How far each layer has moved stands in ``adapted.json`` in the work folder.

    Args:
        images: the image folder.
        points: CSV or COCO file of the points; only images and splits are read of it.
        batch_size: images per forward pass.
        max_images: of the train images use so many, evenly spread over the list; ``None`` for all.

    Raises:
        ModelError: before training, where weights are averaged by an ``EMAHook``.
        DatasetError: before training, where there are no train images.
        PointsError: before training, where the points cannot be used, or an image of train is a copy of one
            of val or test.
    """

    priority = "NORMAL"  # before the CheckpointHook, which is VERY_LOW

    def __init__(
        self, images: str | Path, points: str | Path, *, batch_size: int = 8, max_images: int | None = None
    ) -> None:
        self.images, self.points = images, points
        self.batch_size, self.max_images = batch_size, max_images

    def before_train(self, runner: Any) -> None:
        """Find the images, so that a mistake is told before anything is trained."""
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise ModelError(
                "AdaptBatchNormHook adapts the network that is trained, and an EMAHook keeps another one",
                remedy="leave it out, and adapt the checkpoint: synthmed adapt CONFIG CHECKPOINT IMAGES",
            )
        self.paths = train_images(self.images, self.points, self.max_images)
        steps = image_steps(runner.cfg, runner.cfg.filename or "the config")
        self.pipeline = Compose([TRANSFORMS.build(step) for step in steps])

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Adapt, after the last iteration."""
        if not self.is_last_train_iter(runner):
            return
        network = runner.model.module if is_model_wrapper(runner.model) else runner.model
        runner.logger.info(f"Adapting batch norm to {len(self.paths)} real images of train, without labels")
        done = adapt_to_images(network, self.pipeline, self.paths, batch_size=self.batch_size)
        divergence = float(np.mean([layer.divergence.mean() for layer in done.layers]))
        runner.logger.info(
            f"Adapted {len(done.layers)} layers in {done.passes} passes; mean divergence {divergence:.3g}"
        )
        if is_main_process():
            write_adaptation(done, len(self.paths), Path(runner.work_dir) / "adapted.json", {})


def train_images(images: str | Path, points: str | Path, most: int | None = None) -> list[Path]:
    """Files of the train split.

    Args:
        images: the image folder.
        points: CSV or COCO file of the points.
        most: of more, so many are taken, evenly spread over the list.

    Raises:
        PointsError: the points cannot be used, or an image of train is a copy of one of val or test, or of
            its group.
        DatasetError: there are no such images.
    """
    found = read_points(points, images, log=ProblemLog())
    of_split = zip(found.images, found.splits, strict=True)
    names = [name for name, split in of_split if split == "train"]
    if not names or (most is not None and most < 1):
        raise DatasetError(
            "there are no images of train to adapt to", file=points, value=most, remedy="mark some as train"
        )
    pairs = [(name, resolve_inside(images, name)) for name in evenly(names, most)]
    refuse_held_out(pairs, found, images)
    return [path for _, path in pairs]
