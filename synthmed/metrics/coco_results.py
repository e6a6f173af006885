"""Scored boxes of any detector: COCO's results format, a list of ``image_id, category_id, bbox, score``.

A COCO file with ``images``, ``categories`` and scored ``annotations`` is read as well. Images are told by
``file_name`` where entries have it, by the ids of the truth, or by file name or stem, which some tools write
as ``image_id``. Coordinates are checked against the images: boxes that are shares, corners instead of width
and height, or of resized images are refused, since they would only look like a bad detector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import ProblemLog, SynthmedError
from synthmed.metrics.predictions import Predictions
from synthmed.metrics.truth_file import TruthFile
from synthmed.points.parsed import parse_json
from synthmed.points.text_file import read_text
from synthmed.points.values import number, shown, text_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_OUTSIDE = 0.2
"""Of the boxes, the share whose centre may lie outside its image before the coordinates are refused."""

_FORMAT = 'write a list of {"image_id": ..., "category_id": ..., "bbox": [x, y, width, height], "score": ...}'


def read_coco_results(
    path: Path, truth: TruthFile, *, categories: Mapping[str, str] | None = None, log: ProblemLog
) -> Predictions:
    """Read scored boxes on the images and classes of the truth.

    Args:
        path: the file.
        truth: what they will be judged against.
        categories: class name by category id, where the ids are not those of the truth.
        log: takes notes of what was chosen and left out.

    Returns:
        Boxes on images that are judged, of classes that are judged.

    Raises:
        SynthmedError: the file cannot be read, or speaks of other images or classes, or its boxes or scores
            cannot be right.
    """
    content = parse_json(read_text(path), path, _FORMAT)
    entries, file_names, own_categories = _parts(content, path)
    table = np.array([_row(entry, path, place) for place, entry in enumerate(entries, 1)]).reshape(-1, 5)
    images = _image_numbers(entries, file_names, truth, path, log)
    labels = _labels(entries, {**truth.category_names, **own_categories, **(categories or {})}, truth, path)
    judged = (images >= 0) & (labels >= 0)
    if not judged.all():
        log.note(
            f"{path}: {int((~judged).sum())} boxes on images or of classes that are not judged were left out"
        )
    images, labels, table = images[judged], labels[judged], table[judged]
    _check_places(table, truth.points.image_shapes_px[images], path, log)
    without = len(truth.points.images) - len(np.unique(images))
    if without:
        log.note(f"{path}: nothing is predicted on {without} of {len(truth.points.images)} images")
    corners = np.concatenate([table[:, 1::-1], table[:, 1::-1] + table[:, 3:1:-1]], axis=1)
    return Predictions(images, corners, table[:, 4], labels)


def _parts(content: Any, path: Path) -> tuple[list[Any], dict[str, str], dict[str, str]]:
    """The entries, and file names by image id and class names by category id where the file has them."""
    if isinstance(content, list):
        return content, {}, {}
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise SynthmedError("these are no COCO results", file=path, remedy=_FORMAT)

    def named(key: str, word: str) -> dict[str, str]:
        listed = content.get(key)
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        return {text_of(row.get("id")): text_of(row.get(word)).strip() for row in rows}

    return content["annotations"], named("images", "file_name"), named("categories", "name")


def _row(entry: Any, path: Path, place: int) -> list[float]:
    """x, y, width, height and score of an entry."""
    what = f"entry {place} of the list"
    if not isinstance(entry, dict):
        raise SynthmedError(f"{what} is not a JSON object", file=path, value=shown(entry), remedy=_FORMAT)
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise SynthmedError(
            f"{what} has no bbox of four numbers", file=path, value=shown(box), remedy=_FORMAT
        )
    if "score" not in entry:
        raise SynthmedError(
            f"{what} has no score",
            file=path,
            remedy="name predictions, not annotations: every box needs a score",
        )
    row = [*map(number, box), number(entry["score"])]
    if row[4] != row[4]:
        raise SynthmedError(
            f"the score of {what} is not a finite number",
            file=path,
            value=entry["score"],
            remedy="look at the training log: the network has probably diverged",
        )
    if not 0 <= row[4] <= 1:
        raise SynthmedError(
            f"the score of {what} is not in 0..1",
            file=path,
            value=row[4],
            remedy="divide percent by 100, or take the sigmoid of logits",
        )
    if not all(map(np.isfinite, row)) or row[2] < 0 or row[3] < 0:
        raise SynthmedError(
            f"the bbox of {what} is not x, y, width, height",
            file=path,
            value=box,
            remedy="write finite numbers, and sides that are not negative",
        )
    return row


def _image_numbers(
    entries: Sequence[Any], file_names: Mapping[str, str], truth: TruthFile, path: Path, log: ProblemLog
) -> Ints:
    """``(N,)`` the image of each entry, -1 for one that is not judged, by whatever names all of them."""
    ids = [text_of(entry.get("image_id")) for entry in entries]
    written = [
        text_of(entry.get("file_name")).strip() or file_names.get(key, "")
        for entry, key in zip(entries, ids, strict=True)
    ]
    ways = (
        ("by file_name", written, truth.by_name),
        ("by the ids of the truth", ids, truth.by_id),
        ("by file name, which image_id holds", ids, truth.by_name),
    )
    unknown = [sorted({word for word in words if word not in known}) for _, words, known in ways]
    strays = [sum(word not in known for word in words) for _, words, known in ways]
    best = strays.index(min(strays))
    how, words, known = ways[best]
    if unknown[best]:
        missing = unknown[best] if any(word in known for word in words) else sorted(set(ids))
        some = ", ".join(map(str, list(truth.by_id or truth.by_name)[:3]))
        raise SynthmedError(
            f"{len(missing)} image ids are not among the images of the truth",
            file=path,
            value=", ".join(missing[:5]),
            remedy=f"use the ids of {truth.path.name} ({some}, ...) or file names, and predict on these",
        )
    if best == len(ways) - 1 and entries:
        log.note(f"{path}: images are told {how}")
    return np.array([known[word] for word in words], dtype=np.int64)


def _labels(entries: Sequence[Any], names: Mapping[str, str], truth: TruthFile, path: Path) -> Ints:
    """``(N,)`` the class of each entry, -1 for one that is not judged."""
    ids = [text_of(entry.get("category_id")) for entry in entries]
    classes = {name: label for label, name in enumerate(truth.points.classes)}
    known_elsewhere = set(truth.category_names.values())
    wrong = sorted(
        {key for key in ids if names.get(key) not in classes and names.get(key) not in known_elsewhere}
    )
    if wrong:
        said = [f"{key} ({names[key]})" if key in names else key for key in wrong]
        have = ", ".join(f"{key}={name}" for key, name in truth.category_names.items()) or ", ".join(classes)
        example = f"--category {wrong[0]}={next(iter(classes))}"
        raise SynthmedError(
            "categories of the predictions are not among those of the truth",
            file=path,
            value=", ".join(said[:5]),
            remedy=f"the truth has {have}; say what each id means, such as {example}",
        )
    return np.array([classes.get(names[key], -1) for key in ids], dtype=np.int64)


def _check_places(table: Floats, shapes_px: Ints, path: Path, log: ProblemLog) -> None:
    """Make sure that boxes can be x, y, width and height in pixels of their images."""
    if not len(table):
        return
    if table[:, :4].max() <= 1 and shapes_px.min() > 8:
        raise SynthmedError(
            "all boxes lie within 0..1: they are shares of the image, not pixels",
            file=path,
            remedy="multiply x and width by the image's width, y and height by its height",
        )
    centers = table[:, 1::-1] + table[:, 3:1:-1] / 2
    outside = ((centers < 0) | (centers > shapes_px)).any(axis=1)
    if outside.mean() > MOST_OUTSIDE:
        raise SynthmedError(
            f"{outside.mean():.0%} of the boxes have their centre outside the image",
            file=path,
            value=table[outside][0, :4].tolist(),
            remedy="write x, y, width, height (not two corners) in pixels of the original image (not of a "
            "resized one), and check that width and height in the truth are those of the images",
        )
    if outside.any():
        log.note(
            f"{path}: {int(outside.sum())} boxes have their centre outside the image; they count as wrong"
        )
