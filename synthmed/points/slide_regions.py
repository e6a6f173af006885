"""Whole slides by region, through openslide, which the extra ``wsi`` brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError
from synthmed.points.regions import ImageSource


class SlideSource(ImageSource):
    """A slide; what was not scanned is white."""

    def __init__(self, slide: Any) -> None:
        self._slide = slide
        width, height = slide.dimensions
        self.shape_px = (int(height), int(width))

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[SlideSource]:
        """Open a slide; whatever openslide raises becomes a `PointsError`."""
        try:
            import openslide
        except ImportError as error:
            raise PointsError(
                "whole-slide formats need openslide", file=path, remedy='pip install "synthmed[wsi]"'
            ) from error
        if not path.is_file():
            raise PointsError("the image is missing", file=path, remedy="check its name and folder")
        try:
            with openslide.OpenSlide(path) as slide:
                yield cls(slide)
        except openslide.OpenSlideError as error:
            raise PointsError(
                "the slide does not decode",
                file=path,
                value=str(error)[:200],
                remedy="open it in QuPath, and export it as OME-TIFF",
            ) from error

    def read_region(self, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pixels of a window, ``(h, w, 3)`` uint8."""
        height, width = (int(n) for n in np.asarray(high_px) - low_px)
        region = self._slide.read_region((int(low_px[1]), int(low_px[0])), 0, (width, height))
        rgba = np.asarray(region, dtype=np.uint8)
        return np.where(rgba[:, :, 3:] > 0, rgba[:, :, :3], np.uint8(255))
