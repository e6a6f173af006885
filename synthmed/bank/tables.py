"""The tables of a bank on disk.

The table of patches is there twice: ``patches.npy``, a structured array that opens at once however many
patches there are, and ``patches.csv``, the same for a person and a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.patchbank import PatchBank
from synthmed.bank.quality import FLAGS, QUALITY_COLUMNS, Quality

_CHANNELS = ("red", "green", "blue")
_IMAGE_COLUMNS = (
    *("image", "height_px", "width_px", "background_red", "background_green", "background_blue", "noise"),
    *("window_low", "window_high", "sha256"),
)

_DISTRACTOR_COLUMNS = (
    *("image", "center_row_px", "center_column_px", "height_px", "width_px"),
    *("background_red", "background_green", "background_blue", "stands_out"),
)

Columns = dict[str, NDArray[Any]]

# Kinds of numpy's dtypes: U text, i whole numbers, f floats, b flags.
_KINDS: dict[str, str] = {
    "label": "i",
    "image": "U",
    "annotation_id": "U",
    "split": "U",
    "group": "U",
    "center_row_px": "f",
    "center_column_px": "f",
    "height_px": "i",
    "width_px": "i",
    "cut_off": "f",
    "other_centers": "i",
    "rim_px": "f",
    **{f"background_{name}": "f" for name in _CHANNELS},
    **{name: "b" if name in FLAGS else "f" for name in QUALITY_COLUMNS},
}
_DTYPES = {"i": "<i8", "f": "<f8", "b": "|b1"}


def patch_table(bank: PatchBank) -> NDArray[Any]:
    """One record for each patch."""
    columns: Columns = {
        "label": bank.labels,
        "image": bank.source_images,
        "annotation_id": bank.annotation_ids,
        "split": bank.splits,
        "group": bank.groups,
        "center_row_px": bank.centers_px[:, 0],
        "center_column_px": bank.centers_px[:, 1],
        "height_px": bank.shapes_px[:, 0],
        "width_px": bank.shapes_px[:, 1],
        "cut_off": bank.cut_off,
        "other_centers": bank.other_centers,
        "rim_px": bank.rims_px,
        **{f"background_{name}": bank.backgrounds[:, i] for i, name in enumerate(_CHANNELS)},
        **{name: getattr(bank.quality, name) for name in QUALITY_COLUMNS},
    }
    dtype = [
        (name, _DTYPES.get(kind) or np.asarray(columns[name]).astype("<U").dtype.str)
        for name, kind in _KINDS.items()
    ]
    table = np.zeros(len(bank), dtype=dtype)
    for name, column in columns.items():
        table[name] = column
    return table


def patch_fields(path: Path) -> dict[str, Any]:
    """The fields of a bank that `patch_table` holds.

    Raises:
        OSError: there is no file.
        ValueError: it is damaged, or has other columns.
    """
    table = np.lib.format.open_memmap(path, mode="r")
    kinds = {name: table.dtype[name].kind for name in table.dtype.names or ()}
    if table.ndim != 1 or kinds != _KINDS:
        raise ValueError(f"{path.name} has other columns than this synthmed writes")

    def column(name: str) -> NDArray[Any]:
        return np.ascontiguousarray(table[name])

    return {
        "labels": column("label"),
        "shapes_px": np.stack([table["height_px"], table["width_px"]], axis=1),
        "centers_px": np.stack([table["center_row_px"], table["center_column_px"]], axis=1),
        "cut_off": column("cut_off"),
        "other_centers": column("other_centers"),
        "rims_px": column("rim_px"),
        "backgrounds": np.stack([table[f"background_{name}"] for name in _CHANNELS], axis=1),
        "quality": Quality(**{name: column(name) for name in QUALITY_COLUMNS}),
        "source_images": np.asarray(table["image"]),
        "annotation_ids": np.asarray(table["annotation_id"]),
        "splits": np.asarray(table["split"]),
        "groups": np.asarray(table["group"]),
    }


def patches_csv(table: NDArray[Any], classes: tuple[str, ...]) -> str:
    """The table of patches for a person: classes by name, flags as 0 and 1."""
    columns = [table[name].astype(np.int64) if kind == "b" else table[name] for name, kind in _KINDS.items()]
    columns[0] = np.array(classes, dtype=str)[table["label"]]
    return _write_table(list(_KINDS), [column.tolist() for column in columns])


def images_csv(bank: PatchBank) -> str:
    """One row for each source image."""
    columns: list[list[Any]] = [
        list(bank.images),
        *bank.image_shapes_px.T.tolist(),
        *bank.image_backgrounds.T.tolist(),
        bank.image_noises.tolist(),
        *bank.image_windows.T.tolist(),
        bank.image_digests.tolist(),
        *bank.image_counts.T.tolist(),
    ]
    return _write_table([*_IMAGE_COLUMNS, *(f"count {name}" for name in bank.classes)], columns)


def backdrops_csv(bank: PatchBank) -> str:
    """One row for each backdrop."""
    backdrops = bank.backdrops
    names = [bank.images[index] for index in backdrops.image_index]
    return _write_table(["image", "height_px", "width_px"], [names, *backdrops.shapes_px.T.tolist()])


def backdrop_fields(path: Path, images: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shapes and image numbers of the backdrops, from what `backdrops_csv` holds."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    number = {name: index for index, name in enumerate(images)}
    shapes = np.array([row[1:3] for row in rows], dtype=np.str_).astype(np.int64).reshape(-1, 2)
    return shapes, np.array([number[row[0]] for row in rows], dtype=np.int64)


def distractors_csv(bank: PatchBank) -> str:
    """One row for each distractor."""
    distractors = bank.distractors
    names = [bank.images[index] for index in distractors.image_index]
    columns = [
        *distractors.centers_px.T.tolist(),
        *distractors.shapes_px.T.tolist(),
        *distractors.backgrounds.T.tolist(),
        distractors.stands_out.astype(int).tolist(),
    ]
    return _write_table(list(_DISTRACTOR_COLUMNS), [names, *columns])


def distractor_fields(path: Path, images: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The fields of distractors but their pixels, from what `distractors_csv` holds."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    if tuple(header) != _DISTRACTOR_COLUMNS:
        raise ValueError(f"{path.name} has other columns than this synthmed writes")
    number = {name: index for index, name in enumerate(images)}
    values = np.array([row[1:] for row in rows], dtype=np.str_).reshape(-1, len(header) - 1)
    return {
        "image_index": np.array([number[row[0]] for row in rows], dtype=np.int64),
        "centers_px": values[:, :2].astype(np.float64),
        "shapes_px": values[:, 2:4].astype(np.int64),
        "backgrounds": values[:, 4:7].astype(np.float64),
        "stands_out": values[:, 7].astype(np.int64) > 0,
    }


def image_fields(path: Path, classes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a bank that `images_csv` holds."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header, body = rows[0], rows[1:]
    columns = list(zip(*body, strict=True)) if body else [()] * len(header)
    table = dict(zip(header, columns, strict=True))

    def column(name: str, dtype: type) -> NDArray[Any]:
        return np.array(table[name], dtype=np.str_).astype(dtype)

    return {
        "images": tuple(table["image"]),
        "image_shapes_px": np.stack([column(name, np.int64) for name in ("height_px", "width_px")], axis=1),
        "image_counts": np.stack([column(f"count {name}", np.int64) for name in classes], axis=1),
        "image_backgrounds": np.stack(
            [column(f"background_{name}", np.float64) for name in _CHANNELS], axis=1
        ),
        "image_noises": column("noise", np.float64),
        "image_windows": np.stack([column(f"window_{end}", np.float64) for end in ("low", "high")], axis=1),
        "image_digests": column("sha256", np.str_),
    }


def _write_table(header: list[str], columns: list[list[Any]]) -> str:
    # csv writes floats by repr, which reads back to the same bits. All text is quoted: before Python 3.13 a
    # lone carriage return would not be, and break its row.
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()
