"""`mim train` and `mim test` as a person calls them, for a few iterations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from synthmed.bank import open_bank
from synthmed.cli import main
from synthmed.nets.adapt_batch_norm_hook import train_images
from synthmed.nets.adapt_checkpoint import adapt_checkpoint
from synthmed.nets.checkpoints import load_checkpoint
from synthmed.nets.inference import Predictor, model_classes

pytestmark = [pytest.mark.mmdet, pytest.mark.slow]

DETECTOR = "yolov2/yolov2_darknet19_416_cpu.py"
ADAPTED, MIXED = (f"yolov2/yolov2_darknet19_416_cpu_{kind}.py" for kind in ("adabn", "mixed"))
SHORT = {
    "train_cfg.max_iters": 4,
    "train_dataloader.batch_size": 2,
    "train_dataloader.dataset.size_px": "128,160",
    "default_hooks.logger.interval": 1,
    "default_hooks.checkpoint.interval": 2,
    "default_hooks.checkpoint.max_keep_ckpts": 5,
}


class Training:
    """Runs MIM, or the script that MIM runs, with the small phantom's environment.

    MIM starts the script twice, once to ask for its options, so all but one test call the script.
    """

    def __init__(self, configs: Path, environment: dict[str, str]) -> None:
        import mmdet

        self.configs, self.environment = configs, environment
        self.tools = Path(mmdet.__file__).parent / ".mim" / "tools"

    def mim(self, verb: str, config: str, *arguments: str, options: dict[str, Any], **env: str) -> str:
        """Run ``mim VERB mmdet CONFIG`` and return what it prints."""
        command = ["-m", "mim", verb, "mmdet", str(self.configs / config), *arguments]
        return self._run(command, options, env)

    def script(self, verb: str, config: str, *arguments: str, options: dict[str, Any], **env: str) -> str:
        """Run MMDetection's own script and return what it prints."""
        command = [str(self.tools / f"{verb}.py"), str(self.configs / config), *arguments]
        return self._run(command, options, env)

    def _run(self, command: list[str], options: dict[str, Any], env: dict[str, str]) -> str:
        changes = [f"{key}={_text(value)}" for key, value in options.items()]
        done = subprocess.run(
            [sys.executable, *command, "--cfg-options", *changes],
            env={**self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.fixture(scope="module")
def run(configs_dir: Path, config_environment: dict[str, str]) -> Training:
    return Training(configs_dir, config_environment)


@pytest.fixture(scope="module")
def trained(
    run: Training, small_detector: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The work folder of a detector trained for four iterations, and what training printed."""
    work_dir = tmp_path_factory.mktemp("train") / "work"
    printed = run.mim("train", DETECTOR, "--work-dir", str(work_dir), options=SHORT | small_detector)
    return work_dir, printed


def losses(printed: str) -> dict[int, str]:
    """What each iteration printed about its losses."""
    found = re.findall(r"Iter\(train\) \[ *(\d+)/4\].*?(grad_norm.*)", printed)
    return {int(iteration): rest for iteration, rest in found}


def test_training_ends_with_figures_on_real_images(trained: tuple[Path, str]) -> None:
    work_dir, printed = trained
    assert sorted(losses(printed)) == [1, 2, 3, 4]
    (scalars,) = work_dir.glob("*/vis_data/scalars.json")
    last = json.loads(scalars.read_text().splitlines()[-1])
    for name in ("synthmed/RBC_f1", "synthmed/mean_center_f1", "coco/bbox_mAP"):
        assert np.isfinite(last[name])


def test_a_resumed_run_sees_the_same_scenes_and_ends_in_the_same_weights(
    trained: tuple[Path, str], run: Training, small_detector: dict[str, Any], tmp_path: Path
) -> None:
    work_dir, printed = trained
    halfway = tmp_path / "iter_2.pth"
    halfway.write_bytes((work_dir / "iter_2.pth").read_bytes())
    (tmp_path / "last_checkpoint").write_text(str(halfway))
    again = run.script(
        "train", DETECTOR, "--work-dir", str(tmp_path), "--resume", options=SHORT | small_detector
    )
    assert losses(again) == {i: text for i, text in losses(printed).items() if i > 2}
    expected, found = (
        load_checkpoint(folder / "iter_4.pth")["state_dict"] for folder in (work_dir, tmp_path)
    )
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6, msg=name)


def test_the_hook_ends_in_what_the_command_makes_of_the_checkpoint_without_it(
    trained: tuple[Path, str],
    run: Training,
    phantom_dir: Path,
    small_detector: dict[str, Any],
    tmp_path: Path,
) -> None:
    """It is resumed halfway, so earlier checkpoints are those of a training without the hook."""
    work_dir, printed = trained
    (tmp_path / "hook").mkdir()
    halfway = tmp_path / "hook" / "iter_2.pth"
    halfway.write_bytes((work_dir / "iter_2.pth").read_bytes())
    (tmp_path / "hook" / "last_checkpoint").write_text(str(halfway))
    options = SHORT | small_detector | {"custom_hooks.0.max_images": 2}
    again = run.script("train", ADAPTED, "--work-dir", str(tmp_path / "hook"), "--resume", options=options)
    assert losses(again) == {i: text for i, text in losses(printed).items() if i > 2}
    adapting, saving, judging = (
        again.index(text) for text in ("Adapted 1", "Saving checkpoint at 4", "Iter(val)")
    )
    assert adapting < saving and adapting < judging
    images = train_images(phantom_dir / "images", phantom_dir / "points.csv", 2)
    config = work_dir / Path(DETECTOR).name
    adapt_checkpoint(config, work_dir / "iter_4.pth", images, tmp_path / "adapted.pth")
    expected, found, before = (
        load_checkpoint(path)["state_dict"]
        for path in (tmp_path / "adapted.pth", tmp_path / "hook" / "iter_4.pth", work_dir / "iter_4.pth")
    )
    moved = [name for name, value in before.items() if not torch.allclose(value.float(), found[name].float())]
    assert moved and all("running_" in name for name in moved)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5, msg=name)
    record, other = (
        json.loads(path.read_text())
        for path in (tmp_path / "hook" / "adapted.json", tmp_path / "adapted.json")
    )
    assert record["images"] == other["images"] == 2
    for one, two in zip(record["layers"], other["layers"], strict=True):
        np.testing.assert_allclose(one["divergence"], two["divergence"], rtol=1e-2, atol=1e-4)


def test_mixed_training_says_what_it_shows_and_keeps_it(
    run: Training, small_detector: dict[str, Any], tmp_path: Path
) -> None:
    own = {key.replace("dataset.size_px", "dataset.scenes.size_px"): value for key, value in SHORT.items()}
    real = "train_dataloader.dataset.real"
    options = own | small_detector
    options |= {f"{real}.pipeline.2.scale": "(160,128)", f"{real}.pipeline.4.size": "(160,128)"}
    options |= {"train_dataloader.dataset.real_share": 0.5, "train_dataloader.dataset.real_images": 2}
    printed = run.script("train", MIXED, "--work-dir", str(tmp_path), options=options)
    assert "Of 8 images to be shown 4 are real: 2 images, each shown 2 times." in printed
    assert sorted(losses(printed)) == [1, 2, 3, 4]
    meta = load_checkpoint(tmp_path / "iter_4.pth")["meta"]["dataset_meta"]
    assert (meta["real_share"], meta["real_images"]) == (0.5, 2)
    assert meta["scene_scale"] > 0


def test_testing_uses_thresholds_and_chooses_new_ones(
    trained: tuple[Path, str], run: Training, small_detector: dict[str, Any], tmp_path: Path
) -> None:
    work_dir, _ = trained
    given, chosen = tmp_path / "given.json", tmp_path / "chosen.json"
    given.write_text(json.dumps({"center": {"Bacteria": 0.5, "RBC": 0.5, "WBC": 0.0}}))
    options = {
        "test_dataloader.dataset.split": "train",
        "test_evaluator.0.thresholds": given,
        "test_evaluator.0.save_thresholds": chosen,
    }
    arguments = ("--checkpoint", str(work_dir / "iter_4.pth"), "--work-dir", str(tmp_path))
    printed = run.mim("test", DETECTOR, *arguments, options=small_detector | options)
    assert re.search(r"synthmed/WBC_center_f1_tuned: 0\.\d", printed)
    assert "f1_tuned" not in printed.replace("center_f1_tuned", "")
    assert set(json.loads(chosen.read_text())) == {"iou", "center"}


def test_inference_with_the_config_that_training_wrote(
    trained: tuple[Path, str], phantom_dir: Path, bank_dir: Path
) -> None:
    work_dir, _ = trained
    checkpoint = work_dir / "iter_4.pth"
    assert model_classes(checkpoint) == open_bank(bank_dir).classes
    images = sorted((phantom_dir / "images").iterdir())[:2]
    found = list(Predictor(work_dir / Path(DETECTOR).name, checkpoint).detections(images))
    assert [index for index, _ in found] == [0, 1]
    assert all(len(boxes) for _, (boxes, *_) in found)


def test_the_classifier(run: Training, phantom_dir: Path, tmp_path: Path) -> None:
    options = {**SHORT, "train_cfg.max_iters": 2, "model.backbone.width": 0.25}
    config = "cam/cam_darknet19_384_cpu.py"
    printed = run.script("train", config, "--work-dir", str(tmp_path), options=options, SYNTHMED_BOXES="none")
    for name in ("RBC_pointing", "mean_peak_f1", "mean_ap", "px_ap"):
        assert re.search(rf"synthmed/{name}: \d", printed), name
    images = sorted((phantom_dir / "images").iterdir())[:1]
    predictor = Predictor(tmp_path / Path(config).name, tmp_path / "iter_2.pth")
    ((_, scores, cams),) = predictor.cams(images)
    assert scores.shape == (3,)
    assert cams.shape == (3, 360, 480)
    assert np.isfinite(cams).all()


@pytest.mark.parametrize(
    "config",
    [
        "yolov3/yolov3_darknet19_416_cpu.py",
        "yolox/yolox_nano_416_cpu.py",
        "rtmdet/rtmdet_tiny_416_cpu.py",
    ],
)
def test_detectors_of_mmdetection(config: str, run: Training, phantom_dir: Path, tmp_path: Path) -> None:
    options = {**SHORT, "train_cfg.max_iters": 2}
    same = {"default_scope": "mmdet"}  # MIM asks for an option
    trained = run.script("train", config, "--work-dir", str(tmp_path), options=options)
    model, checkpoint = tmp_path / Path(config).name, tmp_path / "iter_2.pth"
    tested = run.mim(
        "test", config, "--checkpoint", str(checkpoint), "--work-dir", str(tmp_path), options=same
    )
    for name in ("synthmed/mean_f1", "synthmed/mean_center_f1", "coco/bbox_mAP"):
        at_the_end, again = (re.findall(rf"{name}: (-?[\d.]+)", text) for text in (trained, tested))
        assert len(again) == 1 and again == at_the_end, name
    image, out = min((phantom_dir / "images").iterdir()), tmp_path / "pred.json"
    predictor = Predictor(model, checkpoint, score_threshold=0.0)
    assert predictor.classes == ("Bacteria", "RBC", "WBC")
    ((_, found),) = predictor.detections([image])
    assert np.isfinite(found.boxes_px).all() and np.isfinite(found.scores).all()
    done = CliRunner().invoke(main, ["detect", *map(str, (model, checkpoint, image)), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert [one["name"] for one in json.loads(out.read_text())["categories"]] == list(predictor.classes)


def test_training_ends_when_its_reader_is_gone(run: Training, tmp_path: Path) -> None:
    options = [
        "train_cfg.max_iters=100000",
        "train_dataloader.batch_size=1",
        "default_hooks.logger.interval=1",
    ]
    options += ["train_dataloader.dataset.size_px=64,64", "model.bbox_head.feat_channels=32"]
    command = [sys.executable, "-u", str(run.tools / "train.py"), str(run.configs / DETECTOR)]
    process = subprocess.Popen(
        [*command, "--work-dir", str(tmp_path), "--cfg-options", *options],
        env=run.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert any("Iter(train)" in line for line in process.stdout)
        process.stdout.close()
        assert process.wait(timeout=200) == 1
    finally:
        process.kill()
        process.wait()
