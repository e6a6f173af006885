"""A real runner with a small network: the loss or the gradient of one iteration is spoilt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.hooks import CheckpointHook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from synthmed.errors import ModelError
from synthmed.nets.finite_loss_hook import FiniteLossHook

pytestmark = pytest.mark.mmdet


class Spoilt(BaseModel):
    """Its loss or its gradient is not finite once it sees the value of ``last``."""

    def __init__(self, how: str, last: float) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.how, self.last = how, last

    def forward(self, inputs: Any, data_samples: Any, mode: str = "tensor") -> Any:
        values = torch.stack(inputs)
        loss = self.layer(values).square().mean()
        if self.last in values:
            # The root of zero is zero, and its slope is infinite.
            spoil = {"nan": loss * float("nan"), "inf": loss / 0, "gradient": (loss * 0).sqrt()}
            loss = spoil[self.how]
        return {"loss": loss, "accuracy": torch.tensor(0.5)}


def collate(items: list[int]) -> dict[str, Any]:
    samples = [DetDataSample(metainfo={"img_id": item, "img_path": _path(item)}) for item in items]
    return {"inputs": [torch.tensor([float(item)]) for item in items], "data_samples": samples}


def _path(item: int) -> str:
    return "real.png" if item == 1 else ""


def runner(folder: Path, how: str, last: float) -> Runner:
    return Runner(
        Spoilt(how, last),
        str(folder),
        train_dataloader=dict(
            dataset=list(range(8)),
            batch_size=2,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=False),
            collate_fn=collate,
        ),
        train_cfg=dict(by_epoch=False, max_iters=4),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.01), clip_grad=dict(max_norm=35.0)),
        default_hooks=dict(checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=1)),
        custom_hooks=[FiniteLossHook()],
        experiment_name=f"{folder.name}-{how}-{last}",
    )


def test_a_sound_training_ends(tmp_path: Path) -> None:
    runner(tmp_path, "nan", 100.0).train()
    assert (tmp_path / "iter_4.pth").exists()


@pytest.mark.parametrize(("how", "what"), [("nan", "loss"), ("inf", "loss"), ("gradient", "grad_norm")])
def test_it_ends_before_the_spoilt_weights_are_saved(how: str, what: str, tmp_path: Path) -> None:
    message = rf"at iteration 3, as .*{what}.* is no finite number; the batch was scene 4, scene 5\."
    with pytest.raises(ModelError, match=message):
        runner(tmp_path, how, 5.0).train()
    assert sorted(path.name for path in tmp_path.glob("*.pth")) == ["iter_1.pth", "iter_2.pth"]
    assert (tmp_path / "last_checkpoint").read_text().endswith("iter_2.pth")
    weights = torch.load(tmp_path / "iter_2.pth", weights_only=True)["state_dict"]
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_real_images_are_named_by_their_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"iteration 1, .* the batch was scene 0, real\.png\."):
        runner(tmp_path, "nan", 1.0).train()


def test_checkpoints_are_written_after_it_has_looked() -> None:
    hook = FiniteLossHook()
    assert hook.priority == "NORMAL" and CheckpointHook.priority == "VERY_LOW"
