"""Write a phantom collection: images, clicked points, COCO boxes and instance masks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synthmed._files import folder_when_done, require_free
from synthmed.errors import DatasetError
from synthmed.phantom.field import IMAGES_PER_SLIDE, SHAPE_PX, PhantomImage, simulate
from synthmed.phantom.slide import CLASSES

HUFFMAN_ONLY = 2
"""`Z_HUFFMAN_ONLY` of zlib."""
HEADER = ("image", "x", "y", "label", "split", "group", "edge")


def write_phantom(
    out_dir: str | Path,
    *,
    train: int = 120,
    val: int = 40,
    seed: int = 0,
    click_jitter_px: float = 1.0,
    shape_px: tuple[int, int] = SHAPE_PX,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Simulate and write a collection of training and validation images that share no slide.

    The folder appears under its name only when it is complete::

        images/*.png         RGB
        masks/*.png          16-bit instance labels, named like the image
        points.csv           image, x, y, label, split, group, edge: what an expert would have clicked
        boxes_train.json     COCO, exact, with `edge` (1: the object reaches the border) and the slide's name
        boxes_val.json

    Annotation ``id`` in the COCO files is the instance's value in the mask plus 1000 times the image's id.

    Args:
        out_dir: a folder that does not exist, or is empty.
        train: number of training images.
        val: number of validation images.
        seed: the same seed gives the same bytes, under one version of numpy, scipy and pillow.
        click_jitter_px: standard deviation of the clicks on training images, per axis. Points of validation
            images and the COCO boxes are exact.
        shape_px: height and width of the images.
        progress: called with images done and in all.

    Returns:
        The folder.

    Raises:
        DatasetError: where the folder holds something already, or a count is negative or both are zero.
    """
    out = Path(out_dir)
    _check(out, train, val)
    jobs = _schedule("train", train, 0) + _schedule("val", val, _slides(train))
    with folder_when_done(out) as partial:
        _write_all(partial, jobs, seed, click_jitter_px, shape_px, progress)
    return out


def _check(out: Path, train: int, val: int) -> None:
    require_free(out, DatasetError, "the folder exists and is not empty")
    if min(train, val) < 0 or train + val == 0:
        raise DatasetError(
            "a phantom needs at least one image and no negative count",
            value=(train, val),
            remedy="pass train=120, val=40",
        )


def _slides(count: int) -> int:
    """How many slides a split has: about one per eight images, but two wherever possible."""
    return max(min(count, 2), -(-count // IMAGES_PER_SLIDE))


def _schedule(split: str, count: int, first_slide: int) -> list[tuple[str, int, int]]:
    """Split, slide and number within the slide of each image; slides get equal shares."""
    slides = _slides(count)
    of_slide = sorted(k % slides for k in range(count))
    return [(split, first_slide + s, k - of_slide.index(s)) for k, s in enumerate(of_slide)]


def _write_all(
    out: Path,
    jobs: list[tuple[str, int, int]],
    seed: int,
    click_jitter_px: float,
    shape_px: tuple[int, int],
    progress: Callable[[int, int], None] | None,
) -> None:
    for name in ("images", "masks"):
        (out / name).mkdir(parents=True)
    rows: list[tuple[str, ...]] = []
    coco = {split: _empty_coco() for split in ("train", "val")}
    for index, (split, slide, number) in enumerate(jobs):
        field = simulate(seed, index, slide=slide, shape_px=shape_px)
        name = f"{field.slide.name}_field{number}.png"
        # Noise has no repeats to look for; without that search PNG is smaller here, and twice as fast.
        Image.fromarray(field.image).save(out / "images" / name, compress_level=1, compress_type=HUFFMAN_ONLY)
        Image.fromarray(field.instance_mask).save(out / "masks" / name, compress_level=3)
        clicks = field.centers_px
        if split == "train":
            clicks = _click(clicks, click_jitter_px, shape_px, np.random.default_rng((seed, 2, index)))
        rows += [
            (name, f"{col:.2f}", f"{row:.2f}", CLASSES[label], split, field.slide.name, str(int(edge)))
            for (row, col), label, edge in zip(clicks, field.labels, field.edge, strict=True)
        ]
        _extend_coco(coco[split], field, name, index + 1)
        if progress is not None:
            progress(index + 1, len(jobs))
    with (out / "points.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
    for split, content in coco.items():
        (out / f"boxes_{split}.json").write_text(json.dumps(content), encoding="utf-8")


def _click(
    centers_px: NDArray[np.float64], spread_px: float, shape_px: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Centres as a hand clicks them: a little off, but within the image."""
    clicks = centers_px + rng.normal(0, 1, centers_px.shape) * spread_px
    return np.clip(clicks, 0.5, np.array(shape_px) - 0.5)


def _empty_coco() -> dict[str, list[dict[str, Any]]]:
    categories = [{"id": k + 1, "name": name} for k, name in enumerate(CLASSES)]
    return {"images": [], "annotations": [], "categories": categories}


def _extend_coco(
    coco: dict[str, list[dict[str, Any]]], field: PhantomImage, name: str, image_id: int
) -> None:
    """Add an image and its objects; an image without objects stays in as a negative."""
    height, width = field.instance_mask.shape
    coco["images"].append(
        {"id": image_id, "file_name": name, "height": height, "width": width, "group": field.slide.name}
    )
    for k, (row0, col0, row1, col1) in enumerate(field.boxes_px.tolist()):
        coco["annotations"].append(
            {
                "id": 1000 * image_id + k + 1,
                "image_id": image_id,
                "category_id": int(field.labels[k]) + 1,
                "bbox": [col0, row0, col1 - col0, row1 - row0],
                "area": int(field.areas_px[k]),
                "iscrowd": 0,
                "edge": int(field.edge[k]),
            }
        )
