"""What a rendered folder says of itself: `manifest.json`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from synthmed import __version__
from synthmed.bank.patchbank import PatchBank
from synthmed.datasets.image_file import PNG, ImageFile
from synthmed.datasets.store import Store, open_store
from synthmed.errors import DatasetError, first_complaint
from synthmed.scenes.plan import PLAN_VERSION, scene_scale
from synthmed.scenes.recipe import Recipe

SCHEMA_VERSION = 2
MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"


class _Told(BaseModel):
    """What readers need of a manifest."""

    model_config = ConfigDict(strict=True)

    count: int
    seed: int
    classes: list[str]
    class_sizes_px: list[float]
    objects: dict[str, int]
    unplaced: dict[str, int]

    @model_validator(mode="after")
    def _counts_are_of_the_classes(self) -> _Told:
        if not set(self.objects) == set(self.unplaced) == set(self.classes):
            raise ValueError("objects and unplaced do not name the classes")
        if len(self.class_sizes_px) != len(self.classes):
            raise ValueError("there is not one size for each class")
        return self


class RenderReport(NamedTuple):
    """What a rendered folder holds.

    Attributes:
        folder: where it is; a URL stays one.
        scenes: how many.
        objects: objects per class.
        unplaced: objects per class that were asked for and found no place.
    """

    folder: Path | str
    scenes: int
    objects: dict[str, int]
    unplaced: dict[str, int]


def rendering_spec(
    bank: PatchBank,
    recipe: Recipe,
    count: int,
    seed: int,
    *,
    formats: tuple[str, ...] = ("coco",),
    image: ImageFile = PNG,
    shard: int | None = None,
) -> dict[str, Any]:
    """All that decides the bytes of a rendering, and what its readers need to know, as plain data."""
    scale = scene_scale(recipe, bank)
    return {
        "schema_version": SCHEMA_VERSION,
        "synthmed_version": __version__,
        "plan_version": PLAN_VERSION,
        "bank_hash": bank.hash,
        "classes": list(bank.classes),
        "class_sizes_px": [round(float(size), 4) for size in bank.sizes_px * scale],
        "scale": scale,
        "count": count,
        "seed": seed,
        "formats": list(formats),
        "image": dataclasses.asdict(image),
        "shard": shard,
        "recipe": recipe.model_dump(mode="json"),
    }


def read_report(folder: Path | str) -> RenderReport:
    """What a finished folder holds.

    Raises:
        DatasetError: the folder is not a finished rendering.
    """
    manifest = read_manifest(folder)
    return RenderReport(folder, manifest["count"], manifest["objects"], manifest["unplaced"])


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """The manifest of a finished rendering.

    Raises:
        DatasetError: there is none, it cannot be read, or it has another schema version.
    """
    store = open_store(folder)
    manifest = read_object(store, MANIFEST, folder)
    if manifest is None:
        unfinished = read_object(store, UNFINISHED, folder) is not None
        raise DatasetError(
            "this rendering is not finished" if unfinished else "there is no rendered dataset here",
            file=folder,
            remedy="run the same `synthmed render` command again" if unfinished else "run `synthmed render`",
        )
    path = f"{folder}/{MANIFEST}"
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise DatasetError(
            f"the dataset has another schema version than {SCHEMA_VERSION}, which this synthmed reads",
            file=path,
            value=manifest.get("schema_version"),
            remedy="render it again",
        )
    remedy = "delete the folder and render it again"
    missing = _Told.model_fields.keys() - manifest.keys()
    if missing:
        raise DatasetError("fields are missing", file=path, value=", ".join(sorted(missing)), remedy=remedy)
    try:
        _Told.model_validate(manifest)
    except ValidationError as error:
        what, value = first_complaint(error)
        raise DatasetError(what, file=path, value=value, remedy=remedy) from error
    return manifest


def to_json(value: Any, indent: int | None = None) -> bytes:
    """The bytes of a JSON file."""
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()


def read_object(store: Store, name: str, folder: Path | str) -> dict[str, Any] | None:
    """A JSON file that holds an object; ``None`` where there is no such file.

    Raises:
        DatasetError: it cannot be read, or holds something else.
    """
    try:
        data = store.read(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return parse_object(data, f"{folder}/{name}")


def parse_object(data: bytes, file: str) -> dict[str, Any]:
    """The object in the bytes of a JSON file.

    Raises:
        DatasetError: it is no JSON, or something else.
    """
    remedy = "delete the folder and render it again"
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"cannot be read: {error}", file=file, remedy=remedy) from error
    if not isinstance(value, dict):
        raise DatasetError("holds no JSON object", file=file, remedy=remedy)
    return value
