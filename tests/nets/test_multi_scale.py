from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData

from synthmed.errors import ModelError
from synthmed.nets.multi_scale import MultiScale

pytestmark = pytest.mark.mmdet


@pytest.fixture
def hub() -> Iterator[MessageHub]:
    yield MessageHub.get_current_instance()
    MessageHub.get_current_instance().update_info("iter", 0)


def shown(augment: MultiScale, hub: MessageHub, iteration: int) -> tuple[int, int]:
    """The size that a batch of 64 x 96 px has in an iteration."""
    hub.update_info("iter", iteration)
    images, _ = augment(torch.zeros(1, 3, 64, 96), [sample()])
    height, width = images.shape[-2:]
    return height, width


def sample() -> DetDataSample:
    made = DetDataSample(metainfo=dict(img_shape=(60, 96), pad_shape=(64, 96)))
    for name in ("gt_instances", "ignored_instances"):
        setattr(made, name, InstanceData(bboxes=torch.tensor([[8.0, 16.0, 24.0, 32.0]])))
    return made


def test_sizes_change_at_the_interval_and_stay_in_the_range(hub: MessageHub) -> None:
    sizes = [shown(MultiScale((64, 160), interval=3), hub, iteration) for iteration in range(60)]
    heights = {height for height, _ in sizes}
    assert heights == {64, 96, 128, 160}
    assert all(width == 32 * round(1.5 * height / 32) for height, width in sizes)
    assert all(len(set(sizes[first : first + 3])) == 1 for first in range(0, 60, 3))


@pytest.mark.parametrize(
    "settings",
    [dict(random_size_range=(608, 320)), dict(random_size_range=(16, 64)), dict(interval=0), dict(seed=-1)],
)
def test_settings_that_draw_no_size_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="cannot draw sizes so"):
        MultiScale(**settings)


def test_a_resumed_training_and_every_rank_see_the_same_sizes(hub: MessageHub) -> None:
    whole = MultiScale((64, 160), interval=4)
    sizes = [shown(whole, hub, iteration) for iteration in range(20)]
    for first in (1, 4, 7, 11):
        resumed = MultiScale((64, 160), interval=4)
        torch.manual_seed(first)
        assert [shown(resumed, hub, iteration) for iteration in range(first, 20)] == sizes[first:]
    other = MultiScale((64, 160), interval=4, seed=1)
    assert [shown(other, hub, iteration) for iteration in range(20)] != sizes


def test_boxes_go_with_the_images(hub: MessageHub) -> None:
    hub.update_info("iter", 0)
    images = torch.zeros(1, 3, 64, 96)
    images[..., 16:32, 8:24] = 1
    made = sample()
    resized, _ = MultiScale((128, 128))(images, [made])
    assert resized.shape == (1, 3, 128, 192)
    for boxes in (made.gt_instances.bboxes, made.ignored_instances.bboxes):
        assert boxes.tolist() == [[16.0, 32.0, 48.0, 64.0]]
    assert made.img_shape == (120, 192)
    inside = resized[0, 0, 33:63, 17:47]
    assert inside.min() > 0.7
    assert resized[0, 0].sum() == pytest.approx(32 * 32)
