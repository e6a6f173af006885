"""Scenes as image files: PNG, which keeps every value, or JPEG."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import DatasetError

# Level 1 of ISA-L; benchmarks/render.py has the rates and sizes of others.
_LEVEL = 1
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class ImageFile:
    """How scenes are stored.

    Attributes:
        kind: ``png`` or ``jpeg``.
        quality: of JPEG, 1 to 100; PNG has none.
    """

    kind: Literal["png", "jpeg"] = "png"
    quality: int = 95

    @property
    def suffix(self) -> str:
        """The ending of file names."""
        return ".png" if self.kind == "png" else ".jpg"


PNG = ImageFile()


def image_file(kind: str, quality: int) -> ImageFile:
    """How scenes are stored, from a user's words.

    Raises:
        DatasetError: there is no such kind or quality.
    """
    if kind not in ("png", "jpeg"):
        raise DatasetError("images are stored as png or jpeg", value=kind, remedy="pass --image png")
    if not 1 <= quality <= 100:
        raise DatasetError(
            "the quality of a JPEG is from 1 to 100", value=quality, remedy="pass --quality 95"
        )
    # Quality means nothing to a PNG, so it shall not tell two renderings of PNGs apart.
    return PNG if kind == "png" else ImageFile("jpeg", quality)


def encode_image(image: NDArray[np.uint8], file: ImageFile) -> bytes:
    """The bytes of an image file; ``image`` is RGB ``(H, W, 3)``."""
    return encode_png(image) if file.kind == "png" else encode_jpeg(image, file.quality)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A PNG of an RGB image ``(H, W, 3)``, its rows unfiltered.

    Filters help smooth gradients; on a grainy canvas they cost time and make the file larger. The layout is
    that of the PNG specification (W3C, third edition), section 5.
    """
    from isal import isal_zlib

    height, width = image.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 1:] = image.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = isal_zlib.compress(rows, _LEVEL)
    return b"".join((_SIGNATURE, *_block(b"IHDR", header), *_block(b"IDAT", pixels), *_block(b"IEND", b"")))


def _block(name: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    from isal import isal_zlib

    check = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return struct.pack(">I", len(data)), name, data, struct.pack(">I", check)


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """A JPEG of an RGB image ``(H, W, 3)``, with colour at half resolution as is usual."""
    import simplejpeg

    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality, "RGB", "420"))
