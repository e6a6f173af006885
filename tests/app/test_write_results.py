from dataclasses import replace

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from synthmed.app.cams import Scale
from synthmed.app.read_points import read_points
from synthmed.app.results import ClassifierOutput, DetectorOutput, collect_boxes
from synthmed.app.runs import delete_run
from synthmed.app.stored_results import iter_maps, read_predictions, read_scores
from synthmed.app.targets import find_targets
from synthmed.app.write_results import ResultOptions, write_results
from synthmed.errors import DatasetError, ModelError, ProblemLog
from synthmed.metrics import Detections
from synthmed.metrics.raw_maps import write_raw
from tests.app.conftest import as_classifier, as_detector, snapshot


@pytest.fixture
def truth(imported):
    """The boxes that stand in the dataset."""
    return read_points(imported, "ground_truth", check_images=False)


def test_boxes_come_back(imported, truth):
    run = write_results(find_targets(imported), as_detector(truth.points))
    found, ids = read_predictions(imported, "predictions", truth)
    np.testing.assert_allclose(found.boxes_px, np.clip(truth.points.boxes_px(), 0, None), atol=1e-3)
    np.testing.assert_array_equal(found.labels, truth.points.labels)
    assert set(found.scores) == {0.9}
    assert len(set(ids)) == len(found) == run.summary["boxes"]


def test_maps_stand_in_a_field_per_class(imported, truth):
    run = write_results(find_targets(imported), None, as_classifier(truth.points))
    fields = run.summary["map_fields"]
    assert fields == {"Bacteria": "cam_bacteria", "RBC": "cam_rbc", "WBC": "cam_wbc"}
    assert run.summary["cam_scale"]["raw_at_255"] == pytest.approx(4.0, abs=0.3)
    expected = list(as_classifier(truth.points).images)
    stored = dict(iter_maps(imported, fields, truth))
    for index, scores, cams in expected:
        np.testing.assert_array_equal(stored[index], cams)
        own = read_scores(imported, "cam_scores", truth, truth.points.classes)[index]
        np.testing.assert_allclose(own, scores, rtol=1e-5)
    heatmap = imported.first().cam_rbc
    assert heatmap.range == [0, 255]
    assert np.asarray(Image.open(heatmap.map_path)).dtype == np.uint8


def test_every_object_has_its_peak_and_the_two_agree(imported, truth):
    targets = find_targets(imported)
    write_results(targets, as_detector(truth.points), as_classifier(truth.points))
    assert max(imported.values("cam_disagreement")) == 0
    for sample in imported:
        peaks = sample.cam_peaks.keypoints
        assert all(0.1 <= peak.confidence[0] <= 1 and peak.boxed for peak in peaks)
        assert {peak.label for peak in peaks} == {box.label for box in sample.predictions.detections}
        assert all(box.heat > 0.6 for box in sample.predictions.detections)


def test_without_boxes_every_peak_disagrees(imported, truth):
    nothing = DetectorOutput(truth.points.classes, [])
    write_results(find_targets(imported), nothing, as_classifier(truth.points))
    present = truth.points.counts().sum(axis=1) > 0
    assert imported.values("cam_disagreement") == present.astype(float).tolist()


def test_images_without_any_finding_are_stored_too(imported, truth):
    write_results(find_targets(imported), DetectorOutput(("RBC",), []))
    assert all(label.detections == [] for label in imported.values("predictions"))


def test_progress_goes_once_from_none_to_all(imported, truth):
    seen = []
    targets = find_targets(imported)
    write_results(
        targets,
        as_detector(truth.points),
        as_classifier(truth.points),
        progress=lambda *step: seen.append(step),
    )
    assert seen == [(step, 3 * len(targets)) for step in range(1, 3 * len(targets) + 1)]


def test_boxes_below_the_threshold_or_without_area_are_not_stored():
    images = [
        (
            0,
            Detections(
                np.array([[0, 0, 5, 5], [0, 0, 5, 5], [2, 2, 2, 9]]),
                np.array([0.9, 0.01, 0.9]),
                np.zeros(3, int),
            ),
        )
    ]
    (kept,) = collect_boxes(DetectorOutput(("a",), images), ((10, 10),), 0.05)
    assert kept.scores.tolist() == [0.9]


def test_boxes_are_clipped_to_their_image():
    images = [(0, Detections(np.array([[-5, -5, 5, 50]]), np.array([0.9]), np.zeros(1, int)))]
    (kept,) = collect_boxes(DetectorOutput(("a",), images), ((10, 20),), 0.05)
    assert kept.boxes_px.tolist() == [[0, 0, 5, 20]]


def test_undoing_leaves_the_dataset_as_before(imported, truth):
    before = snapshot(imported)
    run = write_results(find_targets(imported), as_detector(truth.points), as_classifier(truth.points))
    gone = delete_run(imported, run.key)
    assert gone.files == 4 * len(imported)
    assert not run.folder.exists()
    assert snapshot(imported) == before


def test_two_runs_stand_side_by_side(imported, truth):
    targets = find_targets(imported)
    first = write_results(targets, as_detector(truth.points), as_classifier(truth.points))
    with pytest.raises(DatasetError, match="exists already"):
        write_results(targets, as_detector(truth.points))
    options = ResultOptions(predictions_field="predictions_b", cam_prefix="cam_b")
    write_results(targets, as_detector(truth.points), as_classifier(truth.points), options=options)
    delete_run(imported, first.key)
    assert imported.has_field("predictions_b") and imported.has_field("cam_b_rbc")
    assert not imported.has_field("cam_rbc")


def test_a_given_scale_is_noted(imported, truth):
    options = ResultOptions(scale=Scale(0.0, 8.0))
    run = write_results(find_targets(imported), None, as_classifier(truth.points), options=options)
    assert run.summary["cam_scale"]["raw_at_255"] == 8.0
    shown = [np.asarray(Image.open(imported.first()[name].map_path)) for name in ("cam_rbc", "cam_wbc")]
    assert int(np.max(shown)) == pytest.approx(127, abs=12)


@pytest.mark.parametrize("content", [None, b"not an archive", b"PK\x03\x04 cut off"])
def test_raw_maps_that_are_gone_are_told(imported, truth, content):
    run = write_results(find_targets(imported), None, as_classifier(truth.points))
    raw = next((run.folder / "raw").iterdir())
    raw.unlink()
    if content is not None:
        raw.write_bytes(content)
    with pytest.raises(DatasetError, match="raw maps of an image cannot be read"):
        list(iter_maps(imported, run.summary["map_fields"], truth))


def test_raw_maps_of_another_size_are_told(imported, truth):
    run = write_results(find_targets(imported), None, as_classifier(truth.points))
    write_raw(next((run.folder / "raw").iterdir()), np.zeros((3, 5, 5)))
    with pytest.raises(DatasetError, match=r"shape is \(3, 5, 5\) instead of"):
        list(iter_maps(imported, run.summary["map_fields"], truth))


def test_maps_at_a_place_of_no_run_are_told(imported, truth):
    fields = write_results(find_targets(imported), None, as_classifier(truth.points)).summary["map_fields"]
    sample = imported.first()
    sample[next(iter(fields.values()))].map_path = "/map.png"
    sample.save()
    with pytest.raises(DatasetError, match="not a map of a run"):
        list(iter_maps(imported, fields, truth))


def test_maps_that_do_not_fit_leave_nothing_behind(imported, truth):
    before = snapshot(imported)
    broken = ClassifierOutput(("a",), [(0, np.zeros(1), np.zeros((1, 2, 2)))])
    with pytest.raises(ModelError):
        write_results(find_targets(imported), None, broken)
    assert snapshot(imported) == before


def test_nothing_to_store(imported):
    with pytest.raises(DatasetError, match="no results"):
        write_results(find_targets(imported))


def test_targets_leave_out_what_cannot_be_read(imported, tmp_path):
    imported.add_samples([fo.Sample(str(tmp_path / "gone.png"))], progress=False)
    log = ProblemLog()
    assert len(find_targets(imported, log=log)) == len(imported) - 1
    assert len(log.problems) == 1


def test_there_must_be_a_target(dataset):
    with pytest.raises(DatasetError, match="no image"):
        find_targets(dataset)


def test_a_view_can_be_the_target(imported, truth):
    view = imported.match({"split": "val"})
    val = truth.points.of_split("val")
    write_results(find_targets(view), as_detector(val))
    assert len(imported.exists("predictions")) == len(val.images) == len(view)


def test_classes_with_like_names_have_fields_of_their_own(imported, truth):
    names = ("RBC", "rbc", "peaks")
    output = replace(as_classifier(truth.points), classes=names)
    run = write_results(find_targets(imported), None, output)
    assert len({*run.summary["map_fields"].values(), "cam_peaks", "cam_scores"}) == 5
