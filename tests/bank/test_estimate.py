"""Sizes of real objects from centres alone; the figures for whole datasets stand in the module itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.bank.estimate import SizeEstimate, estimate_sizes, measure_objects
from synthmed.errors import BankError
from synthmed.phantom import write_phantom
from synthmed.points import PointSet, read_points


def point_set(
    centers_px: np.ndarray, labels: list[int], shape_px: tuple[int, int], classes: int = 2
) -> PointSet:
    count = len(labels)
    return PointSet(
        classes=tuple("abcdef"[:classes]),
        images=("image.png",),
        image_shapes_px=np.array([shape_px]),
        splits=("train",),
        groups=("",),
        centers_px=np.asarray(centers_px, float).reshape(-1, 2),
        image_index=np.zeros(count, int),
        labels=np.array(labels, int),
        annotation_ids=np.arange(count).astype(str),
        edge=np.zeros(count, bool),
        sizes_px=np.full((count, 2), np.nan),
    )


def grid_of_discs(folder: Path, spacing_px: int = 60, rows: int = 6, columns: int = 8) -> PointSet:
    """Discs 20 px (even columns) and 32 px wide; those of the first column are cut by the border."""
    shape = (rows * spacing_px, columns * spacing_px)
    y, x = np.indices(shape) + 0.5
    image = np.full(shape, 200.0)
    centers, labels = [], []
    for row in range(rows):
        for column in range(columns):
            center = (row + 0.5) * spacing_px, (column + 0.5) * spacing_px if column else 8
            label = column % 2
            image[np.hypot(y - center[0], x - center[1]) < (10, 16)[label]] = 120
            centers.append(center)
            labels.append(label)
    image += np.random.default_rng(0).normal(0, 1.5, shape)
    Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8)).save(folder / "image.png")
    return point_set(np.array(centers), labels, shape)


def test_without_points_there_is_no_estimate(tmp_path: Path) -> None:
    assert estimate_sizes(point_set(np.zeros((0, 2)), [], (9, 9)), tmp_path) == {}


def test_discs_of_two_classes_are_measured(tmp_path: Path) -> None:
    points = grid_of_discs(tmp_path)
    found = estimate_sizes(points, tmp_path)
    assert found["a"].size_px == pytest.approx(20, abs=2)
    assert found["b"].size_px == pytest.approx(32, abs=2)
    assert (found["a"].count, found["b"].count) == (18, 24)  # without those that the border cuts
    assert max(found["a"].spread_px, found["b"].spread_px) < 1


def test_objects_marked_as_edge_are_left_out(tmp_path: Path) -> None:
    points = grid_of_discs(tmp_path)
    edge = points.labels == 1
    edge[1] = False
    assert estimate_sizes(replace(points, edge=edge), tmp_path)["b"].count == 1


def test_a_class_without_a_visible_object_has_no_estimate(tmp_path: Path) -> None:
    Image.new("L", (50, 40), 90).save(tmp_path / "image.png")
    found = estimate_sizes(point_set(np.array([[0.5, 0.5]]), [0], (40, 50)), tmp_path)
    assert "b" not in found
    assert "a" not in found


def test_very_large_images_are_measured_in_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = grid_of_discs(tmp_path)
    monkeypatch.setattr("synthmed.bank.estimate._LARGEST_SIDE_PX", 200)
    found = estimate_sizes(points, tmp_path)
    assert found["b"].size_px == pytest.approx(32, abs=2)
    assert 1 <= found["b"].count <= 9


def test_extents_are_not_looked_at(tmp_path: Path) -> None:
    points = grid_of_discs(tmp_path)
    boxed = replace(points, sizes_px=np.full((len(points), 2), 500.0))
    assert estimate_sizes(boxed, tmp_path) == estimate_sizes(points, tmp_path)


def test_volumes_are_refused(tmp_path: Path) -> None:
    points = grid_of_discs(tmp_path)
    volume = replace(
        points,
        centers_px=np.zeros((len(points), 3)),
        image_shapes_px=np.ones((1, 3), int),
        sizes_px=np.zeros((len(points), 3)),
    )
    with pytest.raises(BankError, match="two dimensions"):
        estimate_sizes(volume, tmp_path)


def test_an_image_without_clicks_measures_nothing() -> None:
    sides_px, trusted = measure_objects(np.zeros((20, 30, 3), np.uint8), np.zeros((0, 2)))
    assert sides_px.shape == trusted.shape == (0,)


def check_against_boxes(
    points: PointSet, found: dict[str, SizeEstimate], truth: PointSet, tolerance: float
) -> None:
    for label, name in enumerate(truth.classes):
        drawn = truth.sizes_px[(truth.labels == label) & ~truth.edge].mean()
        assert found[name].size_px == pytest.approx(drawn, rel=tolerance), name
    assert list(found) == list(points.classes)


def test_sizes_in_the_phantom(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path / "phantom", train=8, val=2, seed=5)
    clicked = read_points(folder / "points.csv", folder / "images").of_split("train")
    truth = read_points(folder / "boxes_train.json", folder / "images", classes=clicked.classes)
    check_against_boxes(clicked, estimate_sizes(clicked, folder / "images"), truth, tolerance=0.2)


@pytest.mark.parametrize(("folder", "images"), [("bccd_txl", 20), ("ldc_small", 50), ("dsb_fixture", 3)])
def test_sizes_in_real_images(shared_data: Path, folder: str, images: int) -> None:
    path = shared_data / folder
    truth = read_points(path / "boxes_train.json", path / "images")
    some = np.zeros(len(truth.images), dtype=bool)
    some[np.random.default_rng(0).permutation(len(some))[:images]] = True
    clicked = replace(truth, sizes_px=np.full_like(truth.sizes_px, np.nan)).of_images(some)
    check_against_boxes(clicked, estimate_sizes(clicked, path / "images"), truth, tolerance=0.25)
