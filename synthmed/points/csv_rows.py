"""From the cells of a table to a `PointSet`: ten million rows, each bad one with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.assemble import CheckedPoints, assemble
from synthmed.points.folder import FoundImage, ImageFolder, Progress
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.problems import MAX_ID_LENGTH, Reason, report
from synthmed.points.splits import noted_splits
from synthmed.points.swapped import swapped_note
from synthmed.points.values import flag, shown
from synthmed.points.words import Words

_REASONS = tuple(Reason)
_MOST_KEPT = 10_000
"""Skipped rows of one reason beyond this are counted only."""

_SHOWN = {
    Reason.X: ("x",),
    Reason.Y: ("y",),
    Reason.OUTSIDE: ("image", "x", "y"),
    Reason.LABEL_UNKNOWN: ("label",),
    Reason.SPLIT: ("split",),
    Reason.TWO_SPLITS: ("image", "split"),
    Reason.TWO_GROUPS: ("image", "group"),
    Reason.EDGE: ("edge",),
    Reason.ID_TOO_LONG: ("id",),
}


@dataclass(frozen=True)
class Cells:
    """The columns of a table, checked in no way.

    Attributes:
        file: the file, for messages.
        lines: ``(N,)`` int, the line that each row begins on; 0 where lines mean nothing.
        columns: name of the column -> its cells as stripped text; ``image`` and ``label`` are there always,
            ``split``, ``group`` and ``edge`` where the file has them.
        negative: ``(N,)`` bool, rows that list an image without objects.
        ragged: ``(N,)`` bool, rows with too few cells, or with text beyond the last column.
        centers_px: ``(N, 2)`` float, row and column; NaN where there is no number.
        said: the text of ``"x"``, ``"y"`` or ``"id"`` in a row, for messages.
        ids: ``(N,)`` text, ``""`` where there is none; ``None`` where the file has no ids.
        sizes_px: ``(N, 2)`` float, height and width, where the file has boxes.
        reasons: ``(N,)`` what is known against each row already.
    """

    file: str
    lines: NDArray[np.int64]
    columns: dict[str, Words]
    negative: NDArray[np.bool_]
    ragged: NDArray[np.bool_]
    centers_px: NDArray[np.float64]
    said: Callable[[int, str], str]
    ids: Sequence[str] | None = None
    sizes_px: NDArray[np.float64] | None = None
    reasons: Sequence[Reason | None] | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def filled(self, name: str) -> Words | None:
        """A column, ``None`` where it is missing or empty throughout."""
        column = self.columns.get(name)
        return column if column is not None and any(column.words) else None

    def text(self, row: int, name: str) -> str:
        """What stands in a column, for a message."""
        column = self.columns.get(name)
        return self.said(row, name) if column is None else column.text(row)


class _Verdicts:
    """The first reason found against each row."""

    def __init__(self, count: int) -> None:
        self.codes = np.full(count, -1, dtype=np.int8)

    def add(self, rows: NDArray[np.bool_], reason: Reason) -> None:
        self.codes[rows & (self.codes < 0)] = _REASONS.index(reason)

    def add_codes(self, codes: NDArray[np.int8]) -> None:
        self.codes = np.where(self.codes < 0, codes, self.codes)

    @property
    def good(self) -> NDArray[np.bool_]:
        return self.codes < 0

    def report(self, cells: Cells, log: ProblemLog) -> None:
        kept = self.codes >= 0
        for code in np.unique(self.codes[kept]).tolist():
            rest = np.flatnonzero(self.codes == code)[_MOST_KEPT:]
            kept[rest] = False
            if len(rest) and not log.strict:
                log.beyond[_REASONS[code].text] += len(rest)
        for row in np.flatnonzero(kept).tolist():
            reason = _REASONS[self.codes[row]]
            value = ", ".join(cells.text(row, name) for name in _SHOWN.get(reason, ("image",)))
            report(log, reason, file=cells.file, row=int(cells.lines[row]) or None, value=value)


def points_of_cells(
    cells: Cells,
    folder: ImageFolder,
    *,
    classes: Sequence[str] | None,
    split: str | None,
    log: ProblemLog,
    progress: Progress | None = None,
    keep_outside: bool = False,
) -> PointSet:
    """Check every row and keep those that can be used.

    Args:
        cells: the table.
        folder: the image folder.
        classes: the classes in order, or ``None`` for those found.
        split: the split of every image where the table has none, or ``None`` for `default_splits`.
        log: takes up the rows that are skipped, in the order of the file.
        progress: called as images are checked.
        keep_outside: whether points outside their image are kept, to find out why they are.

    Raises:
        PointsError: if an image path leaves the folder or no point is left, or by a strict log.
    """
    verdicts = _Verdicts(len(cells))
    if cells.reasons is not None:
        codes = [-1 if reason is None else _REASONS.index(reason) for reason in cells.reasons]
        verdicts.add_codes(np.array(codes, dtype=np.int8))
    images, image_of_row = _look_up_images(cells, folder, verdicts, progress)
    labels, centers_px = cells.columns["label"], cells.centers_px
    found = verdicts.good
    shapes_px = np.array([image.shape_px for image in images], dtype=np.int32).reshape(-1, 2)[image_of_row]
    _check_positions(cells, shapes_px, verdicts, keep_outside)
    swapped = "" if keep_outside else swapped_note(cells.file, centers_px[found], shapes_px[found])
    if swapped:
        log.note(swapped)
    _check_labels(labels, cells.negative, classes, verdicts)
    edge = _check_edges(cells, verdicts)
    _check_ids(cells, verdicts)
    splits = _check_once_per_image(cells, "split", image_of_row, len(images), verdicts)
    groups = _check_once_per_image(cells, "group", image_of_row, len(images), verdicts) or [""] * len(images)
    verdicts.report(cells, log)

    used = np.unique(image_of_row[verdicts.good])
    names = [images[i].name for i in used]
    used_groups = [groups[i] for i in used]
    unsaid = set() if cells.filled("edge") else {"edge"}
    if splits is not None:
        used_splits: Sequence[str] = [splits[i] for i in used]
    elif split is not None:
        used_splits = [split] * len(used)
    else:
        used_splits = noted_splits(names, used_groups, file=cells.file, log=log)
        unsaid.add("splits")
    keep = verdicts.good & ~cells.negative
    points = CheckedPoints(
        images=[images[i] for i in used],
        splits=used_splits,
        groups=used_groups,
        centers_px=centers_px[keep],
        image_index=np.searchsorted(used, image_of_row[keep]).astype(np.int64),
        labels=labels.select(keep),
        ids=_ids(cells, np.flatnonzero(keep)),
        edge=edge[keep],
        sizes_px=np.full((keep.sum(), 2), np.nan) if cells.sizes_px is None else cells.sizes_px[keep],
        unsaid=frozenset(unsaid),
    )
    return assemble(points, classes, file=cells.file, log=log)


def _look_up_images(
    cells: Cells, folder: ImageFolder, verdicts: _Verdicts, progress: Progress | None
) -> tuple[list[FoundImage], NDArray[np.int64]]:
    """The distinct images in order of appearance, and the image of each row."""
    column = cells.columns["image"]
    index_of: dict[FoundImage, int] = {}
    image_of_word = np.zeros(len(column.words), dtype=np.int64)
    for code, name in enumerate(column.words):
        try:
            found = folder.look(name)
        except PointsError as error:
            row = int(cells.lines[np.argmax(column.codes == code)]) or None
            raise PointsError(
                error.what, file=cells.file, row=row, value=shown(name), remedy=error.remedy
            ) from error
        image_of_word[code] = index_of.setdefault(found, len(index_of))
        if progress is not None:
            progress(code + 1, len(column.words))
    images = list(index_of)
    image_of_row = image_of_word[column.codes]
    verdicts.add(cells.ragged, Reason.CELLS)
    of_image = [-1 if image.problem is None else _REASONS.index(image.problem) for image in images]
    verdicts.add_codes(np.array(of_image, dtype=np.int8)[image_of_row])
    return images, image_of_row


def _check_positions(
    cells: Cells, shapes_px: NDArray[np.int32], verdicts: _Verdicts, keep_outside: bool
) -> None:
    """Find what is no number, or outside its image; ``shapes_px`` ``(N, 2)`` are heights and widths."""
    centers_px = cells.centers_px
    verdicts.add(np.isnan(centers_px[:, 1]) & ~cells.negative, Reason.X)
    verdicts.add(np.isnan(centers_px[:, 0]) & ~cells.negative, Reason.Y)
    if keep_outside:
        inside = np.isfinite(centers_px).all(axis=1)
    else:
        inside = ((centers_px >= 0) & (centers_px < shapes_px)).all(axis=1)
    verdicts.add(~inside & ~cells.negative, Reason.OUTSIDE)


def _check_labels(
    labels: Words, negative: NDArray[np.bool_], classes: Sequence[str] | None, verdicts: _Verdicts
) -> None:
    verdicts.add(labels.where(lambda word: not word) & ~negative, Reason.LABEL_EMPTY)
    if classes is not None:
        known = frozenset(classes)
        verdicts.add(labels.where(lambda word: word not in known) & ~negative, Reason.LABEL_UNKNOWN)


def _check_edges(cells: Cells, verdicts: _Verdicts) -> NDArray[np.bool_]:
    column = cells.filled("edge")
    if column is None:
        return np.zeros(len(cells), dtype=bool)
    verdicts.add(column.where(lambda word: flag(word) is None), Reason.EDGE)
    return column.where(lambda word: bool(flag(word)))


def _check_ids(cells: Cells, verdicts: _Verdicts) -> None:
    if cells.ids is not None:
        lengths = np.fromiter(map(len, cells.ids), dtype=np.int64, count=len(cells))
        verdicts.add(lengths > MAX_ID_LENGTH, Reason.ID_TOO_LONG)


def _ids(cells: Cells, rows: NDArray[np.int64]) -> NDArray[np.str_]:
    """The ids of some rows; a row without one goes by its line, or its number where there are no lines."""
    numbers = np.where(cells.lines[rows] > 0, cells.lines[rows], rows + 1)
    if cells.ids is None:
        return numbers.astype(f"<U{len(str(numbers.max(initial=0)))}")
    given = map(cells.ids.__getitem__, rows.tolist())
    return np.array(
        [one or str(number) for one, number in zip(given, numbers.tolist(), strict=True)], dtype=str
    )


def _check_once_per_image(
    cells: Cells, name: str, image_of_row: NDArray[np.int64], image_count: int, verdicts: _Verdicts
) -> list[str] | None:
    """The split or group of each image, as its first usable row says; rows that differ are bad.

    Returns:
        ``(I,)`` text, or ``None`` where the column is missing or empty throughout.
    """
    column = cells.filled(name)
    if column is None:
        return None
    if name == "split":
        column = column.mapped(str.lower)
        verdicts.add(column.where(lambda word: word not in SPLITS), Reason.SPLIT)
    good = np.flatnonzero(verdicts.good)
    seen, first = np.unique(image_of_row[good], return_index=True)
    code_of_image = np.zeros(image_count, dtype=np.int32)
    code_of_image[seen] = column.codes[good[first]]
    verdicts.add(
        column.codes != code_of_image[image_of_row],
        Reason.TWO_SPLITS if name == "split" else Reason.TWO_GROUPS,
    )
    return [column.words[code] for code in code_of_image]
