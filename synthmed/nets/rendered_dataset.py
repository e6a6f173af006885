"""`RenderedDataset`: scenes that ``synthmed render`` wrote to disk."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS

from synthmed.datasets import read_manifest
from synthmed.errors import DatasetError
from synthmed.nets.metainfo import dataset_metainfo


@DATASETS.register_module()
class RenderedDataset(BaseDetDataset):
    """A folder of rendered scenes. Scenes without objects are kept: they are negatives.

    Args:
        folder: what ``synthmed render`` wrote; its manifest names the classes.
        min_visible: an object of which a smaller fraction is visible is marked to be ignored.
        pipeline: MMDetection transforms; they find ``img_path`` and ``instances``.
        metainfo: entries that override the dataset's own.
        **kwargs: what `BaseDetDataset` takes besides.

    Raises:
        DatasetError: the rendering is not finished, or its ``coco.json`` cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        min_visible: float = 0.25,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        metainfo: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.folder, self.min_visible = Path(folder), float(min_visible)
        manifest = read_manifest(self.folder)
        own = dataset_metainfo(manifest["classes"], manifest["class_sizes_px"])
        own |= {"has_boxes": True, "scene_scale": manifest.get("scale")}
        super().__init__(metainfo={**own, **(metainfo or {})}, pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """One entry per scene; ``img_id`` is the scene's number in its series."""
        path = self.folder / "coco.json"
        try:
            coco = json.loads(path.read_text(encoding="utf-8"))
            labels = {category["id"]: label for label, category in enumerate(coco["categories"])}
            instances: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for annotation in coco["annotations"]:
                instances[annotation["image_id"]].append(self._instance(annotation, labels))
            return [
                {
                    "img_path": str(self.folder / "images" / image["file_name"]),
                    "img_id": image["id"] - 1,
                    "height": image["height"],
                    "width": image["width"],
                    "instances": instances[image["id"]],
                }
                for image in coco["images"]
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DatasetError(
                f"the labels cannot be read: {type(error).__name__}: {error}",
                file=path,
                remedy="delete the folder and render it again",
            ) from error

    def _instance(self, annotation: dict[str, Any], labels: dict[int, int]) -> dict[str, Any]:
        x, y, width, height = annotation["bbox"]
        return {
            "bbox": [x, y, x + width, y + height],
            "bbox_label": labels[annotation["category_id"]],
            "ignore_flag": int(annotation["visible_fraction"] < self.min_visible),
        }
