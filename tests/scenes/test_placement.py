from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.scenes import PlacementRecipe
from synthmed.scenes.placement import Boxes, draw_positions, settle_positions

sizes_px = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=25)


def placed_boxes(
    placement: PlacementRecipe, sizes: list[tuple[int, int]], canvas: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes ``(M, 4)`` and whether each was placed."""
    array = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    centers, placed = draw_positions(placement, array, canvas, np.random.default_rng(seed))
    return np.hstack([centers - array / 2, centers + array / 2]), placed


def assert_within_limits(boxes: np.ndarray, canvas: tuple[int, int], placement: PlacementRecipe) -> None:
    """By numpy, for boxes ``(M, 4)`` that were placed."""
    assert np.array_equal(boxes, np.rint(boxes))
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    clipped = np.clip(boxes, 0, np.array(canvas * 2))
    shown = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    assert (shown >= (1 - placement.max_truncation) * areas - 1e-9).all()
    assert (shown > 0).all()

    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    common[np.diag_indices(len(boxes))] = 0
    if placement.overlap == "visible":
        # Whatever is painted over whatever.
        assert (common.sum(axis=1) <= placement.max_overlap * areas + 1e-9).all()
        return
    whole = np.minimum(areas[:, None], areas[None])
    if placement.overlap == "iou":
        whole = areas[:, None] + areas[None] - common
    assert (common <= placement.max_overlap * whole + 1e-9).all()


@given(
    sizes_px,
    st.tuples(st.integers(8, 90), st.integers(8, 90)),
    st.sampled_from(["smaller", "iou", "visible"]),
    st.sampled_from([0.0, 0.1, 0.25, 0.9, 1.0]),
    st.sampled_from([0.0, 0.2, 0.5, 0.95]),
    st.integers(0, 3),
    st.sampled_from([0.0, 3.0, 30.0, np.nan]),
)
def test_limits_hold(
    sizes: list[tuple[int, int]],
    canvas: tuple[int, int],
    overlap: str,
    max_overlap: float,
    max_truncation: float,
    seed: int,
    wish: float,
) -> None:
    placement = PlacementRecipe.model_validate(
        {"overlap": overlap, "max_overlap": max_overlap, "max_truncation": max_truncation}
    )
    boxes, placed = placed_boxes(placement, sizes, canvas, seed)
    boxes = boxes[placed]
    assert_within_limits(boxes, canvas, placement)

    array = np.array(sizes, dtype=np.int64).reshape(-1, 2)[placed]
    wishes, rng = np.full(len(boxes), wish), np.random.default_rng(seed)
    centers = settle_positions(placement, array, boxes[:, :2] + array / 2, wishes, canvas, rng)
    assert_within_limits(np.hstack([centers - array / 2, centers + array / 2]), canvas, placement)

    free, found = draw_positions(placement, array, canvas, rng, Boxes(centers, array))
    both = np.concatenate([array, array[found]])
    middles = np.concatenate([centers, free[found]])
    assert_within_limits(np.hstack([middles - both / 2, middles + both / 2]), canvas, placement)


def test_what_an_overlap_is_a_share_of() -> None:
    """A box of 10 x 10 beside others of 10 x 10: how far it may reach into them."""
    one = Boxes(np.array([[5.0, 5.0]]), np.array([[10, 10]]))
    size = np.array([[10, 10]])
    # Six of ten columns are an IoU of 60 / 140, seven one of 70 / 130.
    for overlap, most in {"smaller": 5, "iou": 6, "visible": 5}.items():
        placement = PlacementRecipe.model_validate(
            {"overlap": overlap, "max_overlap": 0.5, "max_truncation": 0, "tries": 256}
        )
        columns = set()
        for seed in range(20):
            centers, placed = draw_positions(placement, size, (10, 20), np.random.default_rng(seed), one)
            assert placed[0]
            columns.add(int(centers[0, 1]) - 5)
        assert min(columns) == 10 - most


def test_an_object_loses_no_more_than_its_share_to_all_others_together() -> None:
    """Four small boxes would each take a quarter of a large one: one of them may, where half may be lost."""
    large = Boxes(np.array([[10.0, 10.0]]), np.array([[20, 20]]))
    small = np.full((4, 2), 10)
    kept = {}
    for overlap in ("smaller", "visible"):
        placement = PlacementRecipe.model_validate(
            {"overlap": overlap, "max_overlap": 1 if overlap == "smaller" else 0.25, "max_truncation": 0}
        )
        kept[overlap] = draw_positions(placement, small, (20, 20), np.random.default_rng(0), large)[1].sum()
    assert kept == {"smaller": 4, "visible": 0}


def test_settled_boxes_are_as_far_apart_as_wished() -> None:
    placement = PlacementRecipe(max_overlap=0, max_truncation=0, tries=256)
    sizes, rng = np.full((30, 2), 4), np.random.default_rng(0)
    centers, placed = draw_positions(placement, sizes, (300, 300), rng)
    assert placed.all()
    wishes = np.repeat([6.0, 40.0], 15)
    settled = settle_positions(placement, sizes, centers, wishes, (300, 300), rng)
    errors = []
    for places in (centers, settled):
        away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
        away[np.diag_indices(30)] = np.inf
        errors.append(np.abs(away.min(axis=1) - wishes).mean())
    assert errors[1] < errors[0] / 4


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_neighbour_nothing_settles(count: int) -> None:
    sizes = np.full((count, 2), 4)
    centers = np.full((count, 2), 7.0)
    settled = settle_positions(
        PlacementRecipe(), sizes, centers, np.full(count, 5.0), (20, 20), np.random.default_rng(0)
    )
    assert np.array_equal(settled, centers)


@pytest.mark.parametrize(
    ("size", "max_truncation", "fits"),
    [
        ((20, 20), 0.0, True),
        ((21, 20), 0.0, False),
        ((20, 41), 0.0, False),
        # At 0.75 half of each side has to be inside.
        ((40, 80), 0.75, True),
        ((41, 80), 0.75, False),
        ((40, 82), 0.75, False),
    ],
)
def test_boxes_that_are_larger_than_the_canvas(
    size: tuple[int, int], max_truncation: float, fits: bool
) -> None:
    placement = PlacementRecipe(max_truncation=max_truncation)
    _, placed = placed_boxes(placement, [size], (20, 40), 0)
    assert placed.tolist() == [fits]


def test_every_position_is_equally_likely() -> None:
    placement = PlacementRecipe(max_truncation=0)
    corners = np.array([placed_boxes(placement, [(3, 2)], (6, 8), seed)[0][0, :2] for seed in range(2800)])
    found = np.unique(corners, axis=0, return_counts=True)
    assert found[0].tolist() == [[row, column] for row in range(4) for column in range(7)]
    # Each of the 28 positions is expected 100 times, with a deviation of 10.
    assert 55 < found[1].min() and found[1].max() < 145


def test_a_crowd_is_placed_as_far_as_it_fits() -> None:
    placement = PlacementRecipe(max_overlap=0, max_truncation=0, tries=256)
    counts = [placed_boxes(placement, [(10, 10)] * 50, (40, 40), seed)[1].sum() for seed in range(20)]
    assert 5 <= min(counts) and max(counts) <= 16
    assert 7.5 <= np.mean(counts) <= 9


def test_the_largest_go_first() -> None:
    placement = PlacementRecipe(max_overlap=0, max_truncation=0)
    for seed in range(10):
        _, placed = placed_boxes(placement, [(2, 2)] * 30 + [(19, 19)], (20, 20), seed)
        assert placed[-1]


def test_no_boxes() -> None:
    centers, placed = draw_positions(
        PlacementRecipe(), np.zeros((0, 2), dtype=np.int64), (20, 20), np.random.default_rng(0)
    )
    assert centers.shape == (0, 2) and placed.shape == (0,)
