"""Render a series of scenes into a folder, in parallel, so that a killed run can go on.

The folder holds ``images/``, ``coco.json``, ``tags.csv`` (multi-label, one column per class) and
``manifest.json``, which is written last: a folder without it is unfinished. Until then ``unfinished.json``
says what is being rendered and ``parts/`` keeps the labels of finished chunks.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from synthmed import __version__
from synthmed._files import is_free, write_atomic
from synthmed.bank.patchbank import PatchBank
from synthmed.bank.store import open_bank
from synthmed.datasets.coco import SceneRecord, coco_document, image_name, scene_record
from synthmed.errors import DatasetError
from synthmed.scenes.plan import draw_plan, scene_scale
from synthmed.scenes.recipe import Recipe, make_recipe
from synthmed.scenes.render import render

SCHEMA_VERSION = 1

# Scenes per part: small enough that a killed run repeats little, large enough that parts stay few.
_CHUNK = 32

Progress = Callable[[int, int], None]


class RenderReport(NamedTuple):
    """What a rendered folder holds.

    Attributes:
        folder: where it is.
        scenes: how many.
        objects: objects per class.
        unplaced: objects per class that were asked for and found no place.
    """

    folder: Path
    scenes: int
    objects: dict[str, int]
    unplaced: dict[str, int]


def render_dataset(
    bank_dir: Path,
    out: Path,
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
    recipe = recipe or Recipe()
    bank = open_bank(bank_dir)
    spec = _spec(bank, recipe, count, seed)
    try:
        if _begin(out, spec):
            _render_missing(Path(bank_dir), bank, out, recipe, count, seed, workers, progress)
            _finish(out, bank, spec)
        elif progress is not None:
            progress(count, count)
        shutil.rmtree(out / "parts", ignore_errors=True)
        (out / "unfinished.json").unlink(missing_ok=True)
    except BrokenProcessPool as error:
        raise DatasetError(
            "a worker process was killed", file=out, remedy="run the same command again; it goes on from here"
        ) from error
    except OSError as error:
        raise DatasetError(
            f"cannot write: {error.strerror or error}",
            file=out,
            remedy="mend that and run the same command again; it goes on from here",
        ) from error
    return read_report(out)


def read_report(folder: Path) -> RenderReport:
    """What a finished folder holds.

    Raises:
        DatasetError: the folder is not a finished rendering.
    """
    manifest = read_manifest(folder)
    return RenderReport(folder, manifest["count"], manifest["objects"], manifest["unplaced"])


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished rendering.

    Raises:
        DatasetError: there is none, it cannot be read, or it has another schema version.
    """
    path = folder / "manifest.json"
    if not path.exists():
        unfinished = (folder / "unfinished.json").exists()
        raise DatasetError(
            "this rendering is not finished" if unfinished else "there is no rendered dataset here",
            file=folder,
            remedy="run the same `synthmed render` command again" if unfinished else "run `synthmed render`",
        )
    manifest: dict[str, Any] = _read_json(path)
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise DatasetError(
            f"the dataset has another schema version than {SCHEMA_VERSION}, which this synthmed reads",
            file=path,
            value=manifest.get("schema_version"),
            remedy="render it again",
        )
    return manifest


def _spec(bank: PatchBank, recipe: Recipe, count: int, seed: int) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "synthmed_version": __version__,
        "bank_hash": bank.hash,
        "classes": list(bank.classes),
        "class_sizes_px": [round(float(s), 4) for s in bank.sizes_px * scene_scale(recipe, bank)],
        "scale": scene_scale(recipe, bank),
        "count": count,
        "seed": seed,
        "recipe": recipe.model_dump(mode="json"),
    }


def _begin(out: Path, spec: dict[str, Any]) -> bool:
    """Make or adopt the folder; whether there is anything left to do.

    Raises:
        DatasetError: it holds something else.
    """
    for name in ("manifest.json", "unfinished.json"):
        path = out / name
        if not path.exists():
            continue
        found = _read_json(path)
        different = sorted(key for key in spec if found.get(key) != spec[key])
        if different:
            raise DatasetError(
                f"the folder was rendered with another {', '.join(different)}",
                file=out,
                remedy="choose another --out, or delete the folder",
            )
        return name != "manifest.json"
    if not is_free(out):
        raise DatasetError("the folder is not empty", file=out, remedy="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / "unfinished.json", _to_json(spec))
    (out / "images").mkdir(exist_ok=True)
    (out / "parts").mkdir(exist_ok=True)
    return True


def _render_missing(
    bank_dir: Path,
    bank: PatchBank,
    out: Path,
    recipe: Recipe,
    count: int,
    seed: int,
    workers: int,
    progress: Progress | None,
) -> None:
    (out / "images").mkdir(exist_ok=True)
    (out / "parts").mkdir(exist_ok=True)
    starts = range(0, count, _CHUNK)
    missing = [start for start in starts if not _part_path(out, start).exists()]
    done = count - sum(_chunk_size(start, count) for start in missing)
    if progress is not None and missing:
        progress(done, count)
    for start in _run_chunks(bank_dir, bank, out, recipe, count, seed, workers, missing):
        done += _chunk_size(start, count)
        if progress is not None:
            progress(done, count)


def _run_chunks(
    bank_dir: Path,
    bank: PatchBank,
    out: Path,
    recipe: Recipe,
    count: int,
    seed: int,
    workers: int,
    starts: list[int],
) -> Iterator[int]:
    """Render chunks and yield the start of each that is finished."""
    if workers <= 1 or len(starts) <= 1:
        for start in starts:
            _render_chunk(bank, out, recipe, count, seed, start)
            yield start
        return
    # Spawned, not forked: the caller may be an App server full of threads.
    with ProcessPoolExecutor(
        min(workers, len(starts)),
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(bank_dir, out, recipe.model_dump(mode="json"), count, seed),
    ) as pool:
        pending = {pool.submit(_work, start) for start in starts}
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[PatchBank, Path, Recipe, int, int] | None = None


def _start_worker(bank_dir: Path, out: Path, recipe: dict[str, Any], count: int, seed: int) -> None:
    """Open the bank once per process; its pages are shared by all."""
    global _worker
    _worker = (open_bank(bank_dir), out, make_recipe(recipe), count, seed)


def _work(start: int) -> int:
    if _worker is None:
        raise RuntimeError("the worker was not started by _start_worker")
    _render_chunk(*_worker, start)
    return start


def _render_chunk(bank: PatchBank, out: Path, recipe: Recipe, count: int, seed: int, start: int) -> None:
    records: list[SceneRecord] = []
    for index in range(start, start + _chunk_size(start, count)):
        scene = render(draw_plan(recipe, bank, seed, index), bank)
        # Level 3 costs a third of the time of the default and a few percent of the size.
        Image.fromarray(scene.image).save(out / "images" / image_name(index), compress_level=3)
        records.append(scene_record(scene))
    # The part is what says that its images are whole, so it comes after them.
    write_atomic(_part_path(out, start), _to_json(records))


def _finish(out: Path, bank: PatchBank, spec: dict[str, Any]) -> None:
    records: list[SceneRecord] = []
    for start in range(0, spec["count"], _CHUNK):
        records.extend(_read_json(_part_path(out, start)))
    coco = _to_json(coco_document(records, bank))
    labels = np.array([o["label"] for record in records for o in record["objects"]], dtype=np.int64)
    objects = np.bincount(labels, minlength=len(bank.classes)).tolist()
    unplaced = np.sum([record["unplaced"] for record in records], axis=0).tolist()
    write_atomic(out / "coco.json", coco)
    write_atomic(out / "tags.csv", _tags_csv(records, bank.classes).encode())
    manifest = {
        **spec,
        "objects": dict(zip(bank.classes, objects, strict=True)),
        "unplaced": dict(zip(bank.classes, unplaced, strict=True)),
        "coco_sha256": hashlib.sha256(coco).hexdigest(),
    }
    write_atomic(out / "manifest.json", _to_json(manifest, indent=2))


def _tags_csv(records: list[SceneRecord], classes: tuple[str, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *classes])
    for record in records:
        present = {o["label"] for o in record["objects"]}
        writer.writerow(
            [image_name(record["index"]), *(int(label in present) for label in range(len(classes)))]
        )
    return text.getvalue()


def _part_path(out: Path, start: int) -> Path:
    return out / "parts" / f"{start:08d}.json"


def _chunk_size(start: int, count: int) -> int:
    return min(_CHUNK, count - start)


def _to_json(value: Any, indent: int | None = None) -> bytes:
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"cannot be read: {error}", file=path, remedy="delete the folder and render it again"
        ) from error
