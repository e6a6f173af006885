"""`MixedDataset`: scenes with an exact share of real images among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmdet.registry import DATASETS
from numpy.typing import NDArray

from synthmed.datasets.mixing import Mix, choose_pool
from synthmed.errors import DatasetError
from synthmed.nets.real_dataset import RealDataset
from synthmed.nets.scene_dataset import SceneDataset, seeded
from synthmed.scenes import count_unplaced

# Enough for a share by objects to about a tenth of itself.
_COUNTED_SCENES = 32


@DATASETS.register_module()
class MixedDataset:
    """Scenes composed when they are asked for, and a share of real images with real boxes.

    Of the first *n* items ``real_share * n`` are real to within one, for every *n* (see
    `synthmed.datasets.mixing.Mix`). Every other item *k* is scene *k*, the one that training on scenes alone
    shows there. An item depends on the settings and its number alone: with a `SceneSampler` a resumed run
    goes on as it would have, and several processes see together what one would.

    Args:
        scenes: config of a `SceneDataset`.
        real: config of a `RealDataset`; its pipeline ends in images of the size of the scenes.
        real_share: of the images shown, 0 to 1.
        real_images: how many of the real images are used; ``None`` for all. Those of a smaller number are
            among those of every larger one.
        seed: where real images stand and in which order they come; ``None`` for that of the scenes.

    Raises:
        DatasetError: a share or number is not usable, or the two have other classes.
    """

    def __init__(
        self,
        scenes: dict[str, Any],
        real: dict[str, Any],
        real_share: float,
        *,
        real_images: int | None = None,
        seed: int | None = None,
    ) -> None:
        self.scenes: SceneDataset = DATASETS.build(scenes)
        self.real: RealDataset = DATASETS.build(real)
        for name, made, kind in (("scenes", self.scenes, SceneDataset), ("real", self.real, RealDataset)):
            if not isinstance(made, kind):
                raise DatasetError(
                    f"{name} of MixedDataset must be a {kind.__name__}", value=type(made).__name__
                )
        classes = [tuple(made.metainfo["classes"]) for made in (self.scenes, self.real)]
        if classes[0] != classes[1]:
            raise DatasetError(
                "scenes and real images have other classes",
                value="; ".join(map(", ".join, classes)),
                remedy="name the same bank for both",
            )
        self.seed = self.scenes.seed if seed is None else seed
        self.pool = choose_pool(len(self.real), real_images, self.seed)
        self.mix = Mix(real_share, len(self.pool), self.seed)

    @property
    def metainfo(self) -> Mapping[str, Any]:
        """That of the scenes, and what is mixed in: checkpoints keep it."""
        return {
            **self.scenes.metainfo,
            "real_share": float(self.mix.share),
            "real_images": len(self.pool),
        }

    def full_init(self) -> None:
        """Nothing: MMEngine asks for it, and both parts are complete."""

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, idx: int) -> Any:
        """Item ``idx`` after its pipeline, whose generators are seeded by it.

        Raises:
            DatasetError: the pipeline drops the item.
        """
        number = self.mix.real_image(idx)
        if number is None:
            return self.scenes[idx]
        with seeded(self.seed, idx):
            data = self.real.prepare_data(int(self.pool[number]))
        if data is None:
            raise DatasetError(
                "a step of the pipeline drops a real image",
                file=self.real.get_data_info(int(self.pool[number]))["img_path"],
                remedy="leave out steps that filter",
            )
        return data

    def real_objects_share(self) -> NDArray[np.float64]:
        """``(C + 1,)`` expected share of objects that are real, per class and last of all classes together.

        NaN for a class that neither the real images nor the first 32 scenes show.
        """
        shown, _ = count_unplaced(self.scenes.recipe, self.scenes.bank, self.scenes.seed, _COUNTED_SCENES)
        truth = self.real.truth
        of_pool = np.isin(truth.image_index, self.pool)
        drawn = np.bincount(truth.labels[of_pool], minlength=len(shown))
        share = float(self.mix.share)
        per_class = [share * drawn / max(1, len(self.pool)), (1 - share) * shown / _COUNTED_SCENES]
        real, composed = (np.append(counts, counts.sum()) for counts in per_class)
        with np.errstate(invalid="ignore"):
            return np.asarray(real / (real + composed))

    def tell_mix(self, items: int) -> str:
        """What the first ``items`` items show, by images and by objects, and how often each real image."""
        *shares, whole = self.real_objects_share()
        by_class = ", ".join(
            f"{name} none" if np.isnan(share) else f"{name} {share:.1%}"
            for name, share in zip(self.metainfo["classes"], shares, strict=True)
        )
        least, most = self.mix.repeats(items)
        times = f"{most} times" if least == most else f"{least} or {most} times"
        return (
            f"Of {items} images to be shown {self.mix.real_before(items)} are real: {len(self.pool)} images, "
            f"each shown {times}. Of the objects about {whole:.1%} are real ({by_class})."
        )
