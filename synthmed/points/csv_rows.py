"""From the cells of a table to a `PointSet`: a million rows in seconds, each bad one with its reason."""

from __future__ import annotations

from collections.abc import Sequence
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
from synthmed.points.values import flag, numbers

_REASONS = tuple(Reason)
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
    """The columns of a table as stripped text, with the line of each row.

    Attributes:
        file: the file, for messages.
        lines: ``(N,)`` the line that each row begins on.
        columns: name of the column -> ``(N,)`` cells; columns that the file lacks are not there.
        ragged: ``(N,)`` bool, rows with too few cells, or with text beyond the last column.
        centers_px: ``(N, 2)`` float, row and column, where they are known already; else the columns tell.
        sizes_px: ``(N, 2)`` float, height and width, where the file has boxes.
        reasons: ``(N,)`` what is known against each row already.
    """

    file: str
    lines: Sequence[int | None]
    columns: dict[str, list[str]]
    ragged: NDArray[np.bool_]
    centers_px: NDArray[np.float64] | None = None
    sizes_px: NDArray[np.float64] | None = None
    reasons: Sequence[Reason | None] | None = None

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def of_rows(
        cls, rows: list[list[str]], lines: list[int], *, places: dict[str, int], width: int, file: str
    ) -> Cells:
        """Turn rows into columns.

        Args:
            rows: the rows below the header.
            lines: the line of each.
            places: name of the column -> its place in a row.
            width: the number of cells in the header.
            file: the file, for messages.
        """
        needed = 1 + max(places[name] for name in ("image", "x", "y", "label"))
        ragged = np.array(
            [len(row) < needed or (len(row) > width and any(row[width:])) for row in rows], bool
        )
        blank = [""] * width
        full = [row if len(row) >= width else row + blank[len(row) :] for row in rows]
        columns = {name: [row[place].strip() for row in full] for name, place in places.items()}
        return cls(file, lines, columns, ragged)

    def filled(self, name: str) -> list[str] | None:
        """The cells of a column, ``None`` where the column is missing or empty throughout."""
        cells = self.columns.get(name)
        return cells if cells is not None and any(cells) else None


class _Verdicts:
    """The first reason found against each row."""

    def __init__(self, count: int) -> None:
        self.codes = np.full(count, -1, dtype=np.int64)

    def add(self, rows: NDArray[np.bool_], reason: Reason) -> None:
        self.add_codes(np.where(rows, _REASONS.index(reason), -1))

    def add_codes(self, codes: NDArray[np.int64]) -> None:
        self.codes = np.where(self.codes < 0, codes, self.codes)

    @property
    def good(self) -> NDArray[np.bool_]:
        return self.codes < 0

    def report(self, cells: Cells, log: ProblemLog) -> None:
        for row in np.flatnonzero(self.codes >= 0).tolist():
            reason = _REASONS[self.codes[row]]
            shown = ", ".join(cells.columns[name][row] for name in _SHOWN.get(reason, ("image",)))
            report(log, reason, file=cells.file, row=cells.lines[row], value=shown)


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
        verdicts.add_codes(np.array(codes, dtype=np.int64))
    images, image_of_row = _look_up_images(cells, folder, verdicts, progress)
    labels = cells.columns["label"]
    found = verdicts.good
    centers_px, negative = _check_positions(cells, images, image_of_row, verdicts, keep_outside)
    shapes_px = np.array([image.shape_px for image in images], dtype=np.int64).reshape(-1, 2)[image_of_row]
    swapped = "" if keep_outside else swapped_note(cells.file, centers_px[found], shapes_px[found])
    if swapped:
        log.note(swapped)
    _check_labels(labels, negative, classes, verdicts)
    edge = _check_edges(cells, verdicts)
    ids = _check_ids(cells, verdicts)
    splits = _check_once_per_image(cells, "split", image_of_row, len(images), verdicts)
    groups = _check_once_per_image(cells, "group", image_of_row, len(images), verdicts) or [""] * len(images)
    verdicts.report(cells, log)

    used = np.unique(image_of_row[verdicts.good])
    names = [images[i].name for i in used]
    used_groups = [groups[i] for i in used]
    if splits is not None:
        used_splits: Sequence[str] = [splits[i] for i in used]
    elif split is not None:
        used_splits = [split] * len(used)
    else:
        used_splits = noted_splits(names, used_groups, file=cells.file, log=log)
    keep = verdicts.good & ~negative
    kept = np.flatnonzero(keep).tolist()
    points = CheckedPoints(
        images=[images[i] for i in used],
        splits=used_splits,
        groups=used_groups,
        centers_px=centers_px[keep],
        image_index=np.searchsorted(used, image_of_row[keep]).astype(np.int64),
        labels=[labels[row] for row in kept],
        ids=[ids[row] for row in kept],
        edge=edge[keep],
        sizes_px=np.full((len(kept), 2), np.nan) if cells.sizes_px is None else cells.sizes_px[keep],
    )
    return assemble(points, classes, file=cells.file, log=log)


def _look_up_images(
    cells: Cells, folder: ImageFolder, verdicts: _Verdicts, progress: Progress | None
) -> tuple[list[FoundImage], NDArray[np.int64]]:
    """The distinct images in order of appearance, and the image of each row."""
    first_row: dict[str, int] = {}
    for row, name in enumerate(cells.columns["image"]):
        first_row.setdefault(name, row)
    index_of: dict[FoundImage, int] = {}
    image_of_name = {}
    for done, (name, row) in enumerate(first_row.items(), 1):
        try:
            found = folder.look(name)
        except PointsError as error:
            raise PointsError(
                error.what, file=cells.file, row=cells.lines[row], value=name, remedy=error.remedy
            ) from error
        image_of_name[name] = index_of.setdefault(found, len(index_of))
        if progress is not None:
            progress(done, len(first_row))
    images = list(index_of)
    image_of_row = np.array([image_of_name[name] for name in cells.columns["image"]], dtype=np.int64)
    verdicts.add(cells.ragged, Reason.CELLS)
    of_image = [-1 if image.problem is None else _REASONS.index(image.problem) for image in images]
    verdicts.add_codes(np.array(of_image, dtype=np.int64)[image_of_row])
    return images, image_of_row


def _check_positions(
    cells: Cells,
    images: Sequence[FoundImage],
    image_of_row: NDArray[np.int64],
    verdicts: _Verdicts,
    keep_outside: bool,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``(N, 2)`` centres, and which rows list an image without objects."""
    columns = cells.columns
    negative = np.array(
        [
            not (x or y or label)
            for x, y, label in zip(columns["x"], columns["y"], columns["label"], strict=True)
        ],
        dtype=bool,
    )
    centers_px = cells.centers_px
    if centers_px is None:
        centers_px = np.column_stack([numbers(columns["y"]), numbers(columns["x"])])
    shapes_px = np.array([image.shape_px for image in images], dtype=np.int64).reshape(-1, 2)
    verdicts.add(np.isnan(centers_px[:, 1]) & ~negative, Reason.X)
    verdicts.add(np.isnan(centers_px[:, 0]) & ~negative, Reason.Y)
    inside = ((centers_px >= 0) & (centers_px < shapes_px[image_of_row])).all(axis=1)
    if keep_outside:
        inside = np.isfinite(centers_px).all(axis=1)
    verdicts.add(~inside & ~negative, Reason.OUTSIDE)
    return centers_px, negative


def _check_labels(
    labels: Sequence[str], negative: NDArray[np.bool_], classes: Sequence[str] | None, verdicts: _Verdicts
) -> None:
    verdicts.add(np.array([not label for label in labels], dtype=bool) & ~negative, Reason.LABEL_EMPTY)
    if classes is not None:
        known = frozenset(classes)
        verdicts.add(
            np.array([label not in known for label in labels], bool) & ~negative, Reason.LABEL_UNKNOWN
        )


def _check_edges(cells: Cells, verdicts: _Verdicts) -> NDArray[np.bool_]:
    column = cells.filled("edge")
    if column is None:
        return np.zeros(len(cells), dtype=bool)
    meaning = {cell: flag(cell) for cell in set(column)}
    verdicts.add(np.array([meaning[cell] is None for cell in column], dtype=bool), Reason.EDGE)
    return np.array([bool(meaning[cell]) for cell in column], dtype=bool)


def _check_ids(cells: Cells, verdicts: _Verdicts) -> list[str]:
    column = cells.filled("id")
    if column is None:
        return [str(line or row) for row, line in enumerate(cells.lines, 1)]
    verdicts.add(np.array([len(cell) > MAX_ID_LENGTH for cell in column], dtype=bool), Reason.ID_TOO_LONG)
    numbered = enumerate(zip(column, cells.lines, strict=True), 1)
    return [cell or str(line or row) for row, (cell, line) in numbered]


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
        column = [cell.lower() for cell in column]
        verdicts.add(np.array([cell not in SPLITS for cell in column], dtype=bool), Reason.SPLIT)
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(cell, len(numbers)) for cell in column], dtype=np.int64)
    good = np.flatnonzero(verdicts.good)
    seen, first = np.unique(image_of_row[good], return_index=True)
    code_of_image = np.zeros(image_count, dtype=np.int64)
    code_of_image[seen] = codes[good[first]]
    verdicts.add(
        codes != code_of_image[image_of_row], Reason.TWO_SPLITS if name == "split" else Reason.TWO_GROUPS
    )
    words = list(numbers)
    return [words[code] for code in code_of_image]
