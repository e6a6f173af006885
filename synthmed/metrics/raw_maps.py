"""Raw maps as files, without any loss: what is judged is what the classifier said, not its picture.

A map laid over its image is piecewise linear, so along a row the second differences of the numbers' bits are
small. Stored as these and deflated, a map takes about a quarter of its bytes, and comes back bit by bit.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthmed._files import write_atomic

SUFFIX = ".npz"

_MAX_BYTES = 2**31


def map_levels(cams: ArrayLike) -> NDArray[np.float64]:
    """``(2, C)`` the median and the highest value of each map of one image, ``(C, H, W)``; see `map_range`.

    Examples:
        >>> map_levels([[[-4.0, -4.0, 8.0]], [[-6.0, -7.0, 4.0]]]).tolist()
        [[-4.0, -6.0], [8.0, 4.0]]
    """
    maps = np.asarray(cams)
    return np.stack([np.median(maps, axis=(1, 2)), maps.max(axis=(1, 2))]).astype(np.float64)


def map_range(levels: ArrayLike) -> tuple[float, float]:
    """The lowest and the highest value to show maps on one scale.

    A map is the sum that a classifier's decision rests on, and most of an image speaks against each class.
    From 0 upward one would see the tips of what speaks for it alone, so the scale begins where most of the
    images are: at the background of the class where it is highest, so that all others look cold there
    too, or at 0 if that is lower.

    Classes differ in how high their maps rise, and beside the highest one the others would be pale. So the
    scale ends where the class in the middle gets in one image of 20; what is higher looks the same.

    Args:
        levels: ``(N, 2, C)``, the `map_levels` of each image; N may be 0.

    Examples:
        >>> map_range([[[-4.0, -6.0], [8.0, 4.0]], [[-5.0, -7.0], [9.0, -1.0]], [[-4.0, 3.0], [7.0, -2.0]]])
        (-4.0, 6.5)
        >>> map_range([])
        (0.0, 1.0)
    """
    found = np.asarray(levels, dtype=np.float64)
    if not found.size:
        return 0.0, 1.0
    medians, highest = found[:, 0], found[:, 1]
    reached = np.percentile(highest, 95, axis=0, method="higher")
    seen = reached[reached > np.finfo(float).tiny]
    return min(0.0, float(np.median(medians, axis=0).max())), float(np.median(seen)) if len(seen) else 1.0


def write_raw(path: Path, cams: ArrayLike) -> None:
    """Write the maps of one image.

    Args:
        path: the file.
        cams: ``(C, H, W)``; they are stored as float32.
    """
    bits = np.ascontiguousarray(cams, dtype=np.float32).view(np.uint32)
    steps = bits.copy()
    for _ in range(2):
        # Unsigned numbers wrap round, so the sums below undo this exactly.
        steps[..., 1:] = steps[..., 1:] - steps[..., :-1]
    zigzag = np.where(steps >> 31, ~(steps << 1), steps << 1).astype("<u4")
    planes = np.moveaxis(zigzag.view(np.uint8).reshape(*zigzag.shape, 4), -1, 0)
    content = io.BytesIO()
    np.savez_compressed(content, planes=planes)
    write_atomic(path, content.getvalue())


def read_raw(path: Path) -> NDArray[np.float32]:
    """``(C, H, W)`` the maps of one image.

    Raises:
        OSError: there is no such file.
        ValueError: it is damaged.
    """
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            if sum(member.file_size for member in archive.zip.infolist()) > _MAX_BYTES:
                raise ValueError(f"it unpacks to more than {_MAX_BYTES // 2**20} MiB")
            return _decode(archive["planes"])
    except Exception as error:  # a damaged archive fails in any way: zipfile, zlib and NumPy have their own
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _decode(planes: NDArray[np.uint8]) -> NDArray[np.float32]:
    if planes.dtype != np.uint8 or planes.ndim != 4 or len(planes) != 4:
        raise ValueError(f"no maps are stored as {planes.dtype} {planes.shape}")
    zigzag = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).view("<u4")[..., 0].astype(np.uint32)
    steps = np.where(zigzag & 1, ~(zigzag >> 1), zigzag >> 1)
    for _ in range(2):
        steps = np.cumsum(steps, axis=-1, dtype=np.uint32)
    maps: NDArray[np.float32] = steps.view(np.float32)
    return maps
