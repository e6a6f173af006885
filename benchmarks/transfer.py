"""What a detector that saw scenes alone finds on real images: `python benchmarks/transfer.py DATA...`.

A small fixed network (`_heatmap.py`) learns for a fixed number of steps, on the scenes of each arm or on the
real train images, and marks centres on real val images. Scenes and sizes come from the train clicks alone; so
do the thresholds. Every finished training is a line of the file of results, so that a run that was ended goes
on, and other arms are added to the table later.

DATA is a folder with ``images/`` and ``points.csv``, by default the phantom; ``DATA:NAME`` takes its points
as one class NAME.

What helps is found out with ``--on train``: the network learns from one half of the train images and is
judged on the other. Val is read for what was chosen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import yaml
from _heatmap import CenterNet, as_input, center_map, find_centers, focal_loss
from _machine import processor
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from synthmed.bank import PatchBank, build_bank, make_spec, resolve_sizes
from synthmed.detect.scaled import pad_with_median
from synthmed.metrics import average_precisions, best_thresholds, detection_scores, match_predictions
from synthmed.metrics.boxes import boxes_at
from synthmed.metrics.predictions import Detections, Predictions
from synthmed.nets.image_transforms import jitter_table
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_image, read_points
from synthmed.scenes import draw_plan, make_recipe, render, with_size

SIDE_PX = 256
BATCH = 8
TRAIN_IMAGES = 400
BLOCK = 12
"""Images in a row that stay together when train is halved, since neighbours are often of one slide."""

MEASURES = {"center_f1": "centre F1", "center_ap": "average precision by centres"}
JUDGES = {"val": "real val", "train": "the other half of real train"}
OUT = Path("work_dirs/transfer.jsonl")
ARMS = Path(__file__).with_name("transfer_arms.yaml")


@dataclass(frozen=True, eq=False)
class Data:
    """Clicks of one dataset with its sizes; an image stands in the input at ``scale``."""

    images_dir: Path
    points: PointSet
    sizes_px: dict[str, float]

    def shown(self, name: str) -> tuple[NDArray[np.uint8], float]:
        """An image as the network sees it, and input pixels per pixel of the image."""
        image = read_image(self.images_dir / name)
        scale = SIDE_PX / max(image.shape[:2])
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        return pad_with_median(cv2.resize(image, size), SIDE_PX, SIDE_PX), scale


@click.command()
@click.argument("data", nargs=-1)
@click.option("--arm", "arms", multiple=True, help="Arms of transfer_arms.yaml; by default all.")
@click.option("--seed", "seeds", type=int, multiple=True, default=(0, 1, 2), show_default=True)
@click.option("--steps", default=600, show_default=True, help="Training steps of 8 images.")
@click.option(
    "--on",
    type=click.Choice(list(JUDGES)),
    default="val",
    show_default=True,
    help="train: learn from one half of it, be judged on the other.",
)
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
def main(
    data: tuple[str, ...], arms: tuple[str, ...], seeds: tuple[int, ...], steps: int, on: str, out: Path
) -> None:
    """Train what is missing in the file of results, and print the table."""
    known: dict[str, Any] = yaml.safe_load(ARMS.read_text())
    arms = arms or tuple(known)
    out.parent.mkdir(parents=True, exist_ok=True)
    data = data or (_phantom(out.parent / "transfer_phantom"),)
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    lines = [line for line in lines if line.get("on", "val") == on]
    done = {
        _key(*(line[name] for name in ("data", "arm", "seed", "steps", "settings"))): line for line in lines
    }
    titles = [_title(place) for place in data]
    for place, title in zip(data, titles, strict=True):
        loaded: Data | None = None
        for seed in seeds:
            for arm in arms:
                key = _key(title, arm, seed, steps, known[arm])
                if key in done:
                    continue
                loaded = loaded or _load(place, on)
                start = time.perf_counter()
                model = _trained(loaded, known[arm], seed, steps, f"{title}, {arm}, seed {seed}")
                line = dict(data=title, arm=arm, seed=seed, steps=steps, on=on, **_judged(model, loaded))
                line |= dict(settings=known[arm], seconds=round(time.perf_counter() - start))
                line |= dict(date=date.today().isoformat(), machine=processor())
                done[key] = line
                with out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    for measure, name in MEASURES.items():
        title = f"{name} on {JUDGES[on]}, mean over seeds ± deviation; {steps} steps of {BATCH}"
        _print(title, measure, titles, arms, seeds, steps, known, done)
    seconds = np.median([line["seconds"] for line in done.values()])
    Console().print(f"seeds {', '.join(map(str, seeds))}; median {seconds:.0f} s per training; {processor()}")


def _phantom(folder: Path) -> str:
    if not folder.exists():
        write_phantom(folder)
    return str(folder)


def _title(place: str) -> str:
    """What a dataset is called in tables and results: the name of its folder, whatever stands above it."""
    folder, colon, merged = place.partition(":")
    return Path(folder).resolve().name + colon + merged


def _key(title: str, arm: str, seed: int, steps: int, settings: dict[str, Any] | None) -> tuple[Any, ...]:
    # What an arm changes is part of it: an edited arm is another one.
    return title, arm, seed, steps, json.dumps(settings, sort_keys=True)


def _load(place: str, on: str) -> Data:
    folder, _, merged = place.partition(":")
    images_dir = Path(folder) / "images"
    points = read_points(Path(folder) / "points.csv", images_dir)
    if merged:
        points = replace(points, classes=(merged,), labels=np.zeros_like(points.labels))
    sizes_px = resolve_sizes([], points, images_dir)
    if on == "train":
        points = _halved(points.of_split("train"))
    return Data(images_dir, points, sizes_px)


def _halved(points: PointSet) -> PointSet:
    """The same with every other block of images in the place of val."""
    blocks = np.arange(len(points.images)) // BLOCK
    return replace(points, splits=np.where(blocks % 2 == 0, "train", "val"))


def _trained(data: Data, arm: dict[str, Any] | None, seed: int, steps: int, title: str) -> CenterNet:
    torch.manual_seed(seed)
    model = CenterNet(len(data.points.classes)).to(memory_format=torch.channels_last)
    examples = _real(data, seed) if arm is None else _synthetic(data, arm, seed)
    _train(model, examples, steps, seed, title)
    model.eval()
    return model


def _judged(model: CenterNet, data: Data) -> dict[str, dict[str, float]]:
    """Of each class the centre F1 at the threshold that is best on train, and the average precision."""
    train = _evaluate(model, data, "train", TRAIN_IMAGES)
    val = _evaluate(model, data, "val", None)
    f1 = detection_scores(val, best_thresholds(train)).f1
    return {
        measure: dict(zip(data.points.classes, np.round(values, 4).tolist(), strict=True))
        for measure, values in (("center_f1", f1), ("center_ap", average_precisions(val)))
    }


def _train(
    model: CenterNet, examples: Iterator[tuple[NDArray, NDArray]], steps: int, seed: int, title: str
) -> None:
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    for _ in track(range(steps), title, console=Console(stderr=True)):
        images, targets = zip(*(next(examples) for _ in range(BATCH)), strict=True)
        batch = as_input(np.stack([_jittered(image, rng) for image in images]))
        loss = focal_loss(model(batch), torch.from_numpy(np.stack(targets)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        schedule.step()


def _jittered(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    gain = rng.uniform(0.85, 1.15) * rng.uniform(0.97, 1.03, 3)
    table = jitter_table(gain, 1.2 ** rng.uniform(-1, 1), rng.uniform(-10, 10))
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)


def _synthetic(data: Data, arm: dict[str, Any], seed: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Scenes without end, with their targets."""
    spec = make_spec(sizes_px=data.sizes_px, **arm.get("bank", {}))
    bank = build_bank(data.points, data.images_dir, spec)
    recipe = with_size(make_recipe(arm.get("recipe", {})), SIDE_PX)
    sizes_px = bank.sizes_px * _scale(bank)
    index = 0
    while True:
        scene = render(draw_plan(recipe, bank, seed, index), bank)
        index += 1
        yield scene.image, center_map(scene.plan.centers_px[scene.painted], scene.labels, sizes_px, SIDE_PX)


def _scale(bank: PatchBank) -> float:
    return SIDE_PX / max(bank.median_image_shape_px)


def _real(data: Data, seed: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Real train images without end, mirrored and turned at random, with their targets."""
    rng = np.random.default_rng([seed, 1])
    points = data.points.of_split("train")
    shown = [data.shown(name) for name in points.images]
    sizes_px = np.array([data.sizes_px[name] for name in points.classes])
    by_image = points.by_image()
    while True:
        for i in rng.permutation(len(shown)):
            image, scale = shown[i]
            target = center_map(
                points.centers_px[by_image[i]] * scale, points.labels[by_image[i]], sizes_px * scale, SIDE_PX
            )
            turns, flip = int(rng.integers(4)), bool(rng.integers(2))
            image, target = np.rot90(image, turns), np.rot90(target, turns, axes=(1, 2))
            if flip:
                image, target = image[:, ::-1], target[:, :, ::-1]
            yield np.ascontiguousarray(image), np.ascontiguousarray(target)


def _evaluate(model: CenterNet, data: Data, split: str, most: int | None) -> Any:
    truth = data.points.of_split(split).evenly(most)
    sizes_px = np.array([data.sizes_px[name] for name in truth.classes])
    found = []
    for name in truth.images:
        image, scale = data.shown(name)
        centers, scores, labels = find_centers(model, image, sizes_px * scale)
        boxes = boxes_at(centers / scale, sizes_px[labels])
        found.append(Detections(boxes, scores.astype(float), labels))
    truth = truth.with_sizes(sizes_px)
    return match_predictions(Predictions.of_images(found), truth, rule="center", class_sizes_px=sizes_px)


def _print(
    title: str,
    measure: str,
    data: Any,
    arms: Any,
    seeds: Any,
    steps: int,
    known: dict[str, Any],
    done: dict[Any, Any],
) -> None:
    table = Table(title=title)
    table.add_column("trained on")
    columns = []
    for place in data:
        classes = next(line["center_f1"] for key, line in done.items() if key[0] == place)
        columns += [(place, name) for name in classes]
    for place, name in columns:
        table.add_column(f"{place.partition(':')[0]}\n{name}", justify="right")
    for arm in arms:
        cells = []
        for place, name in columns:
            lines = [done[_key(place, arm, seed, steps, known[arm])] for seed in seeds]
            # Results of before average precision was kept have none.
            values = [line.get(measure, {}).get(name, np.nan) for line in lines]
            cells.append(f"{np.mean(values):.3f} ±{np.std(values):.3f}")
        table.add_row(arm, *cells)
    Console(width=40 + 16 * len(columns)).print(table)


if __name__ == "__main__":
    main()
