"""Scenes as YOLO: a text file per image, a line per object. Only class and box fit into it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from synthmed.datasets.formats import Document, Format, Pieces, Whole
from synthmed.datasets.record import SceneRecord


def yolo_lines(scene: SceneRecord) -> list[str]:
    """A line ``class x y width height`` per object, the box as shares of the image."""
    height, width = scene.shape_px
    return [
        f"{label} {(box[1] + box[3]) / 2 / width:.8g} {(box[0] + box[2]) / 2 / height:.8g} "
        f"{(box[3] - box[1]) / width:.8g} {(box[2] - box[0]) / height:.8g}\n"
        for label, box in zip(scene.labels, scene.boxes_px, strict=True)
    ]


def _encode(scene: SceneRecord, _: bytes) -> Pieces:
    return Pieces(files={f"labels/{scene.stem}.txt": "".join(yolo_lines(scene)).encode()})


def _join(whole: Whole) -> Iterator[Document]:
    names = "".join(
        f"  {label}: {json.dumps(name, ensure_ascii=False)}\n"
        for label, name in enumerate(whole.spec["classes"])
    )
    # No `path`: readers then start from the folder of this file, wherever it is moved.
    head = "# Judge on real images: name their folder after val.\ntrain: images\nval: images\n"
    yield "dataset.yaml", [head, "names:\n", names]


YOLO = Format("yolo", _encode, _join)
