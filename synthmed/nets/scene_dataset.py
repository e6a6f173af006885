"""`SceneDataset`: scenes composed in the data loader, with nothing on disk but the bank."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS
from mmdet.structures.bbox import HorizontalBoxes

from synthmed.bank import PatchBank, open_bank
from synthmed.errors import DatasetError
from synthmed.nets.metainfo import dataset_metainfo
from synthmed.scenes import (
    Recipe,
    Scene,
    count_unplaced,
    draw_plan,
    make_recipe,
    read_recipe,
    render,
    require_visible,
    scene_scale,
    spread_warnings,
    unplaced_warnings,
    with_size,
)

_log = logging.getLogger(__name__)


@DATASETS.register_module()
class SceneDataset(BaseDetDataset):
    """Scenes of a bank and a recipe, composed when they are asked for.

    Item *k* is scene *k* of the series ``seed`` and depends on (bank, recipe, seed, pipeline, k) alone, so
    any worker of any process composes the same. Every k from 0 on is valid, whatever ``length`` says, and a
    `SceneSampler` asks for new ones in each epoch. ``metainfo["class_sizes_px"]`` is in pixels of the scenes.

    Args:
        bank: folder of the bank. Each worker opens it for itself, memory-mapped.
        recipe: fields of a `Recipe`, a YAML file of them, or ``None`` or ``""`` for the default recipe.
        length: how many scenes are called an epoch.
        seed: which series of scenes.
        size_px: height and width of the scenes, where not the recipe's ``canvas.size_px``.
        min_visible: an object of which a smaller fraction is visible is marked to be ignored.
        pipeline: MMDetection transforms; they find ``img``, ``gt_bboxes``, ``gt_bboxes_labels`` and
            ``gt_ignore_flags``.
        metainfo: entries that override those of the bank.
        test_mode: also give the labels as ``instances``, which metrics read.
        **kwargs: what `BaseDetDataset` takes besides.

    Raises:
        BankError: there is no usable bank at ``bank``.
        RecipeError: the recipe is not valid, or its scenes cannot hold what it asks for.
        DatasetError: ``length`` or ``seed`` is not usable.
    """

    def __init__(
        self,
        bank: str | Path,
        recipe: Mapping[str, Any] | str | Path | None = None,
        *,
        length: int = 1000,
        seed: int = 0,
        size_px: Sequence[int] | None = None,
        min_visible: float = 0.25,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        metainfo: Mapping[str, Any] | None = None,
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        for name, value, least in (("length", length, 1), ("seed", seed, 0)):
            if value < least:
                raise DatasetError(
                    f"{name} is too small", value=value, remedy=f"it is a whole number from {least} on"
                )
        self.bank_folder = str(bank)
        self.recipe = load_recipe(recipe, size_px)
        self.length, self.seed, self.min_visible = int(length), int(seed), float(min_visible)
        self._bank: PatchBank | None = None
        self._tell_unplaced()
        super().__init__(
            metainfo={**_scene_metainfo(open_bank(bank), self.recipe), **(metainfo or {})},
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
            lazy_init=True,
            **kwargs,
        )
        self._fully_initialized = True

    @property
    def bank(self) -> PatchBank:
        """The bank, opened by the process that asks first."""
        if self._bank is None:
            self._bank = open_bank(self.bank_folder)
        return self._bank

    def _tell_unplaced(self) -> None:
        """Say once, before any worker starts, which classes often find no place."""
        bank = open_bank(self.bank_folder)
        require_visible(self.recipe, bank)
        placed, unplaced = count_unplaced(self.recipe, bank, self.seed)
        for warning in unplaced_warnings(bank.classes, placed.tolist(), unplaced.tolist()):
            _log.warning("%s, first scenes: %s", self.bank_folder, warning)
        for warning in spread_warnings(self.recipe.objects, bank):
            _log.warning("%s: %s", self.bank_folder, warning)

    def __getstate__(self) -> dict[str, Any]:
        # A memory map pickles as its content: a worker that is spawned opens its own instead.
        return {**self.__dict__, "_bank": None}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, idx: int) -> Any:
        """Scene ``idx`` after the pipeline.

        Raises:
            DatasetError: the pipeline drops the scene.
        """
        data = self.prepare_data(idx)
        if data is None:
            raise DatasetError(
                "a step of the pipeline drops the scene",
                value=idx,
                remedy="leave out steps that filter: a scene without objects is a negative and is wanted",
            )
        return data

    def prepare_data(self, idx: int) -> Any:
        """Compose scene ``idx`` and run the pipeline with generators seeded by it."""
        info = self.get_data_info(idx)
        with seeded(self.seed, idx):
            return self.pipeline(info)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Scene ``idx`` as the pipeline finds it."""
        if idx < 0:
            raise IndexError(idx)
        scene = self.scene(idx)
        height, width = scene.image.shape[:2]
        boxes = scene.boxes_px[:, [1, 0, 3, 2]].astype(np.float32)
        hidden = scene.visible_fraction < self.min_visible
        info: dict[str, Any] = {
            "img": cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR),
            "img_id": idx,
            "img_path": "",
            "sample_idx": idx,
            "height": height,
            "width": width,
            "img_shape": (height, width),
            "ori_shape": (height, width),
            "scale_factor": (1.0, 1.0),
            "gt_bboxes": HorizontalBoxes(torch.from_numpy(boxes)),
            "gt_bboxes_labels": scene.labels.astype(np.int64),
            "gt_ignore_flags": hidden,
        }
        if self.test_mode:
            info["instances"] = [
                {"bbox": box, "bbox_label": label, "ignore_flag": int(ignored)}
                for box, label, ignored in zip(
                    boxes.tolist(), scene.labels.tolist(), hidden.tolist(), strict=True
                )
            ]
        return info

    def scene(self, idx: int) -> Scene:
        """Scene ``idx`` itself, before anything of MMDetection."""
        return render(draw_plan(self.recipe, self.bank, self.seed, int(idx)), self.bank)

    def get_cat_ids(self, idx: int) -> list[int]:
        """The labels of scene ``idx``."""
        labels: list[int] = self.scene(idx).labels.tolist()
        return labels

    def load_data_list(self) -> list[dict[str, Any]]:
        """Nothing: scenes are not listed, they are composed."""
        return []


def load_recipe(recipe: Mapping[str, Any] | str | Path | None, size_px: Sequence[int] | None) -> Recipe:
    """The recipe that a config means.

    Args:
        recipe: fields, a YAML file, or ``None`` or ``""`` for the default recipe.
        size_px: height and width of the scenes, where not the recipe's ``canvas.size_px``.

    Raises:
        RecipeError: it is not valid.
    """
    if isinstance(recipe, Mapping):
        loaded = make_recipe(_plain(recipe))
    else:
        loaded = read_recipe(recipe) if recipe else Recipe()
    if size_px is None:
        return loaded
    # A list of another length is a mistake that the recipe itself tells of.
    return with_size(loaded, cast("tuple[int, int]", tuple(size_px)))


def _scene_metainfo(bank: PatchBank, recipe: Recipe) -> dict[str, Any]:
    """Classes and class sizes as the scenes show them; every object of a scene has a box."""
    scale = scene_scale(recipe, bank)
    sizes_px = bank.sizes_px * scale
    # Checkpoints keep it: whoever uses a network must show it images at the scale it was trained on.
    return dataset_metainfo(bank.classes, sizes_px.tolist()) | {"has_boxes": True, "scene_scale": scale}


def _plain(value: Any) -> Any:
    """MMEngine's config dictionaries as the plain ones that a recipe is validated from."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


@contextmanager
def seeded(seed: int, index: int) -> Iterator[None]:
    """Seed the global generators, which MMDetection's transforms draw from, and put them back after."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    # The third number keeps this stream apart from the one that the scene itself is drawn from.
    words = np.random.SeedSequence([seed, index, 1]).generate_state(4)
    np.random.seed(words)
    random.seed(words.tobytes())
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
