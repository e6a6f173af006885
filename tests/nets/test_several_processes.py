"""`mim train --launcher pytorch` with two processes on the CPU, undisturbed, and killed and resumed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from synthmed.nets.checkpoints import load_checkpoint
from synthmed.nets.several_processes import SeveralProcessesRunner

pytestmark = [pytest.mark.mmdet, pytest.mark.slow]

ITERATIONS = 4
OPTIONS = [
    f"train_cfg.max_iters={ITERATIONS}",
    "train_cfg.val_interval=1000",
    "val_cfg=None",
    "val_dataloader=None",
    "val_evaluator=None",
    "train_dataloader.batch_size=1",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
    "train_dataloader.dataset.size_px=64,96",
    "model.bbox_head.feat_channels=16",
    "default_hooks.checkpoint.interval=2",
]
RECORDER = """
import os, signal
from pathlib import Path
from mmdet.registry import HOOKS
from mmengine.hooks import Hook

@HOOKS.register_module()
class Recorder(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        scenes = [str(sample.img_id) for sample in data_batch["data_samples"]]
        with (Path(runner.work_dir) / f"seen_{runner.rank}.txt").open("a") as file:
            file.write(" ".join([str(runner.iter + 1), *scenes]) + chr(10))
        if os.environ.get("KILLED_AT") == str(runner.iter + 1) and runner.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


class Job:
    """Two processes that train, and note which scenes they saw."""

    def __init__(self, folder: Path, configs: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        (folder / "recorder.py").write_text(RECORDER)
        self.config = folder / "config.py"
        self.config.write_text(
            f"_base_ = [{str(configs / 'yolov2/yolov2_darknet19_416_cpu.py')!r}]\n"
            "custom_imports = dict(imports=['synthmed.nets', 'recorder'])\n"
            "custom_hooks = [*_base_.custom_hooks, dict(type='Recorder')]\n"
        )
        path = os.pathsep.join([str(folder), environment.get("PYTHONPATH", "")])
        self.environment = {**environment, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"}

    def train(self, name: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """The exit code and what was printed."""
        command = [sys.executable, "-m", "mim", "train", "mmdet", str(self.config), "--launcher", "pytorch"]
        command += ["--gpus", "2", "--port", str(_free_port()), "--work-dir", str(self.folder / name)]
        done = subprocess.run(
            [*command, *arguments, "--cfg-options", *OPTIONS],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    def seen(self, name: str) -> list[dict[int, list[int]]]:
        """Of each process, the scenes of each iteration."""
        processes = []
        for rank in (0, 1):
            lines = (self.folder / name / f"seen_{rank}.txt").read_text().splitlines()
            scenes = defaultdict(list)
            for line in lines:
                iteration, *shown = map(int, line.split())
                scenes[iteration] += shown
            processes.append(dict(scenes))
        return processes


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def job(
    configs_dir: Path, config_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Job:
    return Job(tmp_path_factory.mktemp("processes"), configs_dir, config_environment)


@pytest.fixture(scope="module")
def undisturbed(job: Job) -> str:
    code, printed = job.train("undisturbed")
    assert code == 0, printed[-3000:]
    return "undisturbed"


def test_each_process_composes_other_scenes_and_together_those_of_one(job: Job, undisturbed: str) -> None:
    first, second = job.seen(undisturbed)
    assert first == {iteration: [2 * iteration - 2] for iteration in range(1, ITERATIONS + 1)}
    assert second == {iteration: [2 * iteration - 1] for iteration in range(1, ITERATIONS + 1)}


def test_a_killed_training_goes_on_with_the_same_scenes_to_nearly_the_same_weights(
    job: Job, undisturbed: str
) -> None:
    code, printed = job.train("killed", KILLED_AT="3")
    folder = job.folder / "killed"
    assert code != 0 and (folder / "iter_2.pth").exists(), printed[-3000:]
    assert not (folder / "iter_4.pth").exists()
    for rank in (0, 1):
        (folder / f"seen_{rank}.txt").unlink()
    code, printed = job.train("killed", "--resume")
    assert code == 0, printed[-3000:]
    whole = job.seen(undisturbed)
    assert job.seen("killed") == [{i: shown for i, shown in one.items() if i > 2} for one in whole]
    expected, found = (load_checkpoint(job.folder / name / "iter_4.pth") for name in (undisturbed, "killed"))
    logs, again = (one["message_hub"]["log_scalars"] for one in (expected, found))
    for name, rtol in (("lr", 1e-9), ("loss", 1e-2), ("grad_norm", 2e-2)):
        values, others = (log[f"train/{name}"].data[0] for log in (logs, again))
        np.testing.assert_allclose(others, values, rtol=rtol, err_msg=name)
        # The first resumed step starts from the same weights and scenes.
        np.testing.assert_allclose(others[:3], values[:3], rtol=1e-5, err_msg=name)
    # Gradients are added in another order after a resume, and AdamW's first steps turn the sign of a gradient
    # near zero into a step of the learning rate: two steps, in opposite directions at most.
    most = 2 * logs["train/lr"].data[0][2:].sum()
    for name, value in expected["state_dict"].items():
        if "running_" not in name:
            torch.testing.assert_close(found["state_dict"][name], value, rtol=0, atol=most, msg=name)


@pytest.mark.parametrize("asked", [False, True])
def test_unused_parameters_are_found_where_the_config_says_so(
    asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(Runner, "wrap_model", lambda self, settings, model: told.append(settings))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    runner = SeveralProcessesRunner.__new__(SeveralProcessesRunner)
    runner._distributed, runner.cfg = True, Config({"find_unused_parameters": asked})
    runner.wrap_model(None, torch.nn.Linear(1, 1))
    assert told == [{"device_ids": None, "broadcast_buffers": False, "find_unused_parameters": asked}]
