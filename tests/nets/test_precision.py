"""bfloat16 and channels last."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from synthmed.errors import ModelError
from synthmed.nets.precision import BFloat16OptimWrapper, ChannelsLastHook, bfloat16_pays


@pytest.mark.parametrize("enabled", [True, False, "auto"])
def test_the_forward_pass_runs_in_bfloat16_and_the_weights_stay(enabled: bool | str) -> None:
    model = nn.Conv2d(3, 4, 3)
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), enabled=enabled)
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        output = model(torch.randn(1, 3, 8, 8))
    expected = bfloat16_pays("cpu") if enabled == "auto" else enabled
    assert output.dtype == (torch.bfloat16 if expected else torch.float32)
    wrapper.update_params(output.float().square().mean())
    assert model.weight.dtype == torch.float32 and not torch.equal(model.weight, before)


def test_an_unknown_setting() -> None:
    with pytest.raises(ModelError, match="enabled"):
        BFloat16OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), enabled="always")


def test_channels_last_keeps_the_parameters_of_the_optimizer() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    parameters = list(model.parameters())
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[0].weight.is_contiguous()
    assert all(after is before for after, before in zip(model.parameters(), parameters, strict=True))
    output = model(torch.randn(2, 3, 8, 8))
    assert output.is_contiguous(memory_format=torch.channels_last)
