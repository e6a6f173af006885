from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from synthmed.phantom import CLASSES, PhantomImage, simulate
from synthmed.phantom.slide import FINDINGS, draw_slide

FIELDS = 40


@pytest.fixture(scope="module")
def fields() -> list[PhantomImage]:
    return [simulate(0, index) for index in range(FIELDS)]


def _extent(mask: np.ndarray) -> list[int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [rows[0], cols[0], rows[-1] + 1, cols[-1] + 1]


def test_the_same_arguments_give_the_same_bytes() -> None:
    first, second = simulate(7, 3), simulate(7, 3)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.instance_mask.tobytes() == second.instance_mask.tobytes()
    np.testing.assert_array_equal(first.boxes_px, second.boxes_px)


@pytest.mark.parametrize("other", [(8, 3, 0), (7, 4, 0), (7, 3, 1)])
def test_seed_index_and_slide_each_change_the_field(other: tuple[int, int, int]) -> None:
    seed, index, slide = other
    assert simulate(7, 3, slide=0).image.tobytes() != simulate(seed, index, slide=slide).image.tobytes()


def test_a_field_without_objects_has_empty_truth() -> None:
    empty = simulate(0, 0, shape_px=(12, 12))
    assert len(empty.labels) == 0
    assert empty.boxes_px.shape == (0, 4)
    assert empty.centers_px.shape == (0, 2)
    assert empty.instance_mask.max() == 0


def test_truth_has_one_entry_per_object(fields: list[PhantomImage]) -> None:
    for field in fields:
        count = len(field.labels)
        assert field.boxes_px.shape == (count, 4)
        assert field.centers_px.shape == (count, 2)
        assert field.edge.shape == field.areas_px.shape == (count,)
        assert field.instance_mask.max() == count
        np.testing.assert_array_equal(field.centers_px, (field.boxes_px[:, :2] + field.boxes_px[:, 2:]) / 2)


def test_boxes_lie_inside_the_image_and_hold_their_masks(fields: list[PhantomImage]) -> None:
    free = overlapped = 0
    for field in fields:
        height, width = field.instance_mask.shape
        for k, box in enumerate(field.boxes_px):
            assert 0 <= box[0] < box[2] <= height
            assert 0 <= box[1] < box[3] <= width
            mask = field.instance_mask == k + 1
            tight = _extent(mask)
            if mask.sum() == field.areas_px[k]:
                free += 1
                assert tight == box.tolist()
            else:
                overlapped += 1
                assert tight[0] >= box[0]
                assert tight[1] >= box[1]
                assert tight[2] <= box[2]
                assert tight[3] <= box[3]
    assert overlapped < 0.06 * free


def test_no_object_is_buried_under_others(fields: list[PhantomImage]) -> None:
    for field in fields:
        visible = np.bincount(field.instance_mask.ravel(), minlength=len(field.labels) + 1)[1:]
        assert (visible >= 0.6 * field.areas_px).all()


def test_edge_is_set_just_where_the_object_reaches_the_border(fields: list[PhantomImage]) -> None:
    seen = np.zeros(2, int)
    for field in fields:
        border = np.ones(field.instance_mask.shape, bool)
        border[1:-1, 1:-1] = False
        touching = set(np.unique(field.instance_mask[border]).tolist())
        for k, edge in enumerate(field.edge):
            if (field.instance_mask == k + 1).sum() == field.areas_px[k]:
                assert bool(edge) == (k + 1 in touching)
                seen[int(edge)] += 1
    assert seen.min() > 10


def test_class_mix_varies_and_classes_are_absent_from_some_images(fields: list[PhantomImage]) -> None:
    counts = np.array([np.bincount(field.labels, minlength=len(CLASSES)) for field in fields])
    present = counts > 0
    assert ((present.mean(axis=0) > 0.3) & (present.mean(axis=0) < 0.95)).all()
    assert (counts.std(axis=0) > 2).all()
    assert counts.sum(axis=1).max() <= 60
    assert 5 < counts.sum(axis=1).mean() < 40


def test_any_two_neighbouring_slides_show_all_classes() -> None:
    for number in range(len(FINDINGS)):
        assert (draw_slide(3, number).rates + draw_slide(3, number + 1).rates > 1).all()


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_objects_differ_from_the_background(fields: list[PhantomImage], label: int) -> None:
    """Root mean square contrast within the outline, beside that of the free background next to it."""
    inside, beside = [], []
    for field in fields:
        grey = field.image.astype(float).mean(axis=2)
        free = ~binary_dilation(field.instance_mask > 0, iterations=5)
        for k in np.flatnonzero((field.labels == label) & ~field.edge):
            row0, col0, row1, col1 = field.boxes_px[k].astype(int)
            window = np.s_[max(row0 - 12, 0) : row1 + 12, max(col0 - 12, 0) : col1 + 12]
            mask, ring = field.instance_mask[window] == k + 1, free[window]
            if ring.sum() < 50:
                continue
            level = np.median(grey[window][ring])
            inside.append(np.sqrt(np.mean((grey[window][mask] / level - 1) ** 2)))
            beside.append(np.sqrt(np.median((grey[window][ring] / level - 1) ** 2)))
    assert len(inside) > 30
    assert np.median(inside) > 0.08
    assert np.percentile(inside, 5) > 3 * np.median(beside)


def test_light_is_uneven_and_differs_between_slides() -> None:
    def blocks(slide: int) -> np.ndarray:
        image = np.mean([simulate(0, k, slide=slide).image for k in range(2)], axis=0)
        corners = [image[row : row + 60, col : col + 60] for row in (0, 300) for col in (0, 210, 420)]
        return np.array([np.median(corner, axis=(0, 1)) for corner in corners])

    first, second = blocks(0), blocks(2)
    assert np.ptp(first.mean(axis=1)) > 5
    assert np.ptp(second.mean(axis=1)) > 5
    relative = first / first.mean(axis=0) - second / second.mean(axis=0)
    assert np.abs(relative).max() > 0.02


def test_shape_is_free() -> None:
    field = simulate(1, 0, shape_px=(120, 200))
    assert field.image.shape == (120, 200, 3)
    assert field.instance_mask.shape == (120, 200)
