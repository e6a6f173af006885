"""A rendering is a map over chunks: each writes its files, and then a note that says they are whole."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synthmed.bank.patchbank import PatchBank
from synthmed.datasets.formats import Format, all_formats
from synthmed.datasets.image_file import PNG, ImageFile, encode_image
from synthmed.datasets.manifest import parse_object, to_json
from synthmed.datasets.record import scene_record
from synthmed.datasets.store import PARTS, Store, open_store
from synthmed.datasets.tags import TAGS
from synthmed.datasets.webdataset import pack, shard_name
from synthmed.errors import DatasetError
from synthmed.scenes.plan import draw_plan
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.render import render

# Scenes per chunk: small enough that a killed run repeats little, large enough that parts stay few.
CHUNK = 32
SHARD = 256

IMAGES = "images"


@dataclass(frozen=True)
class Rendering:
    """Scenes ``0 .. count - 1`` of a series, how they are written, and where.

    Attributes:
        bank_dir: the patch bank.
        out: a folder, or a URL.
        recipe: what the scenes look like.
        count: how many there are.
        seed: the seed of the series.
        formats: names of formats.
        image: how images are stored.
        shard: scenes per shard, where there are shards.
    """

    bank_dir: Path
    out: str | Path
    recipe: Recipe
    count: int
    seed: int
    formats: tuple[str, ...] = ("coco",)
    image: ImageFile = PNG
    shard: int = SHARD

    @cached_property
    def store(self) -> Store:
        """Where it is written; each process has its own."""
        return open_store(self.out)

    def __getstate__(self) -> dict[str, Any]:
        """All but the store, which a process opens for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "store"}

    @cached_property
    def writers(self) -> list[Format]:
        """The formats, and the tags that lie beside loose images."""
        writers = [all_formats()[name] for name in self.formats]
        return [*writers, TAGS] if self.loose else writers

    @cached_property
    def loose(self) -> bool:
        """Whether images are written as files of their own."""
        return any(all_formats()[name].loose for name in self.formats)

    @property
    def chunk(self) -> int:
        """Scenes per chunk; a shard is written by one worker."""
        return self.shard if "webdataset" in self.formats else CHUNK

    @property
    def starts(self) -> range:
        """The first scene of each chunk."""
        return range(0, self.count, self.chunk)

    def scenes(self, start: int) -> range:
        """The scenes of a chunk."""
        return range(start, min(start + self.chunk, self.count))

    def missing(self) -> list[int]:
        """The chunks that have not been rendered, or of which a file is not there in its full size."""
        noted = self.store.sizes(PARTS)
        if not noted:
            return list(self.starts)
        sizes = self.store.sizes()
        return [start for start in self.starts if note_name(start) not in noted or self._lacks(start, sizes)]

    def _lacks(self, start: int, sizes: dict[str, int]) -> bool:
        try:
            files = self.note(start)["files"]
        except DatasetError:
            return True
        return any(sizes.get(path) != size for path, size in files.items())

    def note(self, start: int) -> dict[str, Any]:
        """What a finished chunk says of itself.

        Raises:
            DatasetError: it cannot be read, or does not say it.
        """
        name = f"{self.out}/{note_name(start)}"
        note = parse_object(self.store.read(note_name(start)), name)
        counts = [note.get(key) for key in ("objects", "unplaced")]
        if not isinstance(note.get("files"), dict) or not all(map(_are_counts, counts)):
            raise DatasetError("the note of a chunk is damaged", file=name, remedy="delete it and run again")
        return note

    def lines(self, part: str) -> Iterator[str]:
        """All lines of a document's part, once every chunk is there."""
        for start in self.starts:
            with io.BytesIO(self.store.read(part_name(start, part))) as text:
                for line in text:
                    yield line[:-1].decode()


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**53 for n in value)


def note_name(start: int) -> str:
    """The file that says that a chunk is whole."""
    return f"{PARTS}/{start:08d}.json"


def part_name(start: int, part: str) -> str:
    """The file with a chunk's lines of a document."""
    return f"{PARTS}/{start:08d}.{part}"


def render_chunk(rendering: Rendering, bank: PatchBank, start: int) -> None:
    """Render one chunk.

    Raises:
        RecipeError: a scene cannot hold what the recipe asks for.
    """
    store = rendering.store
    sizes: dict[str, int] = {}
    lines: dict[str, list[str]] = defaultdict(list)
    members: dict[str, bytes] = {}
    objects = [0] * len(bank.classes)
    unplaced = [0] * len(bank.classes)

    def write(path: str, data: bytes) -> None:
        store.write(path, (data,))
        sizes[path] = len(data)

    for index in rendering.scenes(start):
        scene = render(draw_plan(rendering.recipe, bank, rendering.seed, index), bank)
        image = encode_image(scene.image, rendering.image)
        record = scene_record(scene, bank, rendering.image.suffix)
        if rendering.loose:
            write(f"{IMAGES}/{record.file_name}", image)
        for writer in rendering.writers:
            pieces = writer.encode(record, image)
            for path, data in pieces.files.items():
                write(path, data)
            for part, own in pieces.lines.items():
                lines[part] += own
            members.update(pieces.members)
        for label in record.labels:
            objects[label] += 1
        unplaced = [a + b for a, b in zip(unplaced, record.unplaced, strict=True)]
    if members:
        write(shard_name(start), pack(members))
    for part, own in lines.items():
        write(part_name(start, part), "".join(f"{line}\n" for line in own).encode())
    note = {"files": sizes, "objects": objects, "unplaced": unplaced}
    store.write(note_name(start), (to_json(note),))
