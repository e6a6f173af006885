"""Images on disk: names that stay inside their folder, shapes from headers, pixels as RGB."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from synthmed.errors import PointsError
from synthmed.points.depth import find_window, to_uint8

_ORIENTATION_TAG = 0x0112
_ORIENTED_FORMATS = frozenset({"JPEG", "MPO", "WEBP"})


def resolve_inside(root: str | os.PathLike[str], name: str) -> Path:
    """The path of an image that an annotation file names, which must lie inside its folder.

    An image may be a link to a file elsewhere, since whoever made the folder has put it there. A folder may
    not, since then the annotation file would choose what is read there.

    Args:
        root: the image folder.
        name: path of the image relative to ``root``, with ``/`` between folders.

    Returns:
        The absolute path, with symbolic links followed as long as they stay inside ``root``. Whether a file
        is there is not checked.

    Raises:
        PointsError: if the name is empty or absolute, has a backslash, a NUL or a ``..`` in it, or leads
            out of ``root`` through a link to a folder; or if ``root`` is no folder.

    Examples:
        >>> resolve_inside(".", "../secret.png")
        Traceback (most recent call last):
        synthmed.errors.PointsError: the image path leaves the image folder (got '../secret.png').
        Remedy: name images by their path inside the image folder, with / between folders
    """
    remedy = "name images by their path inside the image folder, with / between folders"
    if not Path(root).is_dir():
        raise PointsError("the image folder does not exist", file=root, remedy="check the path of the images")
    if not name.strip():
        raise PointsError("the image name is empty", value=name, remedy=remedy)
    if "\\" in name or any(ord(character) < 32 for character in name):
        raise PointsError("the image path has a backslash or control character", value=name, remedy=remedy)
    parts = PurePosixPath(name)
    leaves = parts.is_absolute() or ".." in parts.parts
    base = Path(root).resolve()
    try:
        path, folder = (base / parts).resolve(), (base / parts.parent).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a name that no file can have
        raise PointsError("the image path cannot be followed", value=name, remedy=remedy) from error
    if leaves or path == base:
        raise PointsError("the image path leaves the image folder", value=name, remedy=remedy)
    if not folder.is_relative_to(base):
        raise PointsError(
            "a folder in the image path is a link that leads out of the image folder",
            file=base / parts,
            remedy=f"link images one by one, copy them (cp -rL {base} COPY), or take {folder} as folder",
        )
    # Of a link out of the folder the name is kept, since its ending says how to read it.
    return path if path.is_relative_to(base) else folder / parts.name


def image_shape_px(path: str | os.PathLike[str]) -> tuple[int, int]:
    """``(height, width)`` of an image, from its header alone.

    Raises:
        PointsError: if there is no image, or its header cannot be read.
    """
    if _is_read_by_region(path):
        from synthmed.points.regions import open_image

        with open_image(path) as source:
            return source.shape_px
    with _opened(path) as image:
        return _upright_shape(image)


def check_image(path: str | os.PathLike[str]) -> tuple[int, int]:
    """``(height, width)`` of an image that has been read to its end, at a fraction of a full decoding.

    PNG files are checked by the checksum of each chunk; JPEG files are decoded at an eighth of their size,
    which still reads every coefficient. Slides and large TIFF files are only opened.

    Raises:
        PointsError: if there is no image, or it does not decode.
    """
    if _is_read_by_region(path):
        return image_shape_px(path)
    with _opened(path) as image:
        shape = _upright_shape(image)
        if image.format == "PNG":
            image.verify()
        else:
            image.draft(None, (1, 1))
            image.load()
        return shape


def exif_orientation(path: str | os.PathLike[str]) -> int:
    """The EXIF orientation that is applied when an image is read, 1 where none is.

    Raises:
        PointsError: if there is no image, or its header cannot be read.
    """
    if _is_read_by_region(path):
        return 1
    with _opened(path) as image:
        if image.format not in _ORIENTED_FORMATS:
            return 1
        found = image.getexif().get(_ORIENTATION_TAG)
        return found if isinstance(found, int) and 1 <= found <= 8 else 1


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The pixels of an image as RGB.

    Grey is repeated to three channels; an alpha channel is dropped, as OpenCV does; of several pages the
    first is taken; the EXIF orientation of a photograph is applied, as viewers do. Images of more than 8 bits
    per channel have no common white level, so each is stretched linearly from its 0.1 to its 99.9
    percentile, which is the usual display of microscopes; a constant one becomes black.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        PointsError: if there is no image, it does not decode, or it is a decompression bomb.
    """
    return read_with_window(path)[0]


def read_with_window(
    path: str | os.PathLike[str],
) -> tuple[NDArray[np.uint8], tuple[float, float] | None]:
    """The pixels as of `read_image`, and the levels that became black and white; ``None`` for 8 bits."""
    if _is_read_by_region(path):
        from synthmed.points.regions import LARGE_PX, open_image

        with open_image(path) as source:
            if source.is_large:
                raise _too_large(path, LARGE_PX)
            return source.sample(), source.window
    with _opened(path) as image:
        if image.format in _ORIENTED_FORMATS:
            upright = ImageOps.exif_transpose(image)
        else:
            upright = image
        deep = _deep_values(path, upright)
        if deep is not None:
            window = find_window(deep)
            return np.broadcast_to(to_uint8(deep, window), (*deep.shape[:2], 3)).copy(), window
        if upright.mode == "LA":
            upright = upright.convert("L")
        elif "transparency" in upright.info:
            upright = upright.convert("RGBA")
        return np.array(upright.convert("RGB"), dtype=np.uint8), None


def _deep_values(path: str | os.PathLike[str], image: Image.Image) -> NDArray[np.generic] | None:
    """``(H, W, 1)`` or ``(H, W, 3)`` values of more than 8 bits, ``None`` where the image has no more.

    Pillow keeps the high byte alone of a PNG's colours of 16 bits, which are big-endian. Told that they are
    little-endian it keeps the low byte, so that reading twice gives all of it. Grey and alpha of 16 bits are
    four bytes, which it reads as they are where it takes them for RGBA.
    """
    if image.mode.startswith(("I", "F")):
        return np.asarray(image)[:, :, None]
    tiles = getattr(image, "tile", []) if image.format == "PNG" else []
    layout = tiles[0][3] if tiles else None
    if layout == "LA;16B":
        with Image.open(path) as again:
            vars(again).update(_mode="RGBA", tile=[(*tiles[0][:3], "RGBA")])
            four = np.array(again)
        return np.asarray(four[:, :, :1].astype(np.uint16) * np.uint16(256) + four[:, :, 1:2])
    if layout not in ("RGB;16B", "RGBA;16B"):
        return None
    with Image.open(path) as again:
        vars(again)["tile"] = [(*tiles[0][:3], layout.replace("16B", "16L"))]
        low = np.array(again, dtype=np.uint16)[:, :, :3]
    high = np.array(image, dtype=np.uint16)[:, :, :3]
    return np.asarray(high * np.uint16(256) + low)


def _is_read_by_region(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a slide, a large TIFF, or a TIFF of a kind that Pillow does not read right."""
    from synthmed.points.regions import is_region_tiff, is_slide

    return is_slide(path) or is_region_tiff(path)


def _too_large(path: object, limit_px: int) -> PointsError:
    return PointsError(
        "the image is too large", file=path, remedy=f"cut it into tiles below {limit_px // 10**6} megapixels"
    )


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open an image; whatever its decoder raises inside the block becomes a `PointsError`."""
    try:
        with warnings.catch_warnings():
            # Damaged metadata only warns, and the pixels may be sound; a bomb must not be decoded.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except FileNotFoundError as error:
        raise PointsError("the image is missing", file=path, remedy="check its name and folder") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path, Image.MAX_IMAGE_PIXELS or 0) from error
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise PointsError(
            "the image does not decode",
            file=path,
            value=str(error) or type(error).__name__,
            remedy="save it again as PNG, JPEG or TIFF",
        ) from error


def _upright_shape(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    turned = image.format in _ORIENTED_FORMATS and image.getexif().get(_ORIENTATION_TAG) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)
