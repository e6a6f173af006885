"""Checkpoints: what MMEngine writes loads, and nothing in a file is ever run."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from synthmed.errors import ModelError
from synthmed.nets.checkpoints import load_checkpoint


class TinyModel(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, values: torch.Tensor, mode: str = "tensor") -> Any:
        return {"loss": self.layer(values).square().mean()}


class Calls:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def runner(folder: Path, epochs: int, resume: bool = False) -> Runner:
    data = [[torch.ones(2) * index] for index in range(8)]
    return Runner(
        TinyModel(),
        str(folder),
        train_dataloader=dict(
            dataset=data,
            batch_size=2,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=True),
            collate_fn=dict(type="default_collate"),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.1)),
        param_scheduler=[dict(type="MultiStepLR", milestones=[1]), dict(type="LinearLR", end=1)],
        resume=resume,
        experiment_name=f"{folder.name}-{epochs}",
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    runner(folder, epochs=2).train()
    return folder


def test_a_checkpoint_of_mmengine_loads_with_its_log(trained: Path) -> None:
    checkpoint = load_checkpoint(trained / "epoch_2.pth")
    history = checkpoint["message_hub"]["log_scalars"]["train/loss"]
    assert isinstance(history, HistoryBuffer)
    assert np.isfinite(history.mean()) and history.statistics("mean") == history.mean()
    assert {"meta", "optimizer", "param_schedulers"} <= set(checkpoint)


def test_training_resumes_with_the_safe_loader(trained: Path) -> None:
    resumed = runner(trained, epochs=3, resume=True)
    resumed.train()
    assert resumed.iter == 12 and resumed.message_hub.get_scalar("train/loss").data[0].size == 12


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {marker}",)),
        (builtins.eval, ("open('{marker}', 'w')",)),
        (getattr, (os, "system")),
        (getattr, (HistoryBuffer, "__init__")),
        (getattr, (torch.nn, "mean")),
        (Path, ("{marker}",)),
    ],
)
def test_a_checkpoint_with_code_is_refused_and_not_run(
    function: Callable[..., Any], arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    marker = tmp_path / "was_run"
    filled = [part.format(marker=marker) if isinstance(part, str) else part for part in arguments]
    if any(type(part).__name__ == "module" for part in filled):
        filled = [Calls(__import__, part.__name__) if not isinstance(part, str) else part for part in filled]
    path = tmp_path / "hostile.pth"
    torch.save({"state_dict": {}, "extra": Calls(function, *filled)}, path)
    with pytest.raises(ModelError, match="holds more than weights"):
        load_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_named(share: float, trained: Path, tmp_path: Path) -> None:
    whole = (trained / "epoch_2.pth").read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match=r"cut\.pth: .* damaged or truncated"):
        load_checkpoint(path)


def test_other_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "missing.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(tmp_path / "text.pth")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="state_dict"):
        load_checkpoint(tmp_path / "other.pth")


def test_training_refuses_to_resume_from_what_is_damaged_or_holds_code(trained: Path, tmp_path: Path) -> None:
    whole = (trained / "epoch_2.pth").read_bytes()
    (tmp_path / "epoch_2.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "epoch_2.pth"))
    with pytest.raises(ModelError, match=r"epoch_2\.pth: .* damaged or truncated"):
        runner(tmp_path, epochs=3, resume=True).train()
    marker = tmp_path / "was_run"
    torch.save({"state_dict": Calls(os.system, f"touch {marker}")}, tmp_path / "epoch_2.pth")
    with pytest.raises(ModelError, match="holds more than weights"):
        runner(tmp_path, epochs=3, resume=True).train()
    assert not marker.exists()
