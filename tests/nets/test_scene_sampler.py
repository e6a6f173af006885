from __future__ import annotations

import itertools

import pytest

from synthmed.nets.scene_sampler import SceneSampler

pytestmark = pytest.mark.mmdet


def sampler(length: int, rank: int = 0, world_size: int = 1, epoch: int = 0, **kwargs: bool) -> SceneSampler:
    made = SceneSampler(range(length), seed=None, **kwargs)
    made.rank, made.world_size = rank, world_size
    made.set_epoch(epoch)
    return made


@pytest.mark.parametrize(
    ("length", "rank", "world_size", "epoch", "round_up", "expected"),
    [
        (1, 0, 1, 0, True, [0]),
        (4, 0, 1, 0, True, [0, 1, 2, 3]),
        (4, 0, 1, 3, True, [12, 13, 14, 15]),
        (4, 1, 2, 1, True, [5, 7]),
        (3, 0, 2, 0, True, [0, 2]),
        (3, 1, 2, 0, True, [1, 0]),
        (3, 1, 2, 1, True, [4, 3]),
        (3, 1, 2, 0, False, [1]),
        (1, 3, 4, 2, True, [2]),
        (1, 3, 4, 2, False, []),
    ],
)
def test_an_epoch(
    length: int, rank: int, world_size: int, epoch: int, round_up: bool, expected: list[int]
) -> None:
    made = sampler(length, rank, world_size, epoch, round_up=round_up)
    assert list(made) == expected
    assert len(made) == len(expected)
    assert list(made) == expected, "the same epoch again is the same"


@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_ranks_together_see_in_each_step_what_one_process_sees(world_size: int) -> None:
    batch, length = 2, 24
    alone = list(sampler(length, epoch=5))
    ranks = [list(sampler(length, rank, world_size, epoch=5)) for rank in range(world_size)]
    for step in range(length // (batch * world_size)):
        together = [i for seen in ranks for i in seen[step * batch : (step + 1) * batch]]
        width = batch * world_size
        assert sorted(together) == alone[step * width : (step + 1) * width]


@pytest.mark.parametrize(("rank", "world_size"), [(0, 1), (1, 2)])
def test_an_endless_stream_is_epoch_after_epoch(rank: int, world_size: int) -> None:
    epochs = [i for epoch in range(3) for i in sampler(8, rank, world_size, epoch)]
    endless = sampler(8, rank, world_size, endless=True)
    assert list(itertools.islice(endless, len(epochs))) == epochs
    assert len(endless) == 8 // world_size


def test_skipping_continues_the_stream() -> None:
    whole = list(itertools.islice(sampler(8, 1, 2, endless=True), 10))
    resumed = sampler(8, 1, 2, endless=True)
    resumed.skip(4)
    assert list(itertools.islice(resumed, 6)) == whole[4:]
