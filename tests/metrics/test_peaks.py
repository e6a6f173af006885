from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthmed.metrics.peaks import find_peaks

# Few distinct values, so that plateaus and shoulders are common.
MAPS = arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 3))


@pytest.mark.parametrize(
    ("cam", "centers", "values"),
    [
        pytest.param(np.zeros((4, 5)), [], [], id="flat"),
        pytest.param(np.full((4, 5), 7.0), [], [], id="flat and high"),
        pytest.param([[0, 0], [0, 5]], [(1.5, 1.5)], [5], id="in a corner"),
        pytest.param([[1, 1, 0], [1, 1, 0], [0, 0, 0]], [(1.0, 1.0)], [1], id="plateau"),
        pytest.param([[0, 1, 1, 2, 0]], [(0.5, 3.5)], [2], id="shoulder"),
        pytest.param([[2, 1, 1, 1, 2]], [(0.5, 0.5), (0.5, 4.5)], [2, 2], id="equal peaks by position"),
        pytest.param([[0, 3, 0, 5, 0]], [(0.5, 3.5), (0.5, 1.5)], [5, 3], id="highest first"),
        pytest.param([[-5, -1, -5]], [(0.5, 1.5)], [-1], id="below zero"),
        pytest.param([[[0, 0], [0, 0]], [[0, 9], [0, 0]]], [(1.5, 0.5, 1.5)], [9], id="three axes"),
    ],
)
def test_find_peaks(cam: object, centers: object, values: object) -> None:
    found, heights = find_peaks(cam)  # type: ignore[arg-type]
    assert [tuple(row) for row in found.tolist()] == centers
    assert heights.tolist() == values


def regional_maxima(cam: np.ndarray) -> set[tuple[tuple[float, float], int]]:
    """Flood every plateau by hand; it is a peak where nothing beside it is higher."""
    seen, peaks = set(), set()
    for start in np.ndindex(*cam.shape):
        if start in seen:
            continue
        plateau, queue, is_top = {start}, [start], True
        while queue:
            row, column = queue.pop()
            for r in range(max(row - 1, 0), min(row + 2, cam.shape[0])):
                for c in range(max(column - 1, 0), min(column + 2, cam.shape[1])):
                    is_top &= bool(cam[r, c] <= cam[start])
                    if cam[r, c] == cam[start] and (r, c) not in plateau:
                        plateau.add((r, c))
                        queue.append((r, c))
        seen |= plateau
        if is_top and cam.min() != cam.max():
            center = np.array(sorted(plateau)).mean(axis=0) + 0.5
            peaks.add(((round(center[0], 6), round(center[1], 6)), int(cam[start])))
    return peaks


@given(MAPS)
def test_peaks_are_the_plateaus_with_nothing_higher_beside(cam: np.ndarray) -> None:
    centers, values = find_peaks(cam)
    found = {((round(r, 6), round(c, 6)), int(v)) for (r, c), v in zip(centers, values, strict=True)}
    assert found == regional_maxima(cam)


@given(MAPS, st.sampled_from([1.0, 1.5, 2.0, 3.5]))
def test_peaks_keep_their_distance(cam: np.ndarray, distance: float) -> None:
    every, heights = find_peaks(cam)
    kept: list[int] = []
    for i in range(len(every)):
        if all(np.hypot(*(every[i] - every[k])) >= distance for k in kept):
            kept.append(i)
    centers, values = find_peaks(cam, distance)
    assert centers.tolist() == every[kept].tolist()
    assert values.tolist() == heights[kept].tolist()


@given(MAPS, st.integers(0, 3))
def test_a_threshold_takes_the_lowest_peaks_away(cam: np.ndarray, threshold: int) -> None:
    centers, values = find_peaks(cam, 2.0)
    higher, _ = find_peaks(cam, 2.0, threshold)
    assert higher.tolist() == centers[values >= threshold].tolist()


def test_a_map_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        find_peaks([[0.0, np.nan]])
