"""What the demo works on and how long it trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthmed._shipped import shipped_folder
from synthmed.errors import ModelError


@dataclass(frozen=True)
class DemoOptions:
    """What the demo works on and how long it trains.

    Attributes:
        data: a folder with ``images/`` and ``points.csv``; ``None`` for the phantom.
        out: the folder of all demos; this one gets a folder of its own in it.
        sizes: class sizes as people write them; none means that they are estimated.
        configs: a folder like ``mmdet_configs``; ``None`` for the one that synthmed came with.
        detector_iters: iterations of the detector, ``None`` for what its config says.
        classifier_iters: iterations of the classifier, ``None`` for what its config says.
        fiftyone: whether a FiftyOne dataset is made.
    """

    data: Path | None = None
    out: Path = Path("work_dirs/demo")
    sizes: tuple[str, ...] = ()
    configs: Path | None = None
    detector_iters: int | None = None
    classifier_iters: int | None = None
    fiftyone: bool = True

    @property
    def detector_config(self) -> Path:
        """The detector's config for a CPU.

        Raises:
            ModelError: the folder does not have it.
        """
        return self._config("yolov3/yolov3_darknet19_416_cpu.py")

    @property
    def classifier_config(self) -> Path:
        """The classifier's config for a CPU.

        Raises:
            ModelError: the folder does not have it.
        """
        return self._config("cam/cam_darknet19_384_cpu.py")

    def _config(self, name: str) -> Path:
        path = (self.configs or shipped_folder("mmdet_configs")) / name
        if not path.is_file():
            raise ModelError(
                "there is no such config", file=path, remedy="name a folder of them by --configs"
            )
        return path
