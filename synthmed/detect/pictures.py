"""An image with the boxes that were found in it, and below it how many of which class."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from synthmed._colors import class_color
from synthmed._files import write_atomic
from synthmed.detect.results import ImageResult
from synthmed.points.regions import ImageSource, open_image

MAX_SIDE_PX = 2048
MIN_SIDE_PX = 900
_WINDOW_PX = 4096
_PAPER, _INK = "white", "#222222"


def draw_detections(path: Path, result: ImageResult, classes: Sequence[str], out: Path) -> None:
    """Write the picture of one image as PNG.

    Images above `MAX_SIDE_PX` are made smaller, and small ones larger, so that lines are thin beside objects.

    Raises:
        PointsError: the image cannot be read.
    """
    with open_image(path) as source:
        base = Image.fromarray(overview(source, MAX_SIDE_PX))
    enlarge = -(-MIN_SIDE_PX // max(base.size))
    base = base.resize((base.width * enlarge, base.height * enlarge), Image.Resampling.BICUBIC)
    scale = base.width / result.shape_px[1]
    draw = ImageDraw.Draw(base)
    line = max(2, max(base.size) // 900)
    corners = [
        (x * scale, y * scale, (x + max(width, 1 / scale)) * scale, (y + max(height, 1 / scale)) * scale)
        for x, y, width, height in result.boxes
    ]
    # A white rim under all lines: they show on stained and on dark ground, and hide no other line.
    for x0, y0, x1, y1 in corners:
        draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white", width=line + 2)
    for corner, label in zip(corners, result.labels, strict=True):
        draw.rectangle(corner, outline=class_color(label), width=line)
    content = io.BytesIO()
    _with_legend(base, result, classes).save(content, format="PNG")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, content.getvalue())


def overview(source: ImageSource, side_px: int) -> NDArray[np.uint8]:
    """The image, with so many pixels on its longer side at most; a slide is never read as a whole."""
    shrink = min(1.0, side_px / max(source.shape_px))
    if shrink == 1:
        return source.read_region(np.zeros(2, np.int64), np.array(source.shape_px))
    height, width = (max(1, round(side * shrink)) for side in source.shape_px)
    small = np.empty((height, width, 3), dtype=np.uint8)
    step = max(1, int(_WINDOW_PX * shrink))
    for row in range(0, height, step):
        for column in range(0, width, step):
            end = min(row + step, height), min(column + step, width)
            low = np.array([row / height, column / width]) * source.shape_px
            high = np.array([end[0] / height, end[1] / width]) * source.shape_px
            region = source.read_region(low.astype(np.int64), np.ceil(high).astype(np.int64))
            part = Image.fromarray(region).resize((end[1] - column, end[0] - row), Image.Resampling.BOX)
            small[row : end[0], column : end[1]] = np.asarray(part)
    return small


def _with_legend(picture: Image.Image, result: ImageResult, classes: Sequence[str]) -> Image.Image:
    """The picture with a strip below it: a square and a number for each class."""
    size = max(12, max(picture.size) // 45)
    font = ImageFont.load_default(size)
    counts = np.bincount(np.array(result.labels, dtype=np.int64), minlength=len(classes))
    entries = [f"{name} {count}" for name, count in zip(classes, counts.tolist(), strict=True)]
    places, left, top = [], size // 2, size // 2
    for text in entries:
        wide = int(size * 2.5 + font.getlength(text))
        if left > size and left + wide > picture.width:
            left, top = size // 2, top + int(size * 1.6)
        places.append((left, top))
        left += wide
    sheet = Image.new("RGB", (picture.width, picture.height + top + 2 * size), _PAPER)
    sheet.paste(picture)
    draw = ImageDraw.Draw(sheet)
    for label, (text, (left, top)) in enumerate(zip(entries, places, strict=True)):
        top += picture.height
        draw.rectangle((left, top, left + size, top + size), fill=class_color(label))
        draw.text((left + size * 1.4, top + size / 2), text, fill=_INK, font=font, anchor="lm")
    return sheet
