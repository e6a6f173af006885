"""The detectors of ``mmdet_configs``, trained on composed scenes and judged on real val images.

``python benchmarks/zoo.py DATA ...``. DATA is a folder with ``images/``, ``points.csv`` and boxes as
``boxes_{split}.json``. Class sizes are estimated; thresholds are chosen on the clicked centres of train. A
training that was ended goes on, and every one that is finished is a line of the file of results.
``--minutes 5`` gives all networks the same time: as many iterations as bare steps on scenes of the dataset
fit into it, measured in turn and in CPU seconds of one thread. ``--facts`` measures parameters, operations
and milliseconds, for which no DATA is needed.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from _machine import processor
from _step import best_seconds, network, take_step
from _untrained import ROOT, write_model
from _zoo_table import zoo_table
from mmdet.registry import DATASETS
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from synthmed._files import is_free
from synthmed.bank import BankSpec, build_bank, open_bank, resolve_sizes, save_bank
from synthmed.demo.inputs import DemoInput, read_input
from synthmed.metrics import detector_figures
from synthmed.nets.inference import Predictor, predict_detections
from synthmed.nets.real_truth import read_truth
from synthmed.training import train

CONFIGS = {
    "yolov2": "yolov2/yolov2_darknet19_416_cpu.py",
    "yolov3": "yolov3/yolov3_darknet19_416_cpu.py",
    "yolox": "yolox/yolox_nano_416_cpu.py",
    "rtmdet": "rtmdet/rtmdet_tiny_416_cpu.py",
}
SIDE_PX = 416
TRAIN_IMAGES = 64
JUDGED_LATER = ("val_cfg=None", "val_dataloader=None", "val_evaluator=None")


@click.command()
@click.argument("data", nargs=-1, type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, type=click.Choice(list(CONFIGS)), help="By default all.")
@click.option("--seed", default=0, show_default=True)
@click.option("--iterations", type=int, help="By default those of the config.")
@click.option("--minutes", type=float, help="Iterations for so many CPU minutes of bare steps.")
@click.option("--work-dir", default=Path("work_dirs/zoo"), type=click.Path(path_type=Path))
@click.option("--out", default=Path("work_dirs/zoo.jsonl"), type=click.Path(path_type=Path))
@click.option("--facts", is_flag=True, help="Measure size and speed as well.")
@click.option("--table", is_flag=True, help="Only print the file of results as a table.")
def main(
    data: tuple[Path, ...],
    models: tuple[str, ...],
    seed: int,
    iterations: int | None,
    minutes: float | None,
    work_dir: Path,
    out: Path,
    facts: bool,
    table: bool,
) -> None:
    """Train what is missing, and write one line of results per network and dataset."""
    if table:
        click.echo("\n".join(zoo_table(out)))
        return
    torch.set_num_threads(1)
    for model in models or CONFIGS:
        if facts:
            write_line(out, dict(model=model, config=CONFIGS[model], **size_and_speed(CONFIGS[model])))
        for folder in data:
            given = read_input(folder, work_dir)
            bank = make_bank(given, work_dir / given.name / "bank")
            place = work_dir / given.name / f"{model}_{seed}"
            wanted, step = iterations, {}
            if minutes is not None:
                step = dict(step_s=step_seconds(bank, work_dir / given.name / "steps.json")[model])
                wanted = round(60 * minutes / step["step_s"])
            figures = trained(ROOT / "mmdet_configs" / CONFIGS[model], place, given, bank, seed, wanted)
            known = dict(model=model, config=CONFIGS[model], data=given.name, seed=seed)
            write_line(out, known | step | figures)


def write_line(out: Path, figures: dict[str, Any]) -> None:
    """Append to the file of results what was measured, by which command, when and on what."""
    # Where a machine keeps its data is nobody else's matter: of an absolute path the last part is told.
    words = (Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:])
    command = " ".join(["python", "benchmarks/zoo.py", *words])
    line = json.dumps(figures | dict(command=command, date=date.today().isoformat(), machine=processor()))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as file:
        file.write(line + "\n")
    click.echo(line)


def make_bank(data: DemoInput, folder: Path) -> Path:
    """The bank of a dataset with estimated sizes, built once."""
    if is_free(folder):
        sizes_px = resolve_sizes([], data.points, data.images_dir)
        save_bank(build_bank(data.points, data.images_dir, BankSpec(sizes_px=sizes_px)), folder)
    return folder


def step_seconds(bank: Path, kept: Path, rounds: int = 5) -> dict[str, float]:
    """CPU seconds of a bare step of each network on scenes of a bank; measured once, so that runs go on."""
    if is_free(kept):
        steps = []
        for name in CONFIGS.values():
            settings = Config.fromfile(str(ROOT / "mmdet_configs" / name))
            settings.model.bbox_head.bank = settings.train_dataloader.dataset.bank = str(bank)
            with DefaultScope.overwrite_default_scope("mmdet"):
                scenes: Any = DATASETS.build(settings.train_dataloader.dataset)
                model, wrapper = network(settings.model)
            batch = [scenes[index] for index in range(settings.train_dataloader.batch_size)]
            data = model.data_preprocessor(pseudo_collate(batch), True)
            steps.append(partial(take_step, model, wrapper, data["inputs"], data["data_samples"]))
        taken = best_seconds(steps, rounds)
        found = {name: round(seconds.cpu, 4) for name, seconds in zip(CONFIGS, taken, strict=True)}
        kept.write_text(json.dumps(found))
    return dict(json.loads(kept.read_text()))


def trained(
    config: Path, place: Path, data: DemoInput, bank: Path, seed: int, iterations: int | None
) -> dict[str, Any]:
    """Train, with one thread, and judge."""
    env = {
        "OMP_NUM_THREADS": "1",
        "SYNTHMED_BANK": str(bank),
        "SYNTHMED_IMAGES": str(data.images_dir),
        "SYNTHMED_POINTS": str(data.points_file),
        "SYNTHMED_BOXES": data.boxes_of("val") or "none",
        "SYNTHMED_SEED": str(seed),
    }
    options = [*JUDGED_LATER, *([f"train_cfg.max_iters={iterations}"] if iterations else [])]
    began, spent = time.perf_counter(), _cpu_seconds()
    from_the_start = not any(place.glob("iter_*.pth"))
    checkpoint = train(config, place, env=env, options=options, note=click.echo)
    minutes, cpu_minutes = (time.perf_counter() - began) / 60, (_cpu_seconds() - spent) / 60
    predictor = Predictor(config, checkpoint, device="cpu")
    return dict(
        iterations=int(checkpoint.stem.removeprefix("iter_")),
        minutes=round(minutes, 2) if from_the_start else None,
        cpu_minutes=round(cpu_minutes, 2) if from_the_start else None,
        **judged(predictor, data, bank),
    )


def judged(predictor: Predictor, data: DemoInput, folder: Path) -> dict[str, Any]:
    """F1 on val by overlap and by centres, at thresholds from the clicks of train."""
    bank = open_bank(folder)
    clicked = data.points.of_split("train").evenly(TRAIN_IMAGES).with_sizes(bank.sizes_px)
    val = read_truth(
        data.images_dir, data.points_file, split="val", boxes=data.boxes_of("val"), classes=bank.classes
    )
    found = [predict_detections(predictor, points, data.images_dir) for points in (clicked, val)]
    figures = detector_figures((found[0], clicked), (found[1], val), bank.sizes_px)
    names = (*bank.classes, "mean")
    return {
        rule: {
            name: round(float(getattr(figure, rule)), 4) for name, figure in zip(names, figures, strict=True)
        }
        for rule in ("f1_iou", "f1_center")
    }


def size_and_speed(name: str, repeats: int = 30) -> dict[str, Any]:
    """Millions of parameters, thousand millions of multiplications, CPU ms for an image with its boxes."""
    with tempfile.TemporaryDirectory() as folder:
        predictor = Predictor(*write_model(name, Path(folder)), device="cpu")
    network: Any = predictor.model.network
    image = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    predictor.score_threshold = network.bbox_head.test_cfg["score_thr"] = 0.3
    times = []
    for _ in range(repeats):
        began = time.process_time()
        predictor.find([image])
        times.append(time.process_time() - began)
    counted = get_model_complexity_info(network, (3, SIDE_PX, SIDE_PX), show_table=False, show_arch=False)
    return dict(
        m_parameters=round(counted["params"] / 1e6, 3),
        gflops=round(counted["flops"] / 1e9, 3),
        ms_per_image=round(1000 * min(times), 1),
    )


def _cpu_seconds() -> float:
    """Of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
