"""`SceneRecord`: everything of a scene that a label file may say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.datasets.masks import encode_masks
from synthmed.scenes.render import Scene


@dataclass(frozen=True, eq=False)
class SceneRecord:
    """One scene without its pixels, in plain values; M objects.

    Attributes:
        index: its number in the series.
        file_name: the name of its image file.
        shape_px: height and width.
        classes: the names of all classes.
        labels: ``M`` numbers of classes.
        boxes_px: ``M`` boxes ``row0, column0, row1, column1``.
        areas_px: ``M`` numbers of pixels that belong to each object.
        visible_fraction: ``M`` shares.
        masks: ``M`` masks as COCO's compressed ``counts``.
        patches: ``M`` rows of the bank.
        source_images: ``M`` images that the patches were cut from.
        annotation_ids: ``M`` identifiers of the clicks.
        backdrop: the image that the canvas was made from, or an empty text.
        unplaced: objects per class that found no place, or of which too little could have been seen.
        distractors: how many pieces without a label lie beneath the objects.
        instance_mask: ``(H, W)`` uint16, 0 for canvas, else one plus the object.
    """

    index: int
    file_name: str
    shape_px: tuple[int, int]
    classes: tuple[str, ...]
    labels: list[int]
    boxes_px: list[list[float]]
    areas_px: list[int]
    visible_fraction: list[float]
    masks: list[str]
    patches: list[int]
    source_images: list[str]
    annotation_ids: list[str]
    backdrop: str
    unplaced: list[int]
    distractors: int
    instance_mask: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return scene_stem(self.index)

    @property
    def present(self) -> list[int]:
        """The classes that the scene shows, in order."""
        return sorted(set(self.labels))

    @property
    def tags(self) -> list[str]:
        """The names of the classes that the scene shows."""
        return [self.classes[label] for label in self.present]


def scene_stem(index: int) -> str:
    """The file name of a scene without its ending.

    Examples:
        >>> scene_stem(7)
        '00000007'
    """
    return f"{index:08d}"


def scene_record(scene: Scene, bank: PatchBank, suffix: str = ".png") -> SceneRecord:
    """What label files say of a scene; ``suffix`` is the ending of its image file."""
    masks, areas_px = encode_masks(scene.instance_mask, len(scene))
    height, width = scene.image.shape[:2]
    return SceneRecord(
        index=scene.plan.index,
        file_name=scene_stem(scene.plan.index) + suffix,
        shape_px=(height, width),
        classes=bank.classes,
        labels=scene.labels.tolist(),
        boxes_px=scene.boxes_px.tolist(),
        areas_px=areas_px,
        visible_fraction=np.round(scene.visible_fraction, 4).tolist(),
        masks=masks,
        patches=scene.patch_index.tolist(),
        source_images=bank.source_images[scene.patch_index].tolist(),
        annotation_ids=bank.annotation_ids[scene.patch_index].tolist(),
        backdrop=_backdrop(scene, bank),
        unplaced=scene.unplaced.tolist(),
        distractors=len(scene.plan.distractors),
        instance_mask=scene.instance_mask,
    )


def _backdrop(scene: Scene, bank: PatchBank) -> str:
    window = scene.plan.canvas.window
    return "" if window is None else bank.images[bank.backdrops.image_index[window.number]]
