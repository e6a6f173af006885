"""Scenes as WebDataset: tar files that are read from end to end, from a disk or an object store.

A sample is an image and a JSON file of the same name, which holds what COCO would: boxes, masks, visible
fractions, provenance and tags.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from synthmed.datasets.coco import coco_annotations, coco_categories, coco_image
from synthmed.datasets.formats import Document, Format, Pieces, Whole
from synthmed.datasets.record import SceneRecord

_CLASSES = "classes.json"


def shard_name(start: int) -> str:
    """The path of the shard that begins with scene ``start``.

    Examples:
        >>> shard_name(512)
        'shards/00000512.tar'
    """
    return f"shards/{start:08d}.tar"


def pack(members: Mapping[str, bytes]) -> bytes:
    """A tar file that depends on nothing but its members."""
    buffer = io.BytesIO()
    # ustar: no headers that depend on the system.
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _encode(scene: SceneRecord, image: bytes) -> Pieces:
    objects = ", ".join(f"{{{fields}}}" for fields in coco_annotations(scene))
    labels = f'{coco_image(scene)[:-1]}, "annotations": [{objects}]}}'
    suffix = PurePosixPath(scene.file_name).suffix
    return Pieces(members={f"{scene.stem}{suffix}": image, f"{scene.stem}.json": labels.encode()})


def _join(whole: Whole) -> Iterator[Document]:
    yield f"shards/{_CLASSES}", [coco_categories(whole.spec["classes"]) + "\n"]


WEBDATASET = Format("webdataset", _encode, _join, loose=False)
