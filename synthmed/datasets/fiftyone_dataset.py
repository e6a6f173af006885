"""Scenes as a FiftyOneDataset: what `fiftyone.Dataset.from_dir` reads without losing anything.

FiftyOne itself is not needed to write it. The fields have the names that the plugin gives them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.datasets.formats import Document, Format, Pieces, Whole, separated
from synthmed.datasets.record import SceneRecord

_SAMPLES = "fiftyone.samples"
# The oldest release that the project supports; a newer FiftyOne migrates what it reads.
_VERSION = "1.22.0"

_FIELDS = "fiftyone.core.fields"
_LABELS = "fiftyone.core.labels"


def fiftyone_sample(scene: SceneRecord) -> dict[str, Any]:
    """A sample as FiftyOne stores it: boxes with masks and provenance, classes, number in the series."""
    present = [
        {"_id": _id(scene, 2, k), "_cls": "Classification", "tags": [], "label": name}
        for k, name in enumerate(scene.tags)
    ]
    height, width = scene.shape_px
    identity = _id(scene, 0, 0)
    return {
        "_id": identity,
        "filepath": f"images/{scene.file_name}",
        "tags": ["synthetic"],
        "metadata": {"_cls": "ImageMetadata", "width": width, "height": height, "num_channels": 3},
        "_media_type": "image",
        "_rand": zlib.crc32(identity["$oid"].encode()) / 2**32,
        "ground_truth": {
            "_cls": "Detections",
            "detections": [_detection(scene, k) for k in range(len(scene))],
        },
        "present": {"_cls": "Classifications", "classifications": present},
        "scene_index": scene.index,
        "backdrop": scene.backdrop,
    }


def _detection(scene: SceneRecord, k: int) -> dict[str, Any]:
    height, width = scene.shape_px
    row0, column0, row1, column1 = scene.boxes_px[k]
    inside = scene.instance_mask[int(row0) : int(np.ceil(row1)), int(column0) : int(np.ceil(column1))]
    return {
        "_id": _id(scene, 1, k),
        "_cls": "Detection",
        "attributes": {},
        "tags": [],
        "label": scene.classes[scene.labels[k]],
        "bounding_box": [
            column0 / width,
            row0 / height,
            (column1 - column0) / width,
            (row1 - row0) / height,
        ],
        "mask": {"$binary": {"base64": _packed(inside == k + 1), "subType": "00"}},
        "visible_fraction": scene.visible_fraction[k],
        "source_image": scene.source_images[k],
        "annotation_id": scene.annotation_ids[k],
        "patch": scene.patches[k],
    }


def _packed(mask: NDArray[np.bool_]) -> str:
    """An array as FiftyOne stores it: numpy's own format, compressed."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(mask), allow_pickle=False)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii")


def _id(scene: SceneRecord, kind: int, k: int) -> dict[str, str]:
    """An ObjectId that is the same in every run, and another for every scene, object and set of labels."""
    text = f"{kind} {scene.index} {k} {scene.patches} {scene.boxes_px}"
    return {"$oid": hashlib.sha256(text.encode()).hexdigest()[:24]}


def fiftyone_metadata(spec: dict[str, Any]) -> dict[str, Any]:
    """The document of the dataset: its classes and the types of its fields."""
    detection = [
        _field("id", "ObjectIdField", db_field="_id"),
        _field("tags", "ListField", subfield="StringField"),
        _field("label", "StringField"),
        _field("bounding_box", "ListField", subfield="FloatField"),
        _field("mask", "ArrayField"),
        _field("confidence", "FloatField"),
        _field("index", "IntField"),
        _field("visible_fraction", "FloatField"),
        _field("source_image", "StringField"),
        _field("annotation_id", "StringField"),
        _field("patch", "IntField"),
    ]
    classification = [
        _field("id", "ObjectIdField", db_field="_id"),
        _field("tags", "ListField", subfield="StringField"),
        _field("label", "StringField"),
        _field("confidence", "FloatField"),
    ]
    size = [_field(name, "IntField") for name in ("size_bytes", "width", "height", "num_channels")]
    return {
        "name": "synthmed scenes",
        "version": _VERSION,
        "media_type": "image",
        "info": {"synthmed": {"bank_hash": spec["bank_hash"], "seed": spec["seed"]}},
        "default_classes": spec["classes"],
        "sample_fields": [
            _field("id", "ObjectIdField", db_field="_id"),
            _field("filepath", "StringField"),
            _field("tags", "ListField", subfield="StringField"),
            _embedded("metadata", "fiftyone.core.metadata.ImageMetadata", size),
            _field("created_at", "DateTimeField", read_only=True),
            _field("last_modified_at", "DateTimeField", read_only=True),
            _embedded("ground_truth", f"{_LABELS}.Detections", [_list_of("detections", detection)]),
            _embedded("present", f"{_LABELS}.Classifications", [_list_of("classifications", classification)]),
            _field("scene_index", "IntField"),
            _field("backdrop", "StringField"),
        ],
    }


def _field(
    name: str,
    kind: str,
    *,
    subfield: str | None = None,
    db_field: str | None = None,
    read_only: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "ftype": f"{_FIELDS}.{kind}",
        "embedded_doc_type": None,
        "subfield": subfield and f"{_FIELDS}.{subfield}",
        "fields": [],
        "db_field": db_field or name,
        "description": None,
        "info": None,
        "read_only": read_only,
        "created_at": None,
    }


def _embedded(name: str, document: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_field(name, "EmbeddedDocumentField"), "embedded_doc_type": document, "fields": fields}


def _list_of(name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    document = f"{_LABELS}.{name[:-1].capitalize()}"
    whole = _field(name, "ListField", subfield="EmbeddedDocumentField")
    return {**whole, "embedded_doc_type": document, "fields": fields}


def _encode(scene: SceneRecord, _: bytes) -> Pieces:
    return Pieces(lines={_SAMPLES: [json.dumps(fiftyone_sample(scene), ensure_ascii=False)]})


def _join(whole: Whole) -> Iterator[Document]:
    yield "metadata.json", [json.dumps(fiftyone_metadata(whole.spec), ensure_ascii=False, indent=1) + "\n"]
    yield "samples.json", _samples(whole)


def _samples(whole: Whole) -> Iterator[str]:
    yield '{"samples": ['
    yield from separated(whole.lines(_SAMPLES), ",\n")
    yield "]}\n"


FIFTYONE = Format("fiftyone", _encode, _join)
