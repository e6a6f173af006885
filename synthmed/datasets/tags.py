"""Multi-label tags: which classes a scene shows, one column each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from synthmed.datasets.coco import SceneRecord, image_name


def tags_csv(records: Iterable[SceneRecord], classes: Sequence[str]) -> str:
    """A table with a row per scene: its file name, and 1 or 0 for each class.

    Examples:
        >>> print(tags_csv([], ["red", "white"]), end="")
        image,red,white
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *classes])
    for record in records:
        present = {o["label"] for o in record["objects"]}
        row = (int(label in present) for label in range(len(classes)))
        writer.writerow([image_name(record["index"]), *row])
    return text.getvalue()
