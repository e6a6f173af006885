"""`SceneSampler`: which scenes an epoch shows, by their global number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sized

from mmdet.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class SceneSampler(Sampler):
    """Numbers the scenes of all epochs through, so that no scene is ever seen twice.

    Epoch *e* of a dataset of length *L* shows the scenes *e L* to *(e + 1) L - 1* in this order; they are
    independent draws, so there is nothing to shuffle. Workers need no state, a resumed run goes on with the
    scenes it would have seen, and R ranks with batches of B see together, step by step, what one process
    with batches of R B sees.

    Args:
        dataset: its length is the number of scenes in an epoch.
        seed: what MMEngine hands to every sampler. Not used: the seed of the scenes is the dataset's own.
        round_up: fill the last step up, so that all ranks have equally many scenes. As in MMEngine's
            samplers, the first scenes of the epoch are shown again for it.
        endless: never end an epoch, for `IterBasedTrainLoop`; the scenes and their order are the same.
    """

    def __init__(
        self, dataset: Sized, seed: int | None = None, round_up: bool = True, endless: bool = False
    ) -> None:
        self.rank: int
        self.world_size: int
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.round_up, self.endless = dataset, round_up, endless
        self.epoch = 0
        self._skipped = 0

    def __iter__(self) -> Iterator[int]:
        length = len(self.dataset)
        first = self.epoch * length
        if self.endless:
            return itertools.count(first + self.rank + self._skipped * self.world_size, self.world_size)
        total = len(self) * self.world_size if self.round_up else length
        return (first + number % length for number in range(self.rank, total, self.world_size))

    def __len__(self) -> int:
        """How many scenes of an epoch this rank gets."""
        length = len(self.dataset)
        if self.round_up:
            return -(-length // self.world_size)
        return len(range(self.rank, length, self.world_size))

    def set_epoch(self, epoch: int) -> None:
        """Choose the scenes of an epoch; MMEngine's `DistSamplerSeedHook` calls it before each."""
        self.epoch = epoch

    def skip(self, count: int) -> None:
        """Begin after the first ``count`` scenes of this rank; only where the sampler is endless."""
        self._skipped = count
