"""`SceneTrainLoop`: training by iterations that resumes without composing what it has already seen."""

from __future__ import annotations

import itertools
from typing import Any

from mmdet.registry import LOOPS
from mmengine.runner import IterBasedTrainLoop


@LOOPS.register_module()
class SceneTrainLoop(IterBasedTrainLoop):
    """MMEngine's `IterBasedTrainLoop`, resumed at the next scene at once.

    The loop that it extends fetches and throws away every batch up to the iteration that it resumes at. A
    `SceneSampler` can begin anywhere, so here these batches are not composed at all. With any other sampler
    nothing changes.
    """

    def run(self) -> Any:
        """Train, from the resumed iteration where there is one."""
        sampler = self.dataloader.sampler
        if self._iter > 0 and getattr(sampler, "endless", False):
            sampler.skip(self._iter * self.dataloader.batch_size)
            passed = itertools.repeat(None, self._iter)
            self.dataloader_iterator = itertools.chain(passed, iter(self.dataloader))
        return super().run()
