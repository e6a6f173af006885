"""Points in COCO files: keypoints, or the centres of boxes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.assemble import CheckedPoints, assemble, check_arguments
from synthmed.points.coco_positions import Position, has_keypoints, positions
from synthmed.points.folder import FoundImage, ImageFolder, Progress
from synthmed.points.parsed import parse_json
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.problems import MAX_ID_LENGTH, Reason, report
from synthmed.points.splits import noted_splits
from synthmed.points.text_file import read_text
from synthmed.points.values import flag, number, text_of


def read_coco(
    path: str | os.PathLike[str],
    images_dir: str | os.PathLike[str] | None,
    *,
    classes: Sequence[str] | None = None,
    split: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
    keep_outside: bool = False,
    keep_crowds: bool = False,
) -> PointSet:
    """Read points from a COCO file.

    An annotation with visible keypoints gives one point for each of them; any other one gives the centre of
    its box, and the box's height and width as its extents. ``edge: 1`` marks an object that touches the
    border. Images without annotations are kept as negatives; an image whose annotations were all skipped is
    left out. Annotations that cannot be used, and crowd regions, are skipped and noted in ``log``.

    Args:
        path: the file.
        images_dir: the folder that each ``file_name`` is relative to; without it, images are as wide and high
            as the file says, and none is opened.
        classes: the classes in order; annotations of others are skipped. By default the category names that
            occur, sorted.
        split: the split of every image where no entry of ``images`` has a ``split``. By default
            `default_splits`, by the ``group`` of each entry where it has one.
        log: takes up what is skipped.
        progress: called as images are checked.
        keep_outside: whether points outside their image are kept, as `check_points` needs them.
        keep_crowds: whether crowd regions are kept, as objects with ``edge``: evaluations ignore these.

    Raises:
        PointsError: if the file is empty, unreadable or no COCO file, an image path leaves the folder, or no
            usable point is left; with a strict log also at the first entry that cannot be used.
    """
    check_arguments(classes, split)
    content = parse_coco(read_text(path), path)
    reader = _Reader(str(path), ProblemLog() if log is None else log, classes, keep_outside, keep_crowds)
    folder = None if images_dir is None else ImageFolder(images_dir)
    reader.read_images(content["images"], content["annotations"], folder, progress)
    reader.read_annotations(content["annotations"], _category_names(content["categories"]))
    return reader.finish(split)


def parse_coco(text: str, path: object) -> dict[str, list[Any]]:
    """The three lists of a COCO file.

    Raises:
        PointsError: if the text is not JSON, or one of the lists is not there.
    """
    remedy = "export the file as COCO JSON with images, annotations and categories"
    content = parse_json(text, path, remedy)
    lists = {}
    for name in ("images", "annotations", "categories"):
        entry = content.get(name) if isinstance(content, dict) else None
        if not isinstance(entry, list):
            raise PointsError(f"the JSON has no list {name!r}", file=path, remedy=remedy)
        lists[name] = entry
    return lists


@dataclass
class _Reader:
    """Gathers the usable entries of one file, and reports the others."""

    file: str
    log: ProblemLog
    classes: Sequence[str] | None
    keep_outside: bool = False
    keep_crowds: bool = False
    images: list[FoundImage] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    index_of_id: dict[str, int | None] = field(default_factory=dict)
    annotated: set[int] = field(default_factory=set)
    positions: list[Position] = field(default_factory=list)
    image_index: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    edge: list[bool] = field(default_factory=list)
    with_edges: bool = False

    def read_images(
        self,
        entries: Sequence[Any],
        annotations: Sequence[Any],
        folder: ImageFolder | None,
        progress: Progress | None,
    ) -> None:
        """Look up every image; the annotations of one that cannot be used are counted in its problem."""
        counts = Counter(text_of(a.get("image_id")) for a in annotations if isinstance(a, dict))
        with_splits = any(isinstance(entry, dict) and _word(entry, "split") for entry in entries)
        index_of: dict[FoundImage, int] = {}
        for done, entry in enumerate(entries, 1):
            if not isinstance(entry, dict):
                self._skip(Reason.NOT_AN_OBJECT, entry)
                continue
            image_id, name = text_of(entry.get("id")), text_of(entry.get("file_name")).strip()
            value = f"{name or 'image ' + image_id}, {counts[image_id]} annotations"
            found = _declared(entry, name) if folder is None else self._look(folder, name)
            split, group = _word(entry, "split").lower(), _word(entry, "group")
            reason = self._image_reason(entry, image_id, found)
            if reason is None:
                reason = self._place_reason(split, group, index_of.get(found), with_splits)
            if reason is not None:
                self._skip(reason, value)
                if image_id:
                    self.index_of_id.setdefault(image_id, None)
            else:
                if found not in index_of:
                    index_of[found] = len(index_of)
                    self.splits.append(split)
                    self.groups.append(group)
                self.index_of_id[image_id] = index_of[found]
            if progress is not None:
                progress(done, len(entries))
        self.images = list(index_of)

    def read_annotations(self, entries: Sequence[Any], names: dict[str, str]) -> None:
        """Turn annotations into points."""
        for place, entry in enumerate(entries, 1):
            if not isinstance(entry, dict):
                self._skip(Reason.NOT_AN_OBJECT, entry)
                continue
            image_id = text_of(entry.get("image_id"))
            if image_id not in self.index_of_id:
                self._skip(Reason.IMAGE_UNKNOWN, f"annotation {text_of(entry.get('id'))}, image {image_id}")
                continue
            index = self.index_of_id[image_id]
            if index is None:
                continue  # its image was reported, with the number of its annotations
            self.annotated.add(index)
            self._add(
                entry, index, names.get(text_of(entry.get("category_id"))), text_of(entry.get("id", place))
            )

    def finish(self, split: str | None) -> PointSet:
        """The points of the usable images."""
        with_points = set(self.image_index)
        used = [i for i in range(len(self.images)) if i in with_points or i not in self.annotated]
        table = np.array(self.positions, dtype=np.float64).reshape(-1, 4)
        groups = [self.groups[i] for i in used]
        splits: Sequence[str] = [self.splits[i] or split or "" for i in used]
        unsaid = set() if self.with_edges else {"edge"}
        if not all(splits):
            unsaid.add("splits")
            names = [self.images[i].name for i in used]
            splits = noted_splits(names, groups, file=self.file, log=self.log)
        points = CheckedPoints(
            images=[self.images[i] for i in used],
            splits=splits,
            groups=groups,
            centers_px=table[:, :2],
            image_index=np.searchsorted(used, self.image_index).astype(np.int64),
            labels=self.labels,
            ids=self.ids,
            edge=np.array(self.edge, dtype=bool),
            sizes_px=table[:, 2:],
            unsaid=frozenset(unsaid),
        )
        return assemble(points, self.classes, file=self.file, log=self.log)

    def _look(self, folder: ImageFolder, name: str) -> FoundImage:
        try:
            return folder.look(name)
        except PointsError as error:
            raise PointsError(error.what, file=self.file, value=name, remedy=error.remedy) from error

    def _image_reason(self, entry: dict[str, Any], image_id: str, found: FoundImage) -> Reason | None:
        said = (number(entry.get("height")), number(entry.get("width")))
        reasons = (
            (not image_id, Reason.IMAGE_ID),
            (image_id in self.index_of_id, Reason.IMAGE_REPEATED),
            (found.problem is not None, found.problem),
            (any(a == a and a != b for a, b in zip(said, found.shape_px, strict=True)), Reason.IMAGE_SHAPE),
        )
        return next((reason for holds, reason in reasons if holds), None)

    def _place_reason(self, split: str, group: str, index: int | None, with_splits: bool) -> Reason | None:
        """What is wrong with the split or group of an image; ``index``: where it was listed before."""
        reasons = (
            (with_splits and split not in SPLITS, Reason.SPLIT),
            (index is not None and split != self.splits[index], Reason.TWO_SPLITS),
            (index is not None and group != self.groups[index], Reason.TWO_GROUPS),
        )
        return next((reason for holds, reason in reasons if holds), None)

    def _add(self, entry: dict[str, Any], index: int, label: str | None, annotation_id: str) -> None:
        crowd = bool(flag(entry.get("iscrowd")))
        edge = True if crowd else flag(entry.get("edge"))
        self.with_edges |= crowd or "edge" in entry
        reason = self._annotation_reason(entry, label, edge, annotation_id)
        if reason is not None:
            self._skip(reason, f"annotation {annotation_id}, {label}")
            return
        height, width = self.images[index].shape_px
        for position in positions(entry):
            row, column = position[:2]
            if not (self.keep_outside or (0 <= row < height and 0 <= column < width)):
                self._skip(
                    Reason.OUTSIDE, f"annotation {annotation_id}, {self.images[index].name}, {column}, {row}"
                )
                continue
            self.positions.append(position)
            self.image_index.append(index)
            self.labels.append(str(label))
            self.ids.append(annotation_id)
            self.edge.append(bool(edge))

    def _annotation_reason(
        self, entry: dict[str, Any], label: str | None, edge: bool | None, annotation_id: str
    ) -> Reason | None:
        bad_position = Reason.KEYPOINTS if has_keypoints(entry) and "bbox" not in entry else Reason.BOX
        unknown = self.classes is not None and label not in self.classes
        reasons = (
            (bool(flag(entry.get("iscrowd"))) and not self.keep_crowds, Reason.CROWD),
            (label is None, Reason.CATEGORY_UNKNOWN),
            (label == "", Reason.LABEL_EMPTY),
            (unknown, Reason.LABEL_UNKNOWN),
            (edge is None, Reason.EDGE),
            (len(annotation_id) > MAX_ID_LENGTH, Reason.ID_TOO_LONG),
            (next(positions(entry), None) is None, bad_position),
        )
        return next((reason for holds, reason in reasons if holds), None)

    def _skip(self, reason: Reason, value: object) -> None:
        report(self.log, reason, file=self.file, row=None, value=value)


def _declared(entry: dict[str, Any], name: str) -> FoundImage:
    """An image as the file describes it."""
    height, width = number(entry.get("height")), number(entry.get("width"))
    if not name:
        return FoundImage(name, (0, 0), Reason.IMAGE_EMPTY)
    if not (height >= 1 and width >= 1):
        return FoundImage(name, (0, 0), Reason.IMAGE_SIZE)
    return FoundImage(name, (int(height), int(width)))


def _category_names(entries: Sequence[Any]) -> dict[str, str]:
    """Category id, as text, to its name."""
    categories = [entry for entry in entries if isinstance(entry, dict)]
    return {text_of(entry.get("id")): " ".join(text_of(entry.get("name")).split()) for entry in categories}


def _word(entry: dict[str, Any], key: str) -> str:
    return text_of(entry.get(key)).strip()
