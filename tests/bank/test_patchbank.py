from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from synthmed.bank import QUALITY_COLUMNS, PatchBank, Quality, make_spec, open_bank
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.clicks import Clicks
from synthmed.bank.distractors import Distractors
from synthmed.bank.patchbank import content_hash
from synthmed.bank.report import ClassReport


@pytest.fixture
def bank() -> PatchBank:
    """Two classes, three patches of 1 x 2, 2 x 2 and 3 x 1 px, two images."""
    shapes = np.array([[1, 2], [2, 2], [3, 1]])
    return PatchBank(
        spec=make_spec(sizes_px={"a": 5.0, "b": 6.0}),
        classes=("a", "b"),
        sizes_px=np.array([5.0, 6.0]),
        labels=np.array([1, 0, 1]),
        shapes_px=shapes,
        offsets=np.array([0, 2, 6]),
        centers_px=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        cut_off=np.array([0.0, 0.1, 0.2]),
        other_centers=np.array([0, 0, 1]),
        backgrounds=np.full((3, 3), 200.0),
        rims_px=np.array([0.0, -0.5, 1.0]),
        quality=Quality.unknown(3),
        source_images=np.array(["0.png", "0.png", "1.png"]),
        annotation_ids=np.array(["7", "8", "9"]),
        splits=np.array(["train"] * 3),
        groups=np.array(["s1", "s1", ""]),
        pixels=np.arange(27, dtype=np.uint8).reshape(9, 3),
        mattes=np.arange(9, dtype=np.uint8),
        images=("0.png", "1.png"),
        image_shapes_px=np.array([[10, 20], [12, 30]]),
        image_counts=np.array([[1, 1], [0, 1]]),
        image_backgrounds=np.full((2, 3), 210.0),
        image_noises=np.array([1.0, 2.0]),
        image_windows=np.array([[0.0, 4095.0], [np.nan, np.nan]]),
        image_digests=np.array(["ab", "cd"]),
        report=(ClassReport("a", 1, 0, 0, 1, 0), ClassReport("b", 2, 0, 0, 2, 1)),
    )


def test_patches_lie_one_after_the_other(bank: PatchBank) -> None:
    assert len(bank) == 3
    assert [bank.patch(i).shape for i in range(3)] == [(1, 2, 3), (2, 2, 3), (3, 1, 3)]
    assert [bank.matte(i).shape for i in range(3)] == [(1, 2), (2, 2), (3, 1)]
    assert np.concatenate([bank.patch(i).reshape(-1, 3) for i in range(3)]).tolist() == bank.pixels.tolist()
    assert np.concatenate([bank.matte(i).ravel() for i in range(3)]).tolist() == bank.mattes.tolist()


@pytest.mark.parametrize(
    ("labels", "other_centers", "pools"),
    [
        ([], [], [[], []]),
        ([0, 0, 0], [0, 0, 0], [[0, 1, 2], []]),
        ([1, 0, 1], [0, 0, 1], [[1], [0]]),
        ([1, 0, 1], [2, 1, 1], [[1], [0, 2]]),
    ],
)
def test_pools_leave_out_patches_with_a_neighbour(
    bank: PatchBank, labels: list[int], other_centers: list[int], pools: list[list[int]]
) -> None:
    changed = replace(
        bank,
        labels=np.array(labels, dtype=np.int64),
        other_centers=np.array(other_centers, dtype=np.int64),
    )
    assert [pool.tolist() for pool in changed.pools] == pools
    assert changed.pool_sizes.tolist() == [len(pool) for pool in pools]
    assert changed.pooled.tolist() == [patch for pool in pools for patch in pool]


@pytest.mark.parametrize(
    ("truncated", "other_centers", "pool"),
    [
        ([False, True, False], [0, 0, 0], [0, 2]),
        ([False, True, True], [1, 0, 0], [0]),
        ([True, True, True], [1, 0, 0], [1, 2]),
        ([True, True, True], [1, 1, 1], [0, 1, 2]),
    ],
)
def test_pools_leave_out_what_the_border_cuts(
    bank: PatchBank, truncated: list[bool], other_centers: list[int], pool: list[int]
) -> None:
    changed = replace(
        bank,
        labels=np.zeros(3, dtype=np.int64),
        other_centers=np.array(other_centers),
        quality=replace(bank.quality, truncated=np.array(truncated)),
    )
    assert changed.pools[0].tolist() == pool


def test_median_shape(bank: PatchBank) -> None:
    assert bank.median_image_shape_px == (11.0, 25.0)


def test_share_of_cut_off_points() -> None:
    assert ClassReport("a", 4, 1, 1, 3, 0).cut_off_rate == 0.25
    assert np.isnan(ClassReport("a", 0, 0, 0, 0, 0).cut_off_rate)


# Offsets follow from the shapes.
APART = ("hash", "offsets", "quality", "backdrops", "clicks", "distractors")
HASHED = [f.name for f in fields(PatchBank) if f.init and f.name not in APART]


def changed(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        other = value.astype("U9").copy()
        other[-1] = "other"
    elif isinstance(value, np.ndarray):
        other = value.copy()
        other.flat[0] += 1
    elif isinstance(value, tuple):
        last = value[-1]
        other = (*value[:-1], last._replace(crowded=9) if isinstance(last, ClassReport) else "other")
    else:
        other = value.model_copy(update={"seed": 1})
    return other


@pytest.mark.parametrize("name", HASHED)
def test_the_hash_covers_everything(bank: PatchBank, name: str) -> None:
    before = content_hash(bank)
    assert content_hash(replace(bank)) == before
    assert content_hash(replace(bank, **{name: changed(getattr(bank, name))})) != before


@pytest.mark.parametrize("name", QUALITY_COLUMNS)
def test_the_hash_covers_the_quality(bank: PatchBank, name: str) -> None:
    column = getattr(bank.quality, name).copy()
    column[-1] = 1
    other = replace(bank, quality=replace(bank.quality, **{name: column}))
    assert content_hash(other) != content_hash(bank)


@pytest.mark.parametrize("name", ["pixels", "shapes_px", "image_index"])
def test_the_hash_covers_the_backdrops(bank: PatchBank, name: str) -> None:
    backdrops = Backdrops(np.zeros((6, 3), np.uint8), np.array([[2, 3]]), np.zeros(1, np.int64))
    before = replace(bank, backdrops=backdrops)
    after = replace(bank, backdrops=replace(backdrops, **{name: changed(getattr(backdrops, name))}))
    assert content_hash(after) != content_hash(before) != content_hash(bank)


@pytest.mark.parametrize("name", [f.name for f in fields(Clicks)])
def test_the_hash_covers_the_clicks(bank: PatchBank, name: str) -> None:
    clicks = Clicks(np.array([0]), np.array([1]), np.array([[1.0, 2.0]]), np.array(["7"]))
    before = replace(bank, clicks=clicks)
    after = replace(bank, clicks=replace(clicks, **{name: changed(getattr(clicks, name))}))
    assert content_hash(after) != content_hash(before) != content_hash(bank)


@pytest.mark.parametrize("name", [f.name for f in fields(Distractors)])
def test_the_hash_covers_the_distractors(bank: PatchBank, name: str) -> None:
    distractors = Distractors(
        np.zeros((6, 3), np.uint8),
        np.zeros(6, np.uint8),
        np.array([[2, 3]]),
        np.zeros(1, np.int64),
        np.zeros((1, 2)),
        np.zeros((1, 3)),
        np.zeros(1, np.int64),
    )
    before = replace(bank, distractors=distractors)
    after = replace(bank, distractors=replace(distractors, **{name: changed(getattr(distractors, name))}))
    assert content_hash(after) != content_hash(before) != content_hash(bank)


def test_the_spread_of_sizes_is_of_whole_segmented_objects(bank: PatchBank) -> None:
    assert np.isnan(bank.size_spreads).all()
    many = replace(
        bank,
        labels=np.zeros(8, dtype=np.int64),
        quality=replace(
            Quality.unknown(8),
            segmented=np.array([True] * 7 + [False]),
            truncated=np.array([False] * 6 + [True] * 2),
            object_diameter_px=np.array([9.0, 9.5, 10.0, 10.0, 10.5, 11.0, 400.0, 900.0]),
        ),
    )
    assert many.size_spreads[0] == pytest.approx(0.75 / 1.349 / 10)
    assert np.isnan(many.size_spreads[1])


def test_the_hash_does_not_depend_on_how_arrays_are_stored(bank: PatchBank) -> None:
    stored = replace(
        bank,
        labels=bank.labels.astype(np.int32),
        shapes_px=np.asfortranarray(bank.shapes_px),
        centers_px=bank.centers_px.astype(">f8"),
    )
    assert content_hash(stored) == content_hash(bank)


def test_text_cannot_move_between_fields(bank: PatchBank) -> None:
    one = replace(bank, source_images=np.array(["a", "b", "c"]), annotation_ids=np.array(["d", "e", "f"]))
    other = replace(bank, source_images=np.array(["a", "b", "cd"]), annotation_ids=np.array(["", "e", "f"]))
    assert content_hash(one) != content_hash(other)


def test_a_phantom_bank_knows_its_hash(phantom_bank_dir: Any) -> None:
    bank = open_bank(phantom_bank_dir)
    assert content_hash(bank) == bank.hash
