"""Scenes as COCO: what `pycocotools`, mmdet and FiftyOne read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring

from synthmed.datasets.formats import Document, Format, Pieces, Whole, separated
from synthmed.datasets.record import SceneRecord

_IMAGES = "coco.images"
_ANNOTATIONS = "coco.annotations"


def coco_image(scene: SceneRecord) -> str:
    """The entry of a scene, as JSON."""
    height, width = scene.shape_px
    entry = {
        "id": scene.index + 1,
        "file_name": scene.file_name,
        "width": width,
        "height": height,
        "tags": scene.tags,
        "backdrop": scene.backdrop,
        "distractors": scene.distractors,
    }
    return json.dumps(entry, ensure_ascii=False)


def coco_annotations(scene: SceneRecord) -> list[str]:
    """The fields of each object but its ``id``, as the inside of a JSON object.

    Written out, as `json.dumps` would take a good part of the time in which the image is encoded.
    """
    height, width = scene.shape_px
    text = encode_basestring
    return [
        f'"image_id": {scene.index + 1}, "category_id": {label + 1}, '
        f'"bbox": [{box[1]}, {box[0]}, {box[3] - box[1]}, {box[2] - box[0]}], "area": {area}, "iscrowd": 0, '
        f'"segmentation": {{"size": [{height}, {width}], "counts": {text(mask)}}}, '
        f'"visible_fraction": {visible}, "patch": {patch}, "source_image": {text(image)}, '
        f'"source_annotation_id": {text(annotation_id)}'
        for label, box, area, mask, visible, patch, image, annotation_id in zip(
            scene.labels,
            scene.boxes_px,
            scene.areas_px,
            scene.masks,
            scene.visible_fraction,
            scene.patches,
            scene.source_images,
            scene.annotation_ids,
            strict=True,
        )
    ]


def coco_categories(classes: list[str]) -> str:
    """The categories, numbered from 1, as JSON."""
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(classes)]
    return json.dumps(categories, ensure_ascii=False)


def _encode(scene: SceneRecord, _: bytes) -> Pieces:
    return Pieces(lines={_IMAGES: [coco_image(scene)], _ANNOTATIONS: coco_annotations(scene)})


def _join(whole: Whole) -> Iterator[Document]:
    yield "coco.json", _document(whole)


def _document(whole: Whole) -> Iterator[str]:
    yield '{"images": ['
    yield from separated(whole.lines(_IMAGES), ",\n")
    yield '],\n"annotations": ['
    numbered = enumerate(whole.lines(_ANNOTATIONS), start=1)
    yield from separated((f'{{"id": {number}, {line}}}' for number, line in numbered), ",\n")
    yield f'],\n"categories": {coco_categories(whole.spec["classes"])}}}\n'


COCO = Format("coco", _encode, _join)
