"""`SceneTrainLoop`: training by iterations that resumes without composing what it has already seen."""

from __future__ import annotations

import itertools
from typing import Any

from mmdet.registry import LOOPS
from mmengine.dist import get_world_size
from mmengine.runner import IterBasedTrainLoop


@LOOPS.register_module()
class SceneTrainLoop(IterBasedTrainLoop):
    """MMEngine's `IterBasedTrainLoop`, resumed at the next scene at once.

    The loop that it extends fetches and throws away every batch up to the iteration that it resumes at. A
    `SceneSampler` can begin anywhere, so here these batches are not composed at all. With any other sampler
    nothing changes. Where real images are mixed in, it says first how many, and how often each is shown.
    """

    def run(self) -> Any:
        """Train, from the resumed iteration where there is one."""
        if hasattr(self.dataloader.dataset, "tell_mix"):
            shown = self.max_iters * self.dataloader.batch_size * get_world_size()
            self.runner.logger.info(self.dataloader.dataset.tell_mix(shown))
        sampler = self.dataloader.sampler
        if self._iter > 0 and getattr(sampler, "endless", False):
            sampler.skip(self._iter * self.dataloader.batch_size)
            passed = itertools.repeat(None, self._iter)
            self.dataloader_iterator = itertools.chain(passed, iter(self.dataloader))
        return super().run()
