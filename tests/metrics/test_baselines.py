from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthmed.metrics.baselines import center_gaussian, random_detections, uniform_map
from synthmed.metrics.boxes import boxes_at
from synthmed.metrics.cam import CamEvaluator
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]


@pytest.mark.parametrize(
    ("shape", "maxima"),
    [((5, 7), [(2, 3)]), ((4, 6), [(1, 2), (1, 3), (2, 2), (2, 3)]), ((3, 5, 7), [(1, 2, 3)])],
)
def test_the_bell_stands_in_the_middle(shape: tuple[int, ...], maxima: list[tuple[int, ...]]) -> None:
    cam = center_gaussian(shape)
    assert cam.shape == shape
    assert [tuple(p) for p in np.argwhere(cam == cam.max()).tolist()] == maxima
    np.testing.assert_array_equal(cam, np.flip(cam))


def test_the_bell_has_the_width_that_it_says() -> None:
    cam = center_gaussian((401, 201), sigma=0.1)
    assert cam[200 + 40, 100] == pytest.approx(np.exp(-0.5), rel=0.01)
    assert cam[200, 100 + 20] == pytest.approx(np.exp(-0.5), rel=0.01)


def test_baseline_maps_score_what_they_must() -> None:
    boxes, centers = boxes_at([[20.0, 30.0]], 20), np.array([[20.0, 30.0]])
    uniform, bell = CamEvaluator(["a"], [20]), CamEvaluator(["a"], [20])
    uniform.add(uniform_map((40, 60))[None], boxes, centers, [0], [False])
    bell.add(center_gaussian((40, 60))[None], boxes, centers, [0], [False])
    area = 400 / 2400
    flat, peaked = uniform.report([0.5]), bell.report([0.5])
    assert flat.peaks is not None
    assert peaked.peaks is not None
    assert flat.pointing_game[0] == pytest.approx(area)
    assert flat.energy_share[0] == pytest.approx(area)
    assert flat.energy_gain[0] == pytest.approx(1)
    assert flat.px_ap[0] == pytest.approx(area)
    assert flat.peaks.f1[0] == 0
    assert peaked.pointing_game[0] == 1
    assert peaked.peaks.f1[0] == 1
    assert peaked.energy_gain[0] > 1.5


@pytest.mark.parametrize("classes", [1, 3])
def test_random_detections_on_no_train_image_are_none(points: Make, classes: int) -> None:
    names = tuple("abc"[:classes])
    found = random_detections(points([], classes=names, images=0), points([], classes=names), [4.0] * classes)
    assert len(found) == 0


def test_random_detections_keep_the_mean_counts(points: Make) -> None:
    box = (10, 10, 20, 20)
    train = points([(0, 0, *box)] * 5 + [(1, 1, *box)], images=2)
    truth = points([], images=400, shape_px=(50, 80))
    found = random_detections(train, truth, [10.0, 6.0])
    counts = np.zeros((400, 2), dtype=int)
    np.add.at(counts, (found.image_index, found.labels), 1)
    assert set(counts[:, 0].tolist()) == {2, 3}
    assert set(counts[:, 1].tolist()) == {0, 1}
    np.testing.assert_allclose(counts.mean(axis=0), [2.5, 0.5], atol=0.1)
    sides = found.boxes_px[:, 2:] - found.boxes_px[:, :2]
    np.testing.assert_allclose(sides, np.array([10.0, 6.0])[found.labels][:, None].repeat(2, 1))
    assert (found.boxes_px >= 0).all()
    assert (found.boxes_px[:, 2:] <= [50, 80]).all()
    assert found.boxes_px[:, 0].max() > 40
    np.testing.assert_array_equal(found.scores, 1)


def test_random_detections_follow_the_seed(points: Make) -> None:
    train, truth = points([(0, 0, 1, 1, 5, 5)], images=1), points([], images=3)
    first, again, other = (random_detections(train, truth, [4, 4], seed=seed).boxes_px for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_object_larger_than_the_image_stands_in_its_middle(points: Make) -> None:
    train, truth = points([(0, 0, 1, 1, 5, 5)], images=1), points([], images=1, shape_px=(10, 40))
    found = random_detections(train, truth, [20, 20])
    assert found.centers_px[0, 0] == 5
    assert 10 <= found.centers_px[0, 1] <= 30
