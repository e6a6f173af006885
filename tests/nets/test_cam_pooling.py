"""Pooling of class activation maps without padding, and their place on the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthmed.errors import ModelError
from synthmed.metrics import find_peaks
from synthmed.nets.cam_pooling import align_cam, average_pool, coverage, lse_pool, pooling_named, valid_cells


@given(height=st.integers(1, 64), width=st.integers(1, 96), stride=st.sampled_from([8, 16, 32]))
def test_coverage_sums_to_the_area_of_the_image(height: int, width: int, stride: int) -> None:
    weights = coverage([(height, width)], (64 // stride, 96 // stride), stride, torch.zeros(1))
    assert weights.shape == (1, 1, 64 // stride, 96 // stride)
    assert float(weights.sum()) * stride**2 == pytest.approx(height * width, rel=1e-5)
    rows, columns = valid_cells((height, width), stride)
    assert (weights[0, 0, :rows, :columns] > 0).all() and weights[0, 0].count_nonzero() == rows * columns


def test_pooling_does_not_see_the_padding() -> None:
    cams = torch.randn(2, 3, 4, 6)
    weights = coverage([(64, 96), (40, 96)], (4, 6), 16, cams)
    changed = cams.clone()
    changed[1, :, 3:] = 1e3
    for pool in (average_pool, lse_pool):
        torch.testing.assert_close(pool(changed, weights), pool(cams, weights))
    expected = (cams[1, :, :2].sum(dim=(1, 2)) + cams[1, :, 2].sum(dim=1) / 2) / 15
    torch.testing.assert_close(average_pool(cams, weights)[1], expected)
    torch.testing.assert_close(average_pool(cams, weights)[0], cams[0].mean(dim=(1, 2)))


def test_lse_lies_between_mean_and_maximum() -> None:
    cams = torch.randn(1, 3, 4, 6)
    weights = torch.ones(1, 1, 4, 6)
    torch.testing.assert_close(lse_pool(cams, weights, 1e-3), cams.mean(dim=(2, 3)), atol=1e-3, rtol=0)
    torch.testing.assert_close(lse_pool(cams, weights, 1e3), cams.amax(dim=(2, 3)), atol=1e-2, rtol=0)
    assert (lse_pool(cams, weights, 2.0) < lse_pool(cams, weights, 4.0)).all()
    torch.testing.assert_close(lse_pool(torch.full_like(cams, 3.0), weights), torch.full((1, 3), 3.0))


@pytest.mark.parametrize(("name", "sharpness"), [("max", 1.0), ("lse", 0.0), ("avg", float("nan"))])
def test_unknown_pooling(name: str, sharpness: float) -> None:
    with pytest.raises(ModelError, match="pooling"):
        pooling_named(name, sharpness)


@pytest.mark.parametrize("img_shape", [(64, 96), (64, 72), (37, 96)])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.5])
def test_a_ramp_lies_at_its_place(img_shape: tuple[int, int], zoom: float) -> None:
    # A map that says where its cells lie in the network's input must, on the original, say where pixels do.
    rows, columns = valid_cells(img_shape, 8)
    places = torch.meshgrid((torch.arange(rows) + 0.5) * 8, (torch.arange(columns) + 0.5) * 8, indexing="ij")
    ori_shape = tuple(round(side / zoom) for side in img_shape)
    laid = align_cam(torch.stack(places), 8, img_shape, ori_shape)
    assert laid.shape == (2, *ori_shape)
    for axis, side in enumerate(ori_shape):
        expected = (np.arange(side) + 0.5) * img_shape[axis] / side
        line = laid[axis].select(1 - axis, 0)
        inside = (expected > 4) & (
            expected < img_shape[axis] // 8 * 8 - 4
        )  # else there is no second cell to interpolate with
        np.testing.assert_allclose(line[torch.from_numpy(inside)], expected[inside], rtol=1e-4)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("row", [0, 2, 5])
@pytest.mark.parametrize("column", [0, 1, 3, 7])
def test_a_bright_cell_peaks_at_its_centre(row: int, column: int, stride: int, zoom: float) -> None:
    img_shape = (6 * stride, 8 * stride)
    cam = torch.full((1, 6, 8), -1.0)
    cam[0, row, column] = 3.0
    laid = align_cam(cam, stride, img_shape, [round(side / zoom) for side in img_shape])
    peaks_px, values = find_peaks(laid[0].numpy(), threshold=0.0)
    # Between two pixels that share the maximum, rounding may choose one of them.
    expected = (np.array([[row, column]]) + 0.5) * stride / zoom
    np.testing.assert_allclose(peaks_px, expected, atol=0.5)
    assert len(values) == 1


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("cells", [1, 2, 5])
def test_nothing_rises_towards_a_dark_border(cells: int, axis: int) -> None:
    shape = [3, 3]
    shape[axis] = cells
    ramp = torch.arange(float(cells)).reshape((-1, 1) if axis == 0 else (1, -1)).expand(shape)
    side = (8 * shape[0], 8 * shape[1])
    line = align_cam(ramp[None], 8, side, side)[0].movedim(axis, 0)[:, 0]
    top = 8 * cells - 4  # the centre of the last cell
    assert (line[1:top].diff() >= -1e-5).all()
    assert (line[top:].diff() <= 1e-5).all()
