"""A folder of heat maps of any method, one map for each image and class.

Either there is one file for each image, ``IMAGE.npz`` (an array for each class, by its name), ``IMAGE.npy``
or ``IMAGE.tif`` (``(C, H, W)``, in the order of ``classes.txt``), or one folder for each class, with a map
for each image in it: ``CLASS/IMAGE.png`` (or npy, npz, tif). ``IMAGE`` is the path of the image without its
ending, or its whole name. A smaller map is laid over its image by bilinear interpolation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.metrics.raw_maps import read_raw
from synthmed.points.pointset import PointSet
from synthmed.points.text_file import read_text

ENDINGS = (".npz", ".npy", ".tif", ".tiff", ".png")
CLASSES_FILE = "classes.txt"

_LAYOUT = (
    "write IMAGE.npz with one array for each class, IMAGE.npy (C, H, W) and classes.txt, or CLASS/IMAGE.png"
)


class MapFolder:
    """The maps of the images of a point set.

    Args:
        folder: the folder.
        truth: the images and classes.

    Attributes:
        absent: how many maps are not there, all of classes that their image lacks. They are taken as flat;
            what is wrongly found on them is not known.

    Raises:
        SynthmedError: classes have other names, an image has no map, or a class that it has has none.
    """

    def __init__(self, folder: Path, truth: PointSet) -> None:
        self.folder, self.truth = folder, truth
        self._order: list[str] | None = None
        self.absent = 0
        names = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
        self._by_class = bool(names & set(truth.classes))
        if self._by_class:
            _check_names(names, truth.classes, folder)
        else:
            self._order = self._read_order()
        self._files = [self._find(index) for index in range(len(truth.images))]
        self._check_missing()

    def maps(self, index: int) -> NDArray[np.float32]:
        """``(C, H, W)`` the maps of an image, at its own shape.

        Raises:
            SynthmedError: a file is damaged, holds colours, NaN or too few maps, or is of another aspect.
        """
        shape = tuple(self.truth.image_shapes_px[index].tolist())
        files = self._files[index]
        if not self._by_class:
            found = [(path, cam) for path in files if path for cam in self._of_image(path)]
            return np.stack([_laid_over(cam, shape, path) for path, cam in found])
        cams = [
            np.zeros(shape, dtype=np.float32) if path is None else _laid_over(_one(path), shape, path)
            for path in files
        ]
        return np.stack(cams)

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for index in range(len(self.truth.images)):
            yield index, self.maps(index)

    def _read_order(self) -> list[str] | None:
        path = self.folder / CLASSES_FILE
        if not path.is_file():
            return None
        names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
        _check_names(set(names), self.truth.classes, path)
        return names

    def _find(self, index: int) -> list[Path | None]:
        """The file of each class, or the one of the image."""
        image = PurePosixPath(self.truth.images[index])
        folders = [self.folder / name for name in self.truth.classes] if self._by_class else [self.folder]
        return [_first_file(folder, image) for folder in folders]

    def _check_missing(self) -> None:
        present = self.truth.counts() > 0
        missing: list[tuple[str, str]] = []
        for index, files in enumerate(self._files):
            for label, path in enumerate(files):
                needed = present[index, label] if self._by_class else True
                if path is None and needed:
                    missing.append((self.truth.images[index], self.truth.classes[label]))
                self.absent += int(path is None and not needed)
        if not missing:
            return
        image, name = missing[0]
        raise SynthmedError(
            f"{len(missing)} of the maps are missing",
            file=self.folder,
            value=f"{name} on {image}" if self._by_class else image,
            remedy=_LAYOUT,
        )

    def _of_image(self, path: Path) -> list[NDArray]:
        """The maps of a file that holds those of all classes."""
        classes = self.truth.classes
        content = _load(path)
        if isinstance(content, dict):
            if set(classes) <= set(content):
                return [np.asarray(content[name]) for name in classes]
            if len(content) != 1:
                _check_names(set(content), classes, path)
            content = next(iter(content.values()))
        stack = content[None] if content.ndim == 2 else content
        order = self._order or (list(classes) if len(classes) == 1 else None)
        if order is None:
            raise SynthmedError(
                "the file does not say which map is of which class",
                file=path,
                value=content.shape,
                remedy=f"write {self.folder / CLASSES_FILE}: a class name in each line, in the order of maps",
            )
        if stack.ndim != 3 or len(stack) != len(order):
            raise SynthmedError(
                f"a file needs one map for each of {len(order)} classes, (C, H, W)",
                file=path,
                value=content.shape,
                remedy=_LAYOUT,
            )
        return [stack[order.index(name)] for name in classes]


def _check_names(found: set[str], classes: tuple[str, ...], path: Path) -> None:
    missing = [name for name in classes if name not in found]
    if missing:
        raise SynthmedError(
            "the classes of the maps are not those of the truth",
            file=path,
            value=", ".join(sorted(found)),
            remedy=f"there is nothing for {', '.join(missing)}; name maps as the truth does, or use --class",
        )


def _first_file(folder: Path, image: PurePosixPath) -> Path | None:
    stems = dict.fromkeys((image.with_suffix("").as_posix(), image.as_posix(), image.stem, image.name))
    candidates = (folder / f"{stem}{ending}" for stem in stems for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def _one(path: Path) -> NDArray:
    """The map of a file that holds one."""
    content = _load(path)
    if isinstance(content, dict):
        content = next(iter(content.values()), np.zeros(0))
    squeezed = content[0] if content.ndim == 3 and len(content) == 1 else content
    if squeezed.ndim != 2:
        raise SynthmedError(
            "the file of a class does not hold one map (H, W)", file=path, value=content.shape, remedy=_LAYOUT
        )
    return squeezed


def _load(path: Path) -> NDArray | dict[str, NDArray]:
    """The array of a file, or those of an archive by name."""
    try:
        return _read(path)
    except SynthmedError:
        raise
    except Exception as error:  # damaged files fail in any way that their readers have
        raise SynthmedError(
            "the map cannot be read",
            file=path,
            value=f"{type(error).__name__}: {error}"[:200],
            remedy="write it again",
        ) from error


def _read(path: Path) -> NDArray | dict[str, NDArray]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            if archive.files == ["planes"]:
                return read_raw(path)
            return {name: archive[name] for name in archive.files}
    if path.suffix == ".npy":
        loaded: NDArray = np.load(path, allow_pickle=False)
        return loaded
    if path.suffix == ".png":
        return _read_png(path)
    import tifffile

    return np.asarray(tifffile.imread(path))


def _read_png(path: Path) -> NDArray:
    from PIL import Image

    with Image.open(path) as image:
        if image.mode == "1":
            return np.asarray(image, dtype=np.uint8)
        if image.mode not in ("L", "I", "F", "I;16"):
            raise SynthmedError(
                "the picture of a map has colours, which are no values",
                file=path,
                value=image.mode,
                remedy="save the map itself, as a grey PNG or an array",
            )
        return np.asarray(image)


def _laid_over(cam: Any, shape_px: tuple[int, ...], path: Path) -> NDArray[np.float32]:
    """A map at the shape of its image, pixel areas aligned."""
    from scipy import ndimage

    values = np.asarray(cam)
    if (
        values.ndim != 2
        or not values.size
        or not np.issubdtype(values.dtype, np.number)
        or np.iscomplexobj(values)
    ):
        raise SynthmedError(
            "a map is not (H, W) numbers", file=path, value=f"{values.dtype} {values.shape}", remedy=_LAYOUT
        )
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise SynthmedError(
            "a map holds a value that is not a finite number",
            file=path,
            remedy="look at the training log: the network has probably diverged",
        )
    if values.shape == shape_px:
        return values
    scales = np.array(values.shape) / np.array(shape_px)
    # A map may be off by the rounding of one of its pixels, no more.
    if abs(scales[0] - scales[1]) * min(shape_px) > 1:
        raise SynthmedError(
            f"a map has another aspect than its image of {shape_px[0]} x {shape_px[1]} (rows x columns)",
            file=path,
            value=values.shape,
            remedy="undo padding and cropping, and resize the map to the shape of its image",
        )
    zoomed = ndimage.zoom(values, 1 / scales, order=1, mode="nearest", grid_mode=True)
    laid: NDArray[np.float32] = zoomed.astype(np.float32)
    return laid
