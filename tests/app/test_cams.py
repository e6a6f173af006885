import numpy as np
import pytest
from PIL import Image

from synthmed.app.cams import (
    RAW_FOLDER,
    SHOWN_FOLDER,
    Scale,
    Spool,
    heat_in_boxes,
    peaks_of,
    raw_file,
    write_maps,
)
from synthmed.app.results import ClassifierOutput
from synthmed.errors import ModelError
from synthmed.metrics.predictions import NOTHING_FOUND, Detections
from synthmed.metrics.raw_maps import read_raw


def _output(*maps):
    classes = tuple(f"class {number}" for number in range(maps[0].shape[0] if maps else 1))
    scores = np.full(len(classes), 0.5)
    return ClassifierOutput(classes, [(index, scores, cams) for index, cams in enumerate(maps)])


def _heats(tmp_path, *maps, scale=None):
    spool = Spool(tmp_path / "raw", [f"image {number}" for number in range(len(maps))])
    spool.fill(_output(*maps), [cams.shape[1:] for cams in maps])
    scale = scale or spool.scale()
    return scale, {index: scale.heat(raw) for index, _, raw in spool.maps()}


def test_no_maps(tmp_path):
    assert _heats(tmp_path) == (Scale(0.0, 1.0), {})


def test_one_scale_for_all_images_and_classes(tmp_path):
    hot, cold = np.zeros((2, 4, 4), dtype=np.float32), np.full((2, 4, 4), -3, dtype=np.float32)
    hot[0, 1, 1], hot[1, 2, 2], cold[0, 0, 0] = 8, 2, 4
    scale, heat = _heats(tmp_path, hot, cold)
    assert scale == Scale(-1.5, 5.0)
    assert (heat[0][0, 1, 1], heat[0][1, 2, 2], heat[1][0, 0, 0]) == pytest.approx((1.6, 0.4, 0.8))
    assert heat[1][1].max() == 0


def test_without_evidence_everything_is_cold(tmp_path):
    scale, heat = _heats(tmp_path, np.full((1, 3, 3), -1.0))
    assert scale == Scale(-1.0, 1.0)
    assert not heat[0].any()


def test_values_of_any_size_are_kept(tmp_path):
    values = np.array([[[1e6, 5e5], [1e3, 0]]])
    _, heat = _heats(tmp_path, values)
    np.testing.assert_allclose(heat[0], values / 1e6, rtol=1e-6)


def test_a_given_scale_is_used(tmp_path):
    _, heat = _heats(tmp_path, np.array([[[4.0]]]), scale=Scale(0.0, 2.0))
    assert heat[0] == 2.0


@pytest.mark.parametrize("cams", [np.full((1, 2, 2), np.nan), np.zeros((2, 2, 2)), np.zeros((1, 2, 3))])
def test_maps_that_do_not_fit(tmp_path, cams):
    output = ClassifierOutput(("a",), [(0, np.zeros(1), cams)])
    with pytest.raises(ModelError, match="do not fit"):
        Spool(tmp_path / "raw", ["a"]).fill(output, [(2, 2)])


def test_files_hold_the_scale_in_256_steps(tmp_path):
    grey = Scale(-2.0, 2.0).grey(np.array([[[-3, -2, -1, 0], [1, 2, 3, 0.5]]], dtype=np.float32))
    assert grey.tolist() == [[[0, 0, 64, 128], [191, 255, 255, 159]]]
    (path,) = write_maps(tmp_path, "name", ["Living Cell"], grey)
    assert path.relative_to(tmp_path).as_posix() == "00_living_cell/name.png"
    np.testing.assert_array_equal(np.asarray(Image.open(path)), grey[0])


def test_raw_values_stand_beside_what_is_shown(tmp_path):
    cams = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    spool = Spool(tmp_path / RAW_FOLDER, ["name"])
    spool.fill(_output(cams), [(5, 7)])
    for path in write_maps(tmp_path / SHOWN_FOLDER, "name", ["a", "b"], spool.scale().grey(cams)):
        np.testing.assert_array_equal(read_raw(raw_file(path)), cams)


def test_peaks():
    heat = np.zeros((2, 20, 20), dtype=np.float32)
    heat[0, 5, 5], heat[0, 5, 7], heat[0, 15, 15], heat[1, 3, 3] = 0.9, 0.8, 0.05, 2.0
    places, heights, labels = peaks_of(["a", "b"], heat, 0.1, {"a": 4.0})
    assert places.tolist() == [[5.5, 5.5], [3.5, 3.5]]
    np.testing.assert_allclose(heights, [0.9, 1.0])
    assert labels.tolist() == [0, 1]
    assert [len(column) for column in peaks_of([], heat[:0], 0.1, {})] == [0, 0, 0]


def test_heat_in_boxes():
    heat = np.zeros((1, 10, 10), dtype=np.float32)
    heat[0, 2, 3] = 0.6
    boxes_px = np.array([[2, 3, 3, 4], [0, 0, 2.5, 3.5], [5, 5, 9, 9], [9.5, 9.5, 9.9, 9.9]])
    boxes = Detections(boxes_px, np.ones(4), np.array([0, 0, 0, 1]))
    found = heat_in_boxes(heat, ["a"], boxes, ["a", "unknown"])
    np.testing.assert_allclose(found, [0.6, 0.6, 0, np.nan])
    assert len(heat_in_boxes(heat, ["a"], NOTHING_FOUND, [])) == 0
