"""Scenes as Pascal VOC: an XML file per image.

A box is written by its edges in pixels, counted from 0, as FiftyOne, CVAT and labelImg do; the devkit of 2007
counted pixels from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from synthmed.datasets.formats import Document, Format, Pieces, Whole
from synthmed.datasets.record import SceneRecord

# Not `annotations`, where FiftyOne would look for runs of its own.
FOLDER = "voc"


def voc_xml(scene: SceneRecord) -> str:
    """The annotation file of a scene; provenance stands in elements of its own."""
    height, width = scene.shape_px
    objects = "".join(
        f"<object><name>{_text(scene.classes[label])}</name><difficult>0</difficult>"
        f"<bndbox><xmin>{box[1]:g}</xmin><ymin>{box[0]:g}</ymin>"
        f"<xmax>{box[3]:g}</xmax><ymax>{box[2]:g}</ymax></bndbox>"
        f"<visible_fraction>{visible}</visible_fraction><patch>{patch}</patch>"
        f"<source_image>{_text(image)}</source_image>"
        f"<source_annotation_id>{_text(annotation_id)}</source_annotation_id></object>\n"
        for label, box, visible, patch, image, annotation_id in zip(
            scene.labels,
            scene.boxes_px,
            scene.visible_fraction,
            scene.patches,
            scene.source_images,
            scene.annotation_ids,
            strict=True,
        )
    )
    return (
        f"<annotation><folder>images</folder><filename>{scene.file_name}</filename>"
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _text(value: str) -> str:
    # XML 1.0 has no control characters, however they are written.
    return escape("".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in value))


def _encode(scene: SceneRecord, _: bytes) -> Pieces:
    return Pieces(files={f"{FOLDER}/{scene.stem}.xml": voc_xml(scene).encode()})


def _join(whole: Whole) -> Iterator[Document]:
    return iter(())


VOC = Format("voc", _encode, _join)
