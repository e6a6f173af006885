"""Anchors from sizes and from banks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from synthmed.bank import open_bank
from synthmed.errors import ModelError
from synthmed.nets.anchors import anchors_from_bank, iou_kmeans, shape_iou


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.zeros((0, 2)), np.ones((2, 2)), np.zeros((0, 2))),
        ([[4, 4]], [[4, 4]], [[1.0]]),
        ([[4, 4]], [[2, 8]], [[8 / 24]]),
        ([[10, 20]], [[5, 5], [20, 40]], [[25 / 200, 200 / 800]]),
    ],
)
def test_shape_iou(first: object, second: object, expected: object) -> None:
    np.testing.assert_allclose(shape_iou(np.array(first, float), np.array(second, float)), expected)


def test_clear_clusters_are_found() -> None:
    rng = np.random.default_rng(1)
    true = np.array([[10.0, 10.0], [20.0, 60.0], [100.0, 90.0]])
    sizes = np.concatenate([size * rng.uniform(0.97, 1.03, (50, 2)) for size in true])
    anchors = iou_kmeans(sizes, 3)
    np.testing.assert_allclose(anchors.sizes_px, true, rtol=0.03)
    assert anchors.average_iou == pytest.approx(shape_iou(sizes, anchors.sizes_px).max(axis=1).mean())
    assert anchors.average_iou > 0.95


def test_clusters_stand_at_medians() -> None:
    sizes = np.array([[10.0, 10.0], [11.0, 11.0], [19.0, 19.0]])
    np.testing.assert_allclose(iou_kmeans(sizes, 1).sizes_px, [[11.0, 11.0]])


def test_weights_count_like_repetition() -> None:
    sizes = np.array([[10.0, 10.0], [30.0, 30.0]])
    weighted = iou_kmeans(sizes, 1, weights=np.array([1.0, 5.0]))
    repeated = iou_kmeans(np.repeat(sizes, [1, 5], axis=0), 1)
    np.testing.assert_allclose(weighted.sizes_px, repeated.sizes_px)
    assert weighted.average_iou == pytest.approx(repeated.average_iou)


def test_more_anchors_and_restarts_never_fit_worse() -> None:
    sizes = np.random.default_rng(0).uniform(5, 100, (300, 2))
    fits = [iou_kmeans(sizes, k, restarts=20).average_iou for k in (1, 2, 5, 9)]
    assert fits == sorted(fits) and fits[-1] < 1
    once, often = (iou_kmeans(sizes, 5, restarts=count, seed=3).average_iou for count in (1, 20))
    assert often >= once


def test_the_same_seed_gives_the_same_anchors() -> None:
    sizes = np.random.default_rng(0).uniform(5, 100, (100, 2))
    np.testing.assert_array_equal(
        iou_kmeans(sizes, 4, seed=7).sizes_px, iou_kmeans(sizes, 4, seed=7).sizes_px
    )


def test_fewer_sizes_than_anchors() -> None:
    anchors = iou_kmeans(np.array([[9.0, 9.0], [5.0, 5.0], [9.0, 9.0]]), 5)
    np.testing.assert_array_equal(anchors.sizes_px, [[5.0, 5.0], [9.0, 9.0]])
    assert anchors.average_iou == 1


@pytest.mark.parametrize(
    ("sizes", "k"), [(np.zeros((0, 2)), 3), (np.ones((3, 2)), 0), ([[0.0, 4.0]], 1), ([[np.nan, 4.0]], 1)]
)
def test_unusable_sizes(sizes: object, k: int) -> None:
    with pytest.raises(ModelError, match="anchors need"):
        iou_kmeans(np.asarray(sizes, float), k)


def test_a_rare_class_gets_its_anchor() -> None:
    rng = np.random.default_rng(0)
    common, rare = rng.integers(95, 111, (2000, 2)), rng.integers(20, 23, (5, 2))
    bank = SimpleNamespace(
        classes=("RBC", "Platelet", "never seen"),
        shapes_px=np.concatenate([common, rare]),
        labels=np.repeat([0, 1], [2000, 5]),
    )
    anchors = anchors_from_bank(bank, scale=0.5, k=2)
    np.testing.assert_allclose(anchors.sizes_px, [[10.5, 10.5], [51.5, 51.5]], atol=1.5)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_average_iou_is_that_of_the_patches_with_their_best_anchor(bank_dir: Path, scale: float) -> None:
    bank = open_bank(bank_dir)
    fits = []
    for restarts in (1, 10):
        anchors = anchors_from_bank(bank, scale, 3, restarts=restarts)
        best = []
        for height, width in np.asarray(bank.shapes_px) * scale:
            common = [min(height, h) * min(width, w) for h, w in anchors.sizes_px]
            union = [
                height * width + h * w - both for (h, w), both in zip(anchors.sizes_px, common, strict=True)
            ]
            best.append(max(np.divide(common, union)))
        per_class = [np.mean(np.array(best)[np.asarray(bank.labels) == label]) for label in range(3)]
        assert anchors.average_iou == pytest.approx(np.mean(per_class))
        fits.append(anchors.average_iou)
    assert fits[0] <= fits[1]
