"""An image in overlapping tiles, whose cores divide it without gap or overlap."""

from __future__ import annotations

from dataclasses import dataclass

from synthmed.errors import ModelError

ALIGN_PX = 32
"""Tiles begin at multiples of the coarsest stride, so that every tile has the grid of the whole image."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Tile:
    """A part of an image, in pixels of the network.

    Attributes:
        rows: the first row, and one past the last.
        columns: the first column, and one past the last.
        core_rows: the rows of its core: what is found there is this tile's to tell.
        core_columns: the columns of its core.
    """

    rows: Span
    columns: Span
    core_rows: Span
    core_columns: Span

    @property
    def corner_px(self) -> tuple[int, int]:
        """Row and column where the tile begins."""
        return self.rows[0], self.columns[0]

    @property
    def shape_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]


def plan_tiles(shape_px: tuple[int, int], tile_px: int, overlap_px: int) -> list[Tile]:
    """Tiles of about equal size, row by row; one alone where the image is no larger than a tile.

    Args:
        shape_px: height and width of the image.
        tile_px: the greatest side of a tile; rounded up to a multiple of `ALIGN_PX`.
        overlap_px: how far neighbours overlap at least; rounded up in the same way.

    Raises:
        ModelError: a tile is not larger than twice the overlap.

    Examples:
        >>> for tile in plan_tiles((100, 300), tile_px=192, overlap_px=64):
        ...     print(tile.rows, tile.columns, tile.core_columns)
        (0, 100) (0, 192) (0, 160)
        (0, 100) (128, 300) (160, 300)
    """
    tile, overlap = aligned(tile_px), aligned(overlap_px)
    if tile <= 2 * overlap:
        raise ModelError(
            "tiles must be larger than twice their overlap",
            value=f"tiles of {tile} px with an overlap of {overlap} px",
            remedy="choose a larger --tile or a smaller --overlap",
        )
    down, across = (_spans(length, tile, overlap) for length in shape_px)
    return [
        Tile(rows, columns, core_rows, core_columns)
        for rows, core_rows in down
        for columns, core_columns in across
    ]


def aligned(length_px: float) -> int:
    """The next multiple of `ALIGN_PX`.

    Examples:
        >>> aligned(33), aligned(64)
        (64, 64)
    """
    return -int(-length_px // ALIGN_PX) * ALIGN_PX


def _spans(length: int, tile: int, overlap: int) -> list[tuple[Span, Span]]:
    """Where the tiles of one axis lie, and their cores."""
    if length <= tile:
        return [((0, length), (0, length))]
    count = -(-(length - overlap) // (tile - overlap))
    side = aligned((length + (count - 1) * overlap) / count)
    step = side - overlap
    # Rounded up, the tiles may be fewer; the last still reaches past what it shares with its neighbour.
    count = -(-(length - overlap) // step)
    borders = [0, *(k * step + overlap // 2 for k in range(1, count)), length]
    return [((k * step, min(k * step + side, length)), (borders[k], borders[k + 1])) for k in range(count)]
