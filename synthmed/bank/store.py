"""A bank on disk: a folder that a person can open.

``bank.json`` (schema version, classes, spec, report, hash), ``patches.csv`` (a row per patch), ``images.csv``
(a row per source image), ``pixels.npy`` and ``mattes.npy`` (opened memory-mapped). Nothing is pickled.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed import __version__
from synthmed._files import folder_when_done, is_free
from synthmed.bank.patchbank import ClassReport, PatchBank, content_hash
from synthmed.bank.spec import BankSpec
from synthmed.errors import BankError

SCHEMA_VERSION = 1

# Twice the largest class size: what the largest variation makes of it.
_LARGEST_SIDE_PX = 20_000

_PATCH_COLUMNS = (
    "label image annotation_id split group center_row_px center_column_px height_px width_px cut_off "
    "other_centers background_red background_green background_blue"
).split()
_IMAGE_COLUMNS = "image height_px width_px background_red background_green background_blue noise".split()


def require_free(folder: Path) -> None:
    """Make sure that a bank can be written, before anything is computed for it.

    Raises:
        BankError: something is at ``folder`` already.
    """
    if not is_free(folder):
        raise BankError(
            "this is not an empty folder", file=folder, remedy="choose another --out, or delete it first"
        )


def save_bank(bank: PatchBank, folder: Path) -> None:
    """Write a bank, whole or not at all.

    Raises:
        BankError: something is at ``folder`` already.
    """
    require_free(folder)
    with folder_when_done(folder) as partial:
        np.save(partial / "pixels.npy", bank.pixels)
        np.save(partial / "mattes.npy", bank.mattes)
        (partial / "patches.csv").write_text(_patches_csv(bank), encoding="utf-8", newline="")
        (partial / "images.csv").write_text(_images_csv(bank), encoding="utf-8", newline="")
        meta = {
            "schema_version": SCHEMA_VERSION,
            "synthmed_version": __version__,
            "hash": bank.hash,
            "classes": list(bank.classes),
            "spec": bank.spec.model_dump(mode="json"),
            "report": [row._asdict() for row in bank.report],
        }
        (partial / "bank.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def open_bank(folder: Path | str, *, verify: bool = False) -> PatchBank:
    """Open a bank, its pixels memory-mapped.

    Args:
        folder: what `save_bank` wrote.
        verify: also read all pixels and compare the content with the hash.

    Raises:
        BankError: there is no bank, its schema version is another, or its files do not fit together.
    """
    folder = Path(folder)
    meta = _read_meta(folder)
    try:
        bank = _assemble(folder, meta)
    except (OSError, LookupError, ValueError, TypeError, ArithmeticError, csv.Error) as error:
        raise BankError(
            f"the bank is damaged: {type(error).__name__}: {error}", file=folder, remedy="build it again"
        ) from error
    _check(bank, folder)
    if verify and content_hash(bank) != bank.hash:
        raise BankError("the content of the bank does not fit its hash", file=folder, remedy="build it again")
    return bank


def _read_meta(folder: Path) -> dict[str, Any]:
    path = folder / "bank.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BankError(
            "there is no patch bank here", file=folder, remedy="build one: synthmed bank build"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BankError(
            f"bank.json cannot be read: {error}", file=path, remedy="build the bank again"
        ) from error
    version = meta.get("schema_version") if isinstance(meta, dict) else None
    if version != SCHEMA_VERSION:
        raise BankError(
            f"the bank has another schema version than {SCHEMA_VERSION}, which this synthmed reads",
            file=path,
            value=version,
            remedy="build the bank again, or use the synthmed that wrote it",
        )
    return dict(meta)


def _assemble(folder: Path, meta: dict[str, Any]) -> PatchBank:
    spec = BankSpec.model_validate(meta["spec"])
    classes = tuple(str(name) for name in meta["classes"])
    patches = _read_table(folder / "patches.csv")
    images = _read_table(folder / "images.csv")
    number = {name: i for i, name in enumerate(classes)}
    shapes = np.stack([_column(patches, "height_px", int), _column(patches, "width_px", int)], axis=1)
    return PatchBank(
        spec=spec,
        classes=classes,
        sizes_px=np.array([spec.sizes_px[name] for name in classes]),
        labels=np.array([number[name] for name in patches["label"]], dtype=np.int64),
        shapes_px=shapes,
        offsets=np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]]).astype(np.int64),
        centers_px=np.stack(
            [_column(patches, "center_row_px", float), _column(patches, "center_column_px", float)], axis=1
        ),
        cut_off=_column(patches, "cut_off", float),
        other_centers=_column(patches, "other_centers", int),
        backgrounds=_colors(patches),
        source_images=np.array(patches["image"], dtype=str),
        annotation_ids=np.array(patches["annotation_id"], dtype=str),
        splits=np.array(patches["split"], dtype=str),
        groups=np.array(patches["group"], dtype=str),
        pixels=np.lib.format.open_memmap(folder / "pixels.npy", mode="r"),
        mattes=np.lib.format.open_memmap(folder / "mattes.npy", mode="r"),
        images=tuple(images["image"]),
        image_shapes_px=np.stack(
            [_column(images, "height_px", int), _column(images, "width_px", int)], axis=1
        ),
        image_counts=np.stack([_column(images, f"count {name}", int) for name in classes], axis=1),
        image_backgrounds=_colors(images),
        image_noises=_column(images, "noise", float),
        report=tuple(ClassReport(**row) for row in meta["report"]),
        hash=str(meta["hash"]),
    )


def _check(bank: PatchBank, folder: Path) -> None:
    """Refuse what compiled loops would read or write beyond its end."""
    sides = bank.shapes_px
    total = int(sides.prod(axis=1).sum())
    fits = (
        len(bank) > 0
        and bool(((sides > 0) & (sides <= _LARGEST_SIDE_PX)).all())
        and bank.pixels.shape == (total, 3)
        and bank.mattes.shape == (total,)
        and bank.pixels.dtype == bank.mattes.dtype == np.uint8
        and len(bank.images) > 0
        and bool((bank.image_shapes_px > 0).all())
        and bool((bank.image_counts >= 0).all())
        and bool((bank.image_noises >= 0).all())
        and all(
            bool(np.isfinite(a).all()) for a in (bank.backgrounds, bank.image_backgrounds, bank.image_noises)
        )
    )
    if not fits:
        raise BankError("the files of the bank do not fit together", file=folder, remedy="build it again")


def _patches_csv(bank: PatchBank) -> str:
    names = np.array(bank.classes, dtype=str)[bank.labels].tolist()
    columns: list[list[Any]] = [
        names,
        bank.source_images.tolist(),
        bank.annotation_ids.tolist(),
        bank.splits.tolist(),
        bank.groups.tolist(),
        *bank.centers_px.T.tolist(),
        *bank.shapes_px.T.tolist(),
        bank.cut_off.tolist(),
        bank.other_centers.tolist(),
        *bank.backgrounds.T.tolist(),
    ]
    return _write_table(_PATCH_COLUMNS, columns)


def _images_csv(bank: PatchBank) -> str:
    columns: list[list[Any]] = [
        list(bank.images),
        *bank.image_shapes_px.T.tolist(),
        *bank.image_backgrounds.T.tolist(),
        bank.image_noises.tolist(),
        *bank.image_counts.T.tolist(),
    ]
    return _write_table([*_IMAGE_COLUMNS, *(f"count {name}" for name in bank.classes)], columns)


def _write_table(header: list[str], columns: list[list[Any]]) -> str:
    # csv writes floats by repr, which reads back to the same bits. All text is quoted: before Python 3.13 a
    # lone carriage return would not be, and break its row.
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _read_table(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header, body = rows[0], rows[1:]
    columns = list(zip(*body, strict=True)) if body else [()] * len(header)
    return {name: list(column) for name, column in zip(header, columns, strict=True)}


def _column(table: dict[str, list[str]], name: str, kind: type) -> NDArray[Any]:
    return np.array(table[name], dtype=np.str_).astype(np.int64 if kind is int else np.float64)


def _colors(table: dict[str, list[str]]) -> NDArray[np.float64]:
    return np.stack(
        [_column(table, f"background_{name}", float) for name in ("red", "green", "blue")], axis=1
    )
