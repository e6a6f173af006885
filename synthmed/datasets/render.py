"""Render a series of scenes into a folder, in parallel, so that a killed run can go on.

The folder holds ``images/``, ``coco.json``, ``tags.csv`` (multi-label, one column per class) and
``manifest.json``, which is written last: a folder without it is unfinished. Until then ``unfinished.json``
says what is being rendered and ``parts/`` keeps the labels of finished chunks.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from synthmed._files import folder_when_done, is_free, write_atomic
from synthmed.bank.patchbank import PatchBank
from synthmed.bank.store import open_bank
from synthmed.datasets.chunks import IMAGES, PARTS, Rendering
from synthmed.datasets.coco import coco_document
from synthmed.datasets.manifest import (
    MANIFEST,
    UNFINISHED,
    RenderReport,
    read_object,
    read_report,
    rendering_spec,
    to_json,
)
from synthmed.datasets.processes import render_chunks
from synthmed.datasets.tags import tags_csv
from synthmed.errors import DatasetError
from synthmed.scenes.recipe import Recipe

Progress = Callable[[int, int], None]


def render_dataset(
    bank_dir: Path | str,
    out: Path | str,
    *,
    count: int,
    recipe: Recipe | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> RenderReport:
    """Render scenes ``0 .. count - 1`` of a series; the bytes do not depend on ``workers``.

    Started again on an unfinished folder with the same arguments it goes on where it was killed; on a
    finished one it returns at once.

    Args:
        bank_dir: the patch bank.
        out: a new folder, or one of an earlier run with the same arguments.
        count: scenes to render.
        recipe: what they look like; the default recipe if omitted.
        seed: the seed of the series.
        workers: processes.
        progress: called with scenes done and scenes in all.

    Raises:
        BankError: the bank cannot be opened.
        RecipeError: a scene cannot hold what the recipe asks for.
        DatasetError: the folder holds something else, or cannot be written.
    """
    if count < 1:
        raise DatasetError("at least one scene has to be rendered", value=count, remedy="pass --count 100")
    if seed < 0:
        raise DatasetError("a seed is not negative", value=seed, remedy="pass --seed 0")
    rendering = Rendering(Path(bank_dir), Path(out), recipe or Recipe(), count, seed)
    bank = open_bank(rendering.bank_dir)
    spec = rendering_spec(bank, rendering.recipe, count, seed)
    try:
        if not _is_finished(rendering.out, spec):
            _render_missing(rendering, bank, workers, progress)
            _finish(rendering, bank, spec)
        elif progress is not None:
            progress(count, count)
        _tidy(rendering.out)
    except BrokenProcessPool as error:
        raise DatasetError(
            "a worker process was killed",
            file=out,
            remedy="run the same again, and it goes on from here; in a script of your own, call it below "
            "`if __name__ == '__main__':`",
        ) from error
    except OSError as error:
        raise DatasetError(
            f"cannot write: {error.strerror or error}",
            file=out,
            remedy="mend that and run the same command again; it goes on from here",
        ) from error
    return read_report(rendering.out)


def _is_finished(out: Path, spec: dict[str, Any]) -> bool:
    """Whether there is nothing left to do; makes the folder where there is none.

    Raises:
        DatasetError: it holds something else.
    """
    for name in (MANIFEST, UNFINISHED):
        path = out / name
        if not path.exists():
            continue
        found = read_object(path)
        different = sorted(key for key in spec if found.get(key) != spec[key])
        if different:
            raise DatasetError(
                f"the folder was rendered with another {', '.join(different)}",
                file=out,
                remedy="choose another --out, or delete the folder",
            )
        return name == MANIFEST
    if not is_free(out):
        raise DatasetError("this is not an empty folder", file=out, remedy="choose another --out")
    with folder_when_done(out) as partial:
        (partial / IMAGES).mkdir()
        (partial / PARTS).mkdir()
        write_atomic(partial / UNFINISHED, to_json(spec))
    return False


def _render_missing(rendering: Rendering, bank: PatchBank, workers: int, progress: Progress | None) -> None:
    missing = rendering.missing()
    done = rendering.count - sum(len(rendering.scenes(start)) for start in missing)
    if progress is not None:
        progress(done, rendering.count)
    for start in render_chunks(rendering, bank, missing, workers):
        done += len(rendering.scenes(start))
        if progress is not None:
            progress(done, rendering.count)


def _finish(rendering: Rendering, bank: PatchBank, spec: dict[str, Any]) -> None:
    """Write the labels of all scenes, and the manifest last."""
    records = list(rendering.records())
    coco = to_json(coco_document(records, bank))
    labels = np.array([o["label"] for record in records for o in record["objects"]], dtype=np.int64)
    objects = np.bincount(labels, minlength=len(bank.classes)).tolist()
    unplaced = np.sum([record["unplaced"] for record in records], axis=0).tolist()
    write_atomic(rendering.out / "coco.json", coco)
    write_atomic(rendering.out / "tags.csv", tags_csv(records, bank.classes).encode())
    manifest = {
        **spec,
        "objects": dict(zip(bank.classes, objects, strict=True)),
        "unplaced": dict(zip(bank.classes, unplaced, strict=True)),
        "coco_sha256": hashlib.sha256(coco).hexdigest(),
    }
    write_atomic(rendering.out / MANIFEST, to_json(manifest, indent=2))


def _tidy(out: Path) -> None:
    """Remove what only an unfinished folder needs, and what a killed run left of files it was writing."""
    shutil.rmtree(out / PARTS, ignore_errors=True)
    (out / UNFINISHED).unlink(missing_ok=True)
    for left in out.glob(".*.partial"):
        left.unlink(missing_ok=True)
