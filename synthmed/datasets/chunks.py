"""A rendering is a map over chunks: each writes its images, and then a part that says they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from synthmed._files import write_atomic
from synthmed.bank.patchbank import PatchBank
from synthmed.datasets.coco import SceneRecord, image_name, scene_record
from synthmed.datasets.manifest import read_json, to_json
from synthmed.scenes.plan import draw_plan
from synthmed.scenes.recipe import Recipe
from synthmed.scenes.render import render

# Scenes per chunk: small enough that a killed run repeats little, large enough that parts stay few.
CHUNK = 32

IMAGES = "images"
PARTS = "parts"


@dataclass(frozen=True)
class Rendering:
    """Scenes ``0 .. count - 1`` of a series, and the folder that they are written to."""

    bank_dir: Path
    out: Path
    recipe: Recipe
    count: int
    seed: int

    @property
    def starts(self) -> range:
        """The first scene of each chunk."""
        return range(0, self.count, CHUNK)

    def scenes(self, start: int) -> range:
        """The scenes of a chunk."""
        return range(start, min(start + CHUNK, self.count))

    def part(self, start: int) -> Path:
        """The file with the labels of a chunk."""
        return self.out / PARTS / f"{start:08d}.json"

    def missing(self) -> list[int]:
        """The chunks that have not been rendered."""
        return [start for start in self.starts if not self.part(start).exists()]

    def records(self) -> Iterator[SceneRecord]:
        """The labels of all scenes, once every chunk is there.

        Raises:
            DatasetError: a part cannot be read.
        """
        for start in self.starts:
            yield from read_json(self.part(start))


def render_chunk(rendering: Rendering, bank: PatchBank, start: int) -> None:
    """Render one chunk.

    Raises:
        RecipeError: a scene cannot hold what the recipe asks for.
    """
    records: list[SceneRecord] = []
    for index in rendering.scenes(start):
        scene = render(draw_plan(rendering.recipe, bank, rendering.seed, index), bank)
        # Level 3 costs a third of the time of the default and a few percent of the size.
        Image.fromarray(scene.image).save(rendering.out / IMAGES / image_name(index), compress_level=3)
        records.append(scene_record(scene))
    write_atomic(rendering.part(start), to_json(records))
