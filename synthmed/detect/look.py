"""A detector looks at image files of any size: scaled as in training, in tiles, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthmed.detect.merge import merge_tiles
from synthmed.detect.model import Detector, ModelFacts, fitting_scale
from synthmed.detect.scaled import ScaledImage
from synthmed.detect.tiles import ALIGN_PX, Tile, aligned, plan_tiles
from synthmed.errors import ModelError, PointsError, SynthmedError
from synthmed.metrics.predictions import NOTHING_FOUND, Detections
from synthmed.points.regions import ImageSource, open_image

Image = NDArray[np.uint8]

_CANVAS_PX = (416, 416)
_MAX_REGION_PX = 8192
"""A tile covers at most so many pixels of the image along each side: it bounds the memory."""


@dataclass(frozen=True)
class LookOptions:
    """How images are shown to the detector.

    Attributes:
        scale: network pixels per image pixel; ``"fit"`` resizes each image to the canvas of the config;
            ``"auto"`` takes the scale of training where it is known, and fits where it is not.
        tile_px: the greatest side of what the network sees at once, in its pixels; by default two canvases.
        overlap_px: the overlap of tiles; twice the largest class, and at least 64, if ``None``.
        batch: how many canvases are computed at a time.
    """

    scale: float | Literal["auto", "fit"] = "auto"
    tile_px: int | None = None
    overlap_px: int | None = None
    batch: int = 8


@dataclass(eq=False)
class Found:
    """What was found in one image.

    Attributes:
        shape_px: height and width of the image.
        tiles: in how many tiles it was looked at.
        scale: at which scale.
        detections: in pixels of the image, the highest score first.
    """

    shape_px: tuple[int, int]
    tiles: int
    scale: float
    detections: Detections


@dataclass(eq=False)
class _Job:
    """One image on its way."""

    index: int
    scaled: ScaledImage
    tiles: list[Tile]
    scale: float
    found: list[tuple[Tile, Detections]] = field(default_factory=list)
    failed: bool = False

    def result(self) -> Found:
        whole = merge_tiles(self.found) if len(self.tiles) > 1 else self.found[0][1]
        shape = self.scaled.source.shape_px
        boxes = np.clip(whole.boxes_px / np.tile(self.scaled.factors, 2), 0, np.tile(shape, 2))
        return Found(shape, len(self.tiles), self.scale, whole._replace(boxes_px=boxes))


def look_at(
    detector: Detector,
    paths: Sequence[Path],
    options: LookOptions,
    failed: Callable[[int, SynthmedError], None],
) -> Iterator[tuple[int, Found]]:
    """Index and findings of each image, each as soon as it is done.

    Images that fit a tile are computed together where they have one shape. Tiles of one colour throughout,
    such as those of a slide that were not scanned, are not computed.

    Args:
        detector: what looks.
        paths: image files.
        options: how they are shown to it.
        failed: called with the index of an image that cannot be read, and why.

    Raises:
        ModelError: the options cannot be used, or the model is no detector.
    """
    batches = _Batches(detector, options.batch)
    for index, path in enumerate(paths):
        job: _Job | None = None
        try:
            with open_image(path) as source:
                job = _plan(index, path, source, detector.facts, options)
                for tile in job.tiles:
                    low, high = tile.corner_px, (tile.rows[1], tile.columns[1])
                    yield from batches.add(job, tile, job.scaled.read(low, high))
        except PointsError as error:
            if job is not None:
                job.failed = True
            failed(index, error)
    yield from batches.flush()


def scale_of(facts: ModelFacts, options: LookOptions, source: ImageSource, path: Path) -> float:
    """The scale at which an image is shown to a network.

    Raises:
        PointsError: it has to be named for an image that is too large to be fitted.
        ModelError: the config does not say what images are fitted into.
    """
    if not isinstance(options.scale, str):
        return options.scale
    if options.scale == "auto" and facts.scale is not None:
        return facts.scale
    if source.is_large:
        raise PointsError(
            "the image is too large to be fitted into the canvas, and the scale of training is not known",
            file=path,
            remedy="name the network pixels per image pixel by --scale: canvas / size of a training image",
        )
    if facts.canvas_px is None:
        raise ModelError(
            "the config does not resize images to a canvas with their aspect kept",
            remedy="name the network pixels per image pixel by --scale",
        )
    return fitting_scale(source.shape_px, facts.canvas_px)


def tile_sizes(facts: ModelFacts, options: LookOptions, scale: float) -> tuple[int, int]:
    """Side and overlap of tiles in network pixels.

    Examples:
        >>> facts = ModelFacts(("RBC",), (416, 416), 0.5, (30.0,))
        >>> tile_sizes(facts, LookOptions(), 0.5)
        (832, 64)
    """
    largest = max(facts.class_sizes_px or (ALIGN_PX * 2,))
    overlap = options.overlap_px if options.overlap_px is not None else max(64, 2 * largest)
    overlap = aligned(overlap)
    tile = options.tile_px or max(2 * max(facts.canvas_px or _CANVAS_PX), 4 * overlap)
    limit = int(_MAX_REGION_PX * scale) // ALIGN_PX * ALIGN_PX
    return min(aligned(tile), max(limit, 2 * overlap + ALIGN_PX)), overlap


def _plan(index: int, path: Path, source: ImageSource, facts: ModelFacts, options: LookOptions) -> _Job:
    scale = scale_of(facts, options, source, path)
    scaled = ScaledImage.at_scale(source, scale)
    tiles = plan_tiles(scaled.shape_px, *tile_sizes(facts, options, scale))
    return _Job(index, scaled, tiles, scale)


class _Batches:
    """Collects tiles of one shape until there are enough for one forward pass."""

    def __init__(self, detector: Detector, batch: int) -> None:
        self._detector, self._canvases = detector, batch
        self._area_px = int(np.prod(detector.facts.canvas_px or _CANVAS_PX)) * batch
        self._waiting: dict[tuple[int, int], list[tuple[_Job, Tile, Image]]] = {}

    def add(self, job: _Job, tile: Tile, image: Image) -> Iterator[tuple[int, Found]]:
        """Take up a tile; gives what is done by it."""
        if (image == image[:1, :1]).all():
            yield from self._tell(job, tile, NOTHING_FOUND)
            return
        shape = (aligned(image.shape[0]), aligned(image.shape[1]))
        waiting = self._waiting.setdefault(shape, [])
        waiting.append((job, tile, image))
        if (len(waiting) + 1) * shape[0] * shape[1] > self._area_px:
            yield from self._compute(shape)
        # Shapes that hardly occur should not keep their images in memory till the end.
        elif sum(map(len, self._waiting.values())) > 4 * self._canvases:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[int, Found]]:
        """Compute all that waits."""
        for shape in list(self._waiting):
            yield from self._compute(shape)

    def _compute(self, shape: tuple[int, int]) -> Iterator[tuple[int, Found]]:
        batch = [entry for entry in self._waiting.pop(shape) if not entry[0].failed]
        found = self._detector.find([image for _, _, image in batch])
        for (job, tile, _), detections in zip(batch, found, strict=True):
            yield from self._tell(job, tile, detections)

    @staticmethod
    def _tell(job: _Job, tile: Tile, detections: Detections) -> Iterator[tuple[int, Found]]:
        job.found.append((tile, detections))
        if len(job.found) == len(job.tiles) and not job.failed:
            yield job.index, job.result()
