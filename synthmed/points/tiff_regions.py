"""TIFF by region, through tifffile: the tiles or strips that a window touches, and no more.

Of several pages the first counts, and of a pyramid its base, as for `read_image`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError
from synthmed.points.depth import find_window, to_uint8
from synthmed.points.regions import ImageSource, grid_windows

_LEVEL_PX = 4_000_000
_MAX_SEGMENT_BYTES = 2**28
_REMEDY = (
    "save it as a tiled TIFF, uncompressed or with deflate; or `pip install imagecodecs` for other codecs"
)


class TiffSource(ImageSource):
    """A TIFF file that is read tile by tile."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self._path = file, path
        self._page = file.pages[0]
        self.shape_px = (int(self._page.imagelength), int(self._page.imagewidth))
        samples = int(self._page.samplesperpixel)
        if samples not in (1, 2, 3, 4):
            raise PointsError(
                f"the TIFF has {samples} channels per pixel",
                file=path,
                remedy="save one channel, or three as RGB",
            )
        if self._page.dtype is None:
            raise PointsError("the pixels of the TIFF have no known type", file=path, remedy=_REMEDY)
        if self._page.dtype != np.uint8:
            self.window = find_window(self._levels_sample())

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[TiffSource]:
        """Open a file; whatever its decoder raises becomes a `PointsError`."""
        with _decoding(path):
            import tifffile

            with tifffile.TiffFile(path) as file:
                yield cls(file, path)

    def read_region(self, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pixels of a window, ``(h, w, 3)`` uint8."""
        raw = self._raw(self._page, low_px, high_px)
        depth8 = raw if self.window is None else to_uint8(raw, self.window)
        return self._rgb(depth8)

    def _levels_sample(self) -> NDArray[np.generic]:
        """What the window is estimated from: a level of the pyramid, or windows spread over the base."""
        levels = self._file.series[0].levels if self._file.series else []
        for level in levels[1:]:
            page = level.pages[0]
            if page is not None and page.imagelength * page.imagewidth <= _LEVEL_PX:
                end = np.array([page.imagelength, page.imagewidth])
                return self._raw(page, np.zeros(2, np.int64), end)
        if not self.is_large:
            return self._raw(self._page, np.zeros(2, np.int64), np.array(self.shape_px))
        parts = [self._raw(self._page, low, high) for low, high in grid_windows(self.shape_px)]
        return np.concatenate([part.ravel() for part in parts])

    def _raw(self, page: Any, low_px: NDArray[np.int64], high_px: NDArray[np.int64]) -> NDArray[np.generic]:
        """``(h, w, samples)`` pixels of a page as they are stored."""
        tile = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        size = (min(int(tile[0]), int(page.imagelength)), int(tile[1]))
        if size[0] * size[1] * page.samplesperpixel * page.dtype.itemsize > _MAX_SEGMENT_BYTES:
            raise PointsError("the TIFF is one piece that is too large", file=self._path, remedy=_REMEDY)
        low, high = (tuple(int(n) for n in corner) for corner in (low_px, high_px))
        out = np.full(
            (*(b - a for a, b in zip(low, high, strict=True)), page.samplesperpixel), page.nodata, page.dtype
        )
        across = -(-int(page.imagewidth) // size[1])
        down = -(-int(page.imagelength) // size[0])
        planes = page.samplesperpixel if page.planarconfig == 2 else 1
        for plane in range(planes):
            for row in range(low[0] // size[0], -(-high[0] // size[0])):
                for column in range(low[1] // size[1], -(-high[1] // size[1])):
                    index = (plane * down + row) * across + column
                    target = out[:, :, plane : plane + 1] if planes > 1 else out
                    self._paste(page, index, (row * size[0], column * size[1]), low, target)
        return out

    def _paste(
        self, page: Any, index: int, at: tuple[int, int], low: tuple[int, ...], out: NDArray[np.generic]
    ) -> None:
        """Decode one tile and lay it where it belongs; a tile that is not stored stays empty."""
        if index >= len(page.dataoffsets) or page.databytecounts[index] == 0:
            return
        handle = page.parent.filehandle
        handle.seek(page.dataoffsets[index])
        data = handle.read(page.databytecounts[index])
        segment, _, shape = page.decode(data, index, jpegtables=page.jpegtables)
        if segment is None:
            return
        segment = segment.reshape(segment.shape[-3:])[: shape[-3], : shape[-2]]
        first = [max(a, b) for a, b in zip(at, low, strict=True)]
        last = [
            min(a + n, b + m) for a, n, b, m in zip(at, segment.shape[:2], low, out.shape[:2], strict=True)
        ]
        if any(b <= a for a, b in zip(first, last, strict=True)):
            return
        source = tuple(slice(a - c, b - c) for a, b, c in zip(first, last, at, strict=True))
        target = tuple(slice(a - c, b - c) for a, b, c in zip(first, last, low, strict=True))
        out[target] = segment[source]

    def _rgb(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """``(h, w, 3)`` from one to four samples of 8 bits; alpha is dropped."""
        import tifffile

        photometric = self._page.photometric
        if photometric == tifffile.PHOTOMETRIC.PALETTE and self._page.colormap is not None:
            colors = np.asarray(self._page.colormap) // 256
            return np.moveaxis(colors[:, values[:, :, 0]], 0, -1).astype(np.uint8)
        rgb = values[:, :, :3] if values.shape[2] >= 3 else np.repeat(values[:, :, :1], 3, axis=2)
        if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            rgb = 255 - rgb
        return np.ascontiguousarray(rgb, dtype=np.uint8)


def tiff_needs_regions(path: Path, large_px: int) -> bool:
    """Whether a TIFF is large, or of a kind that Pillow does not read right.

    Of colour with more than 8 bits per sample Pillow keeps the high byte alone, and so a picture of 12 bits
    comes out nearly black; some BigTIFF files it does not open.

    Raises:
        PointsError: if it is no TIFF.
    """
    with _decoding(path):
        import tifffile

        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            deep = page.samplesperpixel > 1 and page.dtype is not None and page.dtype.itemsize > 1
            return bool(deep or file.is_bigtiff or page.imagelength * page.imagewidth > large_px)


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    import logging

    # tifffile logs what it then raises, or what does not matter for the pixels.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        yield
    except PointsError:
        raise
    except FileNotFoundError as error:
        raise PointsError("the image is missing", file=path, remedy="check its name and folder") from error
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise PointsError(
            "the image does not decode",
            file=path,
            value=str(error)[:200] or type(error).__name__,
            remedy=_REMEDY,
        ) from error
