"""Scenes become samples of a dataset."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import fiftyone as fo

from synthmed.app.appearance import color_labels, show_fields
from synthmed.app.convert import to_detections
from synthmed.app.dependencies import depend_on_data
from synthmed.app.names import PRESENT, RUN, SYNTHETIC_TAG, TRUTH
from synthmed.app.runs import Run, recorded
from synthmed.app.steps import Progress, part
from synthmed.bank import open_bank
from synthmed.datasets import RenderReport, read_manifest, render_dataset
from synthmed.scenes import Recipe, Scene, draw_plan, render

BATCH = 256
SCENES_FOLDER = "scenes"
INDEX = "scene_index"
BACKDROP = "backdrop"


def synthesize(
    dataset: fo.Dataset,
    bank_dir: Path,
    *,
    count: int,
    recipe: Recipe | None = None,
    seed: int = 0,
    workers: int = 1,
    field: str = TRUTH,
    key: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Render scenes into the run's own folder and add them to a dataset.

    Each is a sample with the tag ``synthetic``, its boxes as detections, its classes as classifications, its
    number in the series, and the image whose ``backdrop`` it is drawn on, or an empty text. A detection knows
    the share of the object that is visible (``visible_fraction``) and where its pixels are from:
    ``source_image``, ``annotation_id`` and ``patch``, the row of the bank.

    Args:
        dataset: the dataset that the scenes are added to.
        bank_dir: the bank.
        count: how many scenes.
        recipe: what they look like.
        seed: the seed of the series.
        workers: processes that render.
        field: the field of the boxes.
        key: the name of the run.
        progress: called with scenes done and scenes in all; each counts once rendered and once added.

    Returns:
        The run.

    Raises:
        BankError: the bank cannot be opened.
        RecipeError: the recipe asks for what cannot be drawn.
        DatasetError: a field has another type, or the folder cannot be written.
    """
    recipe = recipe or Recipe()
    noted = {
        "bank": str(bank_dir),
        "count": count,
        "seed": seed,
        "field": field,
        "recipe": recipe.model_dump(mode="json"),
    }
    with recorded(dataset, "synthesize", key=key, params=noted) as run:
        classes = open_bank(bank_dir).classes
        depend_on_data(run, folder=bank_dir)
        run.share_fields(
            **{
                field: fo.Detections,
                PRESENT: fo.Classifications,
                INDEX: fo.IntField,
                BACKDROP: fo.StringField,
                RUN: fo.StringField,
            }
        )
        folder = run.make_folder() / SCENES_FOLDER
        report = render_dataset(
            bank_dir,
            folder,
            count=count,
            recipe=recipe,
            seed=seed,
            workers=workers,
            progress=part(0, 2, progress),
        )
        _add_scenes(dataset, folder, field, run.key, part(1, 2, progress))
        run.declare_attributes(field)
        for name in filter(run.made, (field, PRESENT)):
            color_labels(dataset, name, classes, truth=True)
        show_fields(dataset, [field, PRESENT])
        run.summary = _summary(report)
    return run


def preview(bank_dir: Path, recipe: Recipe, seed: int, index: int = 0) -> Scene:
    """One scene of a series, without writing anything.

    Raises:
        BankError: the bank cannot be opened.
        RecipeError: the recipe asks for what cannot be drawn.
    """
    bank = open_bank(bank_dir)
    return render(draw_plan(recipe, bank, seed, index), bank)


def _add_scenes(dataset: fo.Dataset, folder: Path, field: str, key: str, progress: Progress | None) -> None:
    coco = json.loads((folder / "coco.json").read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in coco["categories"]}
    objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in coco["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    images = coco["images"]
    for start in range(0, len(images), BATCH):
        batch = []
        for image in images[start : start + BATCH]:
            own = objects[image["id"]]
            tags = [fo.Classification(label=name) for name in image["tags"]]
            fields = {
                field: _detections(own, names, (image["height"], image["width"])),
                PRESENT: fo.Classifications(classifications=tags),
                INDEX: image["id"] - 1,
                BACKDROP: image["backdrop"],
                RUN: key,
            }
            batch.append(
                fo.Sample(
                    str(folder / "images" / image["file_name"]),
                    tags=[SYNTHETIC_TAG],
                    metadata=fo.ImageMetadata(width=image["width"], height=image["height"]),
                    **fields,
                )
            )
        dataset.add_samples(batch, progress=False)
        if progress is not None:
            progress(start + len(batch), len(images))


def _detections(
    objects: list[dict[str, Any]], names: dict[int, str], shape_px: tuple[int, int]
) -> fo.Detections:
    boxes_px = [(y, x, y + height, x + width) for x, y, width, height in (o["bbox"] for o in objects)]
    attributes = {
        "visible_fraction": [o["visible_fraction"] for o in objects],
        "source_image": [o["source_image"] for o in objects],
        "annotation_id": [o["source_annotation_id"] for o in objects],
        "patch": [o["patch"] for o in objects],
    }
    labels = [names[o["category_id"]] for o in objects]
    return to_detections(boxes_px, labels, shape_px, attributes=attributes)


def _summary(report: RenderReport) -> dict[str, Any]:
    manifest = read_manifest(report.folder)
    return {
        "scenes": report.scenes,
        "objects": report.objects,
        "unplaced": report.unplaced,
        "bank_hash": manifest["bank_hash"],
        "scale": manifest["scale"],
    }
