"""Small banks in memory, for the tests of scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from synthmed.bank import PatchBank, Quality, make_spec
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.distractors import Distractors
from synthmed.bank.matte import round_matte

CLASSES = ("a", "b", "c")


def make_bank(
    shapes: Sequence[tuple[int, int]] = ((5, 5), (6, 8), (9, 4)),
    labels: Sequence[int] = (0, 1, 2),
    *,
    seed: int = 0,
    classes: tuple[str, ...] = CLASSES,
    image_counts: Sequence[Sequence[int]] = ((4, 4, 4),),
    image_shape: tuple[int, int] = (100, 100),
    noise: float = 0.0,
    feather: float = 0.5,
    halo: bool = False,
) -> PatchBank:
    """A bank of patches with random pixels and round mattes (or taken for halos); one per shape and label."""
    rng = np.random.default_rng(seed)
    sides = np.array(shapes, dtype=np.int64).reshape(-1, 2)
    areas = sides.prod(axis=1)
    count, images = len(sides), len(image_counts)
    mattes = [round_matte((int(h), int(w)), feather).ravel() for h, w in sides]
    return PatchBank(
        spec=make_spec(sizes_px=dict.fromkeys(classes, 8.0), matte="halo" if halo else "round"),
        classes=classes,
        sizes_px=np.full(len(classes), 8.0),
        labels=np.array(labels, dtype=np.int64),
        shapes_px=sides,
        offsets=np.cumsum(areas) - areas,
        centers_px=np.full((count, 2), 50.0),
        cut_off=np.zeros(count),
        rims_px=np.full(count, 1.0 if halo else 0.0),
        other_centers=np.zeros(count, dtype=np.int64),
        backgrounds=rng.uniform(180, 220, size=(count, 3)),
        quality=Quality.unknown(count),
        source_images=np.array([f"{i}.png" for i in range(count)], dtype=str),
        annotation_ids=np.array([str(i) for i in range(count)], dtype=str),
        splits=np.array(["train"] * count, dtype=str),
        groups=np.array([""] * count, dtype=str),
        pixels=rng.integers(0, 256, size=(int(areas.sum()), 3), dtype=np.uint8),
        mattes=np.concatenate([np.zeros(0, dtype=np.uint8), *mattes]),
        images=tuple(f"{i}.png" for i in range(images)),
        image_shapes_px=np.array([image_shape] * images),
        image_counts=np.array(image_counts, dtype=np.int64),
        image_backgrounds=rng.uniform(180, 220, size=(images, 3)),
        image_noises=np.full(images, noise),
        image_windows=np.full((images, 2), np.nan),
        image_digests=np.array([str(i) for i in range(images)]),
        report=(),
        backdrops=make_backdrops(((20, 30), (40, 25)), rng),
        distractors=make_distractors(((4, 4), (7, 5))),
        hash="0" * 64,
    )


def make_backdrops(shapes: Sequence[tuple[int, int]], rng: np.random.Generator) -> Backdrops:
    """Backdrops of random pixels, all of the first image."""
    sides = np.array(shapes, dtype=np.int64).reshape(-1, 2)
    pixels = rng.integers(0, 256, size=(int(sides.prod(axis=1).sum()), 3), dtype=np.uint8)
    return Backdrops(pixels, sides, np.zeros(len(sides), dtype=np.int64))


def make_distractors(shapes: Sequence[tuple[int, int]]) -> Distractors:
    """Distractors of random pixels with round mattes, all of the first image."""
    rng = np.random.default_rng(1)
    sides, count = np.array(shapes, dtype=np.int64).reshape(-1, 2), len(shapes)
    return Distractors(
        pixels=rng.integers(0, 256, size=(int(sides.prod(axis=1).sum()), 3), dtype=np.uint8),
        mattes=np.concatenate([round_matte(shape, 0.5).ravel() for shape in shapes]),
        shapes_px=sides,
        image_index=np.zeros(count, dtype=np.int64),
        centers_px=np.full((count, 2), 20.0),
        backgrounds=rng.uniform(180, 220, size=(count, 3)),
        stands_out=np.ones(count, dtype=bool),
    )


@pytest.fixture(scope="session")
def bank_of() -> Callable[..., PatchBank]:
    """`make_bank`; for its arguments see there."""
    return make_bank
