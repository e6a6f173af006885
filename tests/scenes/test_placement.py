from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.scenes import PlacementRecipe
from synthmed.scenes.placement import draw_positions

sizes_px = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=25)


def placed_boxes(
    placement: PlacementRecipe, sizes: list[tuple[int, int]], canvas: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes ``(M, 4)`` and whether each was placed."""
    array = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    centers, placed = draw_positions(placement, array, canvas, np.random.default_rng(seed))
    return np.hstack([centers - array / 2, centers + array / 2]), placed


@given(
    sizes_px,
    st.tuples(st.integers(8, 90), st.integers(8, 90)),
    st.sampled_from([0.0, 0.1, 0.25, 0.9, 1.0]),
    st.sampled_from([0.0, 0.2, 0.5, 0.95]),
    st.integers(0, 3),
)
def test_limits_hold(
    sizes: list[tuple[int, int]],
    canvas: tuple[int, int],
    max_overlap: float,
    max_truncation: float,
    seed: int,
) -> None:
    placement = PlacementRecipe(max_overlap=max_overlap, max_truncation=max_truncation)
    boxes, placed = placed_boxes(placement, sizes, canvas, seed)
    assert np.array_equal(boxes, np.rint(boxes))
    boxes = boxes[placed]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)

    clipped = np.clip(boxes, 0, np.array(canvas * 2))
    shown = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    assert (shown >= (1 - max_truncation) * areas - 1e-9).all()
    assert (shown > 0).all()

    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    common[np.diag_indices(len(boxes))] = 0
    assert (common <= max_overlap * np.minimum(areas[:, None], areas[None]) + 1e-9).all()


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
    _, placed = placed_boxes(placement, [(10, 10)] * 50, (40, 40), 0)
    assert 8 <= placed.sum() <= 16


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
