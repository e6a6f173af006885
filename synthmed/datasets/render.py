"""Render a series of scenes into a folder or an object store, in parallel, so that a killed run can go on.

What is written depends on the formats; ``manifest.json`` is written last: a folder without it is unfinished.
Until then ``unfinished.json`` says what is being rendered and ``parts/`` keeps the labels of finished chunks.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthmed.bank.patchbank import PatchBank
from synthmed.bank.store import open_bank
from synthmed.datasets.chunks import SHARD, Rendering, note_name
from synthmed.datasets.cluster import render_chunks_on_ray
from synthmed.datasets.formats import check_formats
from synthmed.datasets.image_file import image_file
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
from synthmed.datasets.store import PARTS
from synthmed.errors import DatasetError
from synthmed.scenes.crowding import require_visible
from synthmed.scenes.recipe import Recipe

Progress = Callable[[int, int], None]
Engine = Literal["local", "ray"]

# A quota and a limit on the size of files stop a run as a full disk does.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def render_dataset(
    bank_dir: Path | str,
    out: Path | str,
    *,
    count: int,
    recipe: Recipe | None = None,
    seed: int = 0,
    workers: int = 1,
    formats: Sequence[str] = ("coco",),
    image: str = "png",
    quality: int = 95,
    shard: int = SHARD,
    engine: Engine = "local",
    progress: Progress | None = None,
) -> RenderReport:
    """Render scenes ``0 .. count - 1`` of a series; the bytes do not depend on ``workers`` or ``engine``.

    Started again on an unfinished folder with the same arguments it goes on where it was killed; on a
    finished one it returns at once.

    Args:
        bank_dir: the patch bank.
        out: a new folder, or one of an earlier run with the same arguments; a URL that fsspec knows will do.
        count: scenes to render.
        recipe: what they look like; the default recipe if omitted.
        seed: the seed of the series.
        workers: processes.
        formats: any of ``coco``, ``yolo``, ``voc``, ``fiftyone``, ``webdataset``.
        image: ``png`` or ``jpeg``.
        quality: of JPEG images, 1 to 100.
        shard: scenes per WebDataset shard.
        engine: ``local`` for processes of this machine, ``ray`` for a Ray cluster.
        progress: called with scenes done and scenes in all.

    Raises:
        BankError: the bank cannot be opened.
        RecipeError: a scene cannot hold what the recipe asks for.
        DatasetError: the folder holds something else, or cannot be written.
    """
    if count < 1:
        raise DatasetError(
            "at least one scene has to be rendered", value=count, remedy="ask for more (--count)"
        )
    if seed < 0:
        raise DatasetError("a seed is not negative", value=seed, remedy="choose one from 0 on (--seed)")
    if shard < 1:
        raise DatasetError("a shard holds at least one scene", value=shard, remedy="ask for more (--shard)")
    rendering = Rendering(
        Path(bank_dir),
        out,
        recipe or Recipe(),
        count,
        seed,
        check_formats(formats),
        image_file(image, quality),
        shard,
    )
    bank = open_bank(rendering.bank_dir)
    try:
        if workers > 1 and not rendering.store.shared:
            raise DatasetError(
                "only one process sees what is written there", file=out, remedy="pass --workers 1"
            )
        _render(rendering, bank, workers, engine, progress)
    except BrokenProcessPool as error:
        raise DatasetError(
            "a worker process was killed",
            file=out,
            remedy="run the same again, and it goes on from here; in a script of your own, call it below "
            "`if __name__ == '__main__':`",
        ) from error
    except OSError as error:
        full = error.errno in _FULL
        raise DatasetError(
            "the disk is full" if full else f"cannot write: {error.strerror or error}",
            file=out,
            remedy="make room and run the same command again; it goes on from here"
            if full
            else "choose another place (--out), or make this one writable; run again, it goes on from here",
        ) from error
    return read_report(out)


def _render(
    rendering: Rendering, bank: PatchBank, workers: int, engine: Engine, progress: Progress | None
) -> None:
    require_visible(rendering.recipe, bank)
    spec = rendering_spec(
        bank,
        rendering.recipe,
        rendering.count,
        rendering.seed,
        formats=rendering.formats,
        image=rendering.image,
        shard=rendering.shard if "webdataset" in rendering.formats else None,
    )
    if not _is_finished(rendering, spec):
        _render_missing(rendering, bank, workers, engine, progress)
        _finish(rendering, spec)
    elif progress is not None:
        progress(rendering.count, rendering.count)
    # What only an unfinished folder needs, and what a killed run left of files it was writing.
    rendering.store.remove(PARTS)
    rendering.store.remove(UNFINISHED)


def _is_finished(rendering: Rendering, spec: dict[str, Any]) -> bool:
    """Whether there is nothing left to do; says in the folder what is being rendered where it is new.

    Raises:
        DatasetError: it holds something else.
    """
    store = rendering.store
    for name in (MANIFEST, UNFINISHED):
        found = read_object(store, name, rendering.out)
        if found is None:
            continue
        different = sorted(key for key in spec if found.get(key) != spec[key])
        if different:
            raise DatasetError(
                f"the folder was rendered with another {', '.join(different)}",
                file=rendering.out,
                remedy="choose another place (--out), or delete the folder",
            )
        return name == MANIFEST
    if not store.is_free():
        raise DatasetError(
            "this is not an empty folder", file=rendering.out, remedy="choose another place (--out)"
        )
    store.write(UNFINISHED, (to_json(spec),))
    return False


def _render_missing(
    rendering: Rendering, bank: PatchBank, workers: int, engine: Engine, progress: Progress | None
) -> None:
    missing = rendering.missing()
    done = rendering.count - sum(len(rendering.scenes(start)) for start in missing)
    if progress is not None:
        progress(done, rendering.count)
    render = render_chunks_on_ray if engine == "ray" else render_chunks
    for start in render(rendering, bank, missing, workers):
        done += len(rendering.scenes(start))
        if progress is not None:
            progress(done, rendering.count)


@dataclass(frozen=True)
class _Whole:
    """What the formats join: see `synthmed.datasets.formats.Whole`."""

    rendering: Rendering
    spec: dict[str, Any]

    def lines(self, part: str) -> Iterator[str]:
        return self.rendering.lines(part)


def _finish(rendering: Rendering, spec: dict[str, Any]) -> None:
    """Write the documents of all formats, and the manifest last."""
    objects = np.zeros(len(spec["classes"]), dtype=np.int64)
    unplaced = np.zeros_like(objects)
    for start in rendering.starts:
        note = rendering.note(start)
        if not len(note["objects"]) == len(note["unplaced"]) == len(objects):
            raise DatasetError(
                "the note of a chunk is of other classes",
                file=f"{rendering.out}/{note_name(start)}",
                remedy="delete it and run again",
            )
        objects += note["objects"]
        unplaced += note["unplaced"]
    digests = {}
    for writer in rendering.writers:
        for path, text in writer.join(_Whole(rendering, spec)):
            digest = hashlib.sha256()
            rendering.store.write(path, _encoded(text, digest))
            digests[path] = digest.hexdigest()
    manifest = {
        **spec,
        "objects": dict(zip(spec["classes"], objects.tolist(), strict=True)),
        "unplaced": dict(zip(spec["classes"], unplaced.tolist(), strict=True)),
        "sha256": digests,
    }
    rendering.store.write(MANIFEST, (to_json(manifest, indent=2),))


def _encoded(text: Iterable[str], digest: Any) -> Iterator[bytes]:
    for piece in text:
        data = piece.encode()
        digest.update(data)
        yield data
