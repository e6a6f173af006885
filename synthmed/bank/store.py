"""A bank on disk: a folder that a person can open.

``bank.json`` (schema version, classes, spec, report, hash), ``patches.csv`` and ``patches.npy`` (a row per
patch, for people and for opening it at once), ``images.csv`` (a row per source image), ``backdrops.csv`` (a
row per backdrop), ``clicks.npy`` (a row per point of the source images), ``distractors.csv`` (a row per
distractor), ``pixels.npy``, ``mattes.npy``, ``backdrops.npy``, ``distractors.npy`` and
``distractor_mattes.npy`` (opened memory-mapped). Nothing is pickled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from synthmed import __version__, _files
from synthmed._files import folder_when_done
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.clicks import clicks_table, read_clicks
from synthmed.bank.distractors import Distractors
from synthmed.bank.patchbank import PatchBank, content_hash
from synthmed.bank.report import ClassReport
from synthmed.bank.spec import BankSpec
from synthmed.bank.tables import (
    backdrop_fields,
    backdrops_csv,
    distractor_fields,
    distractors_csv,
    image_fields,
    images_csv,
    patch_fields,
    patch_table,
    patches_csv,
)
from synthmed.errors import BankError

SCHEMA_VERSION = 5

# Twice the largest class size: what the largest variation makes of it.
_LARGEST_SIDE_PX = 20_000


def require_free(folder: Path) -> None:
    """Make sure that a bank can be written, before anything is computed for it.

    Raises:
        BankError: something is at ``folder`` already.
    """
    _files.require_free(folder, BankError, "this is not an empty folder")


def save_bank(bank: PatchBank, folder: Path) -> None:
    """Write a bank, whole or not at all.

    Raises:
        BankError: something is at ``folder`` already.
    """
    require_free(folder)
    with folder_when_done(folder) as partial:
        np.save(partial / "pixels.npy", bank.pixels)
        np.save(partial / "mattes.npy", bank.mattes)
        np.save(partial / "backdrops.npy", bank.backdrops.pixels)
        np.save(partial / "distractors.npy", bank.distractors.pixels)
        np.save(partial / "distractor_mattes.npy", bank.distractors.mattes)
        np.save(partial / "clicks.npy", clicks_table(bank.clicks))
        table = patch_table(bank)
        np.save(partial / "patches.npy", table)
        (partial / "patches.csv").write_text(patches_csv(table, bank.classes), encoding="utf-8", newline="")
        (partial / "images.csv").write_text(images_csv(bank), encoding="utf-8", newline="")
        (partial / "backdrops.csv").write_text(backdrops_csv(bank), encoding="utf-8", newline="")
        (partial / "distractors.csv").write_text(distractors_csv(bank), encoding="utf-8", newline="")
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
        BankError: there is no bank, it has no patch, its schema version is another, or its files do not fit
            together.
    """
    folder = Path(folder)
    meta = _read_meta(folder)
    try:
        bank = _assemble(folder, meta)
    except Exception as error:  # damaged tables and headers raise nearly anything
        raise BankError(
            f"the bank is damaged: {type(error).__name__}: {error}", file=folder, remedy="build it again"
        ) from error
    _check(bank, folder)
    if verify:
        _verify(bank, folder)
    return bank


def _verify(bank: PatchBank, folder: Path) -> None:
    if content_hash(bank) != bank.hash:
        raise BankError("the content of the bank does not fit its hash", file=folder, remedy="build it again")
    path = folder / "patches.csv"
    written = patches_csv(patch_table(bank), bank.classes)
    if not path.is_file() or path.read_bytes() != written.encode("utf-8"):
        raise BankError(
            "the table for people is not that of the bank",
            file=path,
            remedy="build the bank again; it is read from patches.npy, so editing the table has no effect",
        )


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
    fields = patch_fields(folder / "patches.npy") | image_fields(folder / "images.csv", classes)
    return PatchBank(
        spec=spec,
        classes=classes,
        sizes_px=np.array([spec.sizes_px[name] for name in classes]),
        offsets=np.concatenate([[0], np.cumsum(fields["shapes_px"].prod(axis=1))[:-1]]).astype(np.int64),
        pixels=np.lib.format.open_memmap(folder / "pixels.npy", mode="r"),
        mattes=np.lib.format.open_memmap(folder / "mattes.npy", mode="r"),
        backdrops=Backdrops(
            np.lib.format.open_memmap(folder / "backdrops.npy", mode="r"),
            *backdrop_fields(folder / "backdrops.csv", fields["images"]),
        ),
        clicks=read_clicks(np.lib.format.open_memmap(folder / "clicks.npy", mode="r")),
        distractors=Distractors(
            np.lib.format.open_memmap(folder / "distractors.npy", mode="r"),
            np.lib.format.open_memmap(folder / "distractor_mattes.npy", mode="r"),
            **distractor_fields(folder / "distractors.csv", fields["images"]),
        ),
        report=tuple(ClassReport(**row) for row in meta["report"]),
        hash=str(meta["hash"]),
        **fields,
    )


def _check(bank: PatchBank, folder: Path) -> None:
    """Refuse what compiled loops would read or write beyond its end, and a bank of nothing."""
    if not len(bank):
        raise BankError(
            "the bank has no patch",
            file=folder,
            remedy="click objects in train images, or relax the border policy, and build it again",
        )
    sides, backdrops, clicks = bank.shapes_px, bank.backdrops, bank.clicks
    distractors = bank.distractors
    extent = int(distractors.shapes_px.prod(axis=1).sum())
    total = int(sides.prod(axis=1).sum())
    fits = (
        bool(((bank.labels >= 0) & (bank.labels < len(bank.classes))).all())
        and bool(((sides > 0) & (sides <= _LARGEST_SIDE_PX)).all())
        and bank.pixels.shape == (total, 3)
        and bank.mattes.shape == (total,)
        and bank.pixels.dtype == bank.mattes.dtype == np.uint8
        and bool(((backdrops.shapes_px > 0) & (backdrops.shapes_px <= _LARGEST_SIDE_PX)).all())
        and backdrops.pixels.shape == (int(backdrops.shapes_px.prod(axis=1).sum()), 3)
        and backdrops.pixels.dtype == np.uint8
        and bool(((distractors.shapes_px > 0) & (distractors.shapes_px <= _LARGEST_SIDE_PX)).all())
        and distractors.pixels.shape == (extent, 3)
        and distractors.mattes.shape == (extent,)
        and distractors.pixels.dtype == distractors.mattes.dtype == np.uint8
        and len(bank.images) > 0
        and bool(((clicks.image_index >= 0) & (clicks.image_index < len(bank.images))).all())
        and bool(((clicks.labels >= 0) & (clicks.labels < len(bank.classes))).all())
        and bool((bank.image_shapes_px > 0).all())
        and bool((bank.image_counts >= 0).all())
        and bool((bank.image_noises >= 0).all())
        and all(
            bool(np.isfinite(a).all())
            for a in (
                *(bank.backgrounds, bank.rims_px, bank.image_backgrounds, bank.image_noises),
                *(clicks.centers_px, distractors.backgrounds),
            )
        )
    )
    if not fits:
        raise BankError("the files of the bank do not fit together", file=folder, remedy="build it again")
