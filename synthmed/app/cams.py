"""Class activation maps as files on one scale, and what can be read off them.

A map is shown as an 8-bit picture of the size of its image, and judged by its raw values, which stand in a
file beside it (`raw_maps`). In the picture 0 stands for the level of the background in all maps of the run
or less, and 255 for what a strong map reaches or more (`map_range`); between them the scale is linear. It is
the same for all images and classes, so an absent class looks cold beside a present one.

The *heat* of a place is its share of what a strong map reaches: 0 where there is no evidence for the class,
though the picture may show a trace above the background there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synthmed.app.names import slug
from synthmed.app.results import ClassifierOutput
from synthmed.errors import ModelError
from synthmed.metrics.peaks import find_peaks
from synthmed.metrics.predictions import Detections
from synthmed.metrics.raw_maps import SUFFIX, map_levels, map_range, read_raw, write_raw

Floats = NDArray[np.float64]

RAW_FOLDER, SHOWN_FOLDER = "raw", "maps"


class Scale(NamedTuple):
    """What the grey levels of the stored maps mean.

    Attributes:
        raw_at_0: the raw value, or anything below, that is stored as 0; at most 0.
        raw_at_255: the raw value, or anything above, that is stored as 255.
    """

    raw_at_0: float
    raw_at_255: float

    def grey(self, raw: NDArray[np.float32]) -> NDArray[np.uint8]:
        """What is stored for raw values."""
        share = (raw - np.float32(self.raw_at_0)) / np.float32(self.raw_at_255 - self.raw_at_0)
        return np.asarray(np.rint(np.clip(share, 0, 1) * 255), dtype=np.uint8)

    def heat(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Evidence as a share of what is stored as 255, or more than 1; 0 where there is none."""
        return np.asarray(np.maximum(raw, 0) / np.float32(self.raw_at_255), dtype=np.float32)


@dataclass(frozen=True)
class ImageCams:
    """The maps of one image, and what was read off them.

    Attributes:
        scores: ``(C,)`` float, the classifier's score of each class.
        paths: ``(C,)`` the file of each map.
        peaks_px: ``(K, 2)`` float, ``(row, column)`` of the peaks.
        heat: ``(K,)`` float, the height of each in 0..1 of the scale.
        labels: ``(K,)`` int, the class of each.
        box_heat: ``(N,)`` float, the highest value of its class's map in each box of the detector; empty
            where there is no detector.
    """

    scores: Floats
    paths: tuple[Path, ...]
    peaks_px: Floats
    heat: Floats
    labels: NDArray[np.int64]
    box_heat: Floats


class Spool:
    """Raw maps on disk, which stay for whoever judges them, and are shown once their common scale is known.

    Args:
        folder: a folder for them; it is made.
        names: what the file of each image is called.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder, self.names = folder, names
        self.scores: dict[int, Floats] = {}
        self._levels: list[Floats] = []
        folder.mkdir(parents=True)

    def fill(self, output: ClassifierOutput, shapes_px: Sequence[tuple[int, int]]) -> None:
        """Take the maps of a classifier up.

        Raises:
            ModelError: a map is not finite, or does not fit its image.
        """
        for index, scores, cams in output.images:
            expected = (len(output.classes), *shapes_px[index])
            if cams.shape != expected or not np.isfinite(cams).all():
                raise ModelError(
                    "the maps do not fit the image, or are not finite",
                    value=f"{cams.shape} for {expected}",
                    remedy="look at the training log: the network has probably diverged",
                )
            self.scores[index] = np.asarray(scores, dtype=float)
            self._levels.append(map_levels(cams))
            write_raw(self._path(index), cams)

    def scale(self) -> Scale:
        """The scale on which all maps are shown."""
        return Scale(*map_range(self._levels))

    def maps(self) -> Iterator[tuple[int, Floats, NDArray[np.float32]]]:
        """``(index, scores, raw maps (C, H, W))`` of each image."""
        for index, scores in self.scores.items():
            yield index, scores, read_raw(self._path(index))

    def _path(self, index: int) -> Path:
        return self.folder / f"{self.names[index]}{SUFFIX}"


def write_maps(folder: Path, name: str, classes: Sequence[str], grey: NDArray[np.uint8]) -> tuple[Path, ...]:
    """Write the maps of one image.

    Args:
        folder: gets a folder per class.
        name: what the files are called.
        classes: the class names.
        grey: ``(C, H, W)`` what is stored, as `Scale.grey` makes it.

    Returns:
        ``(C,)`` the files.
    """
    paths = []
    for number, (label, values) in enumerate(zip(classes, grey, strict=True)):
        path = folder / f"{number:02d}_{slug(label)}" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path, compress_level=3)
        paths.append(path)
    return tuple(paths)


def raw_file(shown: Path) -> Path:
    """The raw values of a map that `write_maps` wrote into ``maps`` beside the folder of a `Spool`.

    Raises:
        ValueError: no run writes a map to such a place.
    """
    if len(shown.parents) < 3:
        raise ValueError(f"{shown} is not a map of a run")
    return shown.parents[2] / RAW_FOLDER / f"{shown.stem}{SUFFIX}"


def peaks_of(
    classes: Sequence[str], heat: NDArray[np.float32], min_heat: float, distances_px: Mapping[str, float]
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The peaks of all maps of one image: places ``(K, 2)``, heights ``(K,)`` and classes ``(K,)``."""
    places, heights, labels = [np.zeros((0, 2))], [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    for label, values in enumerate(heat):
        found, height = find_peaks(values, distances_px.get(classes[label], 0.0), min_heat)
        places.append(found)
        heights.append(np.minimum(height, 1.0))
        labels.append(np.full(len(height), label, dtype=np.int64))
    return np.concatenate(places), np.concatenate(heights), np.concatenate(labels)


def heat_in_boxes(
    heat: NDArray[np.float32], classes: Sequence[str], boxes: Detections, box_classes: Sequence[str]
) -> Floats:
    """``(N,)`` the highest value of its class's map in each box; NaN where the classifier lacks the class.

    Examples:
        >>> heat = np.zeros((1, 4, 4), dtype=np.float32)
        >>> heat[0, 1, 1] = 0.5
        >>> boxes_px = np.array([[0.0, 0, 2, 2], [2, 2, 4, 4]])
        >>> boxes = Detections(boxes_px, np.ones(2), np.zeros(2, dtype=np.int64))
        >>> heat_in_boxes(heat, ["cell"], boxes, ["cell"]).tolist()
        [0.5, 0.0]
    """
    found = np.full(len(boxes.scores), np.nan)
    low = np.floor(boxes.boxes_px[:, :2]).astype(np.int64)
    high = np.maximum(np.ceil(boxes.boxes_px[:, 2:]).astype(np.int64), low + 1)
    for i, label in enumerate(boxes.labels.tolist()):
        if box_classes[label] in classes:
            window = heat[classes.index(box_classes[label]), low[i, 0] : high[i, 0], low[i, 1] : high[i, 1]]
            found[i] = float(np.clip(window.max(initial=0.0), 0, 1))
    return found
