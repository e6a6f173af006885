from dataclasses import replace

import numpy as np
import pytest

from synthmed.app.evaluate import evaluate
from synthmed.app.read_points import read_points
from synthmed.app.runs import delete_run, get_run
from synthmed.app.targets import find_targets
from synthmed.app.write_results import write_results
from synthmed.errors import DatasetError
from synthmed.metrics import Detections, Predictions, RunReport, detector_figures
from tests.app.conftest import as_classifier, as_detector, snapshot


@pytest.fixture
def truth(imported):
    """The boxes that stand in the dataset."""
    return read_points(imported, "ground_truth", check_images=False).points


def _report(run):
    return RunReport.from_dict(run.summary["report"])


def test_perfect_results(imported, truth):
    results = write_results(find_targets(imported), as_detector(truth), as_classifier(truth))
    run = evaluate(imported, results.key)
    overall = _report(get_run(imported, run.key)).overall
    assert overall.detector.f1_iou == overall.detector.f1_center == 1
    assert overall.cam.pointing_game == 1
    assert overall.baseline_cams["uniform"].energy_gain == pytest.approx(1, abs=0.05)
    assert overall.classifier.average_precision == 1
    assert overall.random_detector.f1_center < 0.7
    assert overall.objects == int((~truth.of_split("val").edge).sum())


def test_the_panel_is_filled_with_what_counts(imported, truth):
    results = write_results(find_targets(imported), as_detector(truth))
    run = evaluate(imported, results.key)
    assert imported.list_evaluations() == [run.key]
    counted = int((~truth.of_split("val").edge).sum())
    val = imported.match({"split": "val"})
    assert sum(val.values(f"{run.key}_tp")) == counted
    assert sum(val.values(f"{run.key}_fp")) == sum(val.values(f"{run.key}_fn")) == 0
    metrics = imported.load_evaluation_results(run.key).metrics()
    assert metrics["fscore"] == 1


def test_figures_are_those_of_the_package(imported, truth):
    rng = np.random.default_rng(0)
    boxes_px = truth.boxes_px() + rng.normal(0, 2, (len(truth), 4))
    shapes = np.tile(truth.image_shapes_px[truth.image_index], 2)
    boxes_px = np.clip(boxes_px, 0, shapes)
    boxes_px[:, 2:] = np.maximum(boxes_px[:, 2:], boxes_px[:, :2] + 1)
    scores = rng.uniform(0.1, 1, len(truth))
    own = [truth.image_index == index for index in range(len(truth.images))]
    output = replace(
        as_detector(truth),
        images=[(i, Detections(boxes_px[o], scores[o], truth.labels[o])) for i, o in enumerate(own)],
    )
    results = write_results(find_targets(imported), output)
    found = _report(evaluate(imported, results.key))

    def part(split):
        chosen = np.array(truth.splits)[truth.image_index] == split
        kept = np.flatnonzero(np.array(truth.splits) == split)
        index = np.searchsorted(kept, truth.image_index[chosen])
        return Predictions(index, boxes_px[chosen], scores[chosen], truth.labels[chosen]), truth.of_split(
            split
        )

    expected = detector_figures(part("train"), part("val"), found.class_sizes_px)
    for report, figures in zip([*found.classes, found.overall], expected, strict=True):
        assert report.detector.f1_iou == pytest.approx(figures.f1_iou, nan_ok=True)
        assert report.detector.f1_center == pytest.approx(figures.f1_center, nan_ok=True)


def test_truth_may_be_points(imported, truth):
    results = write_results(find_targets(imported), as_detector(truth))
    with pytest.raises(DatasetError, match="sizes of the classes"):
        evaluate(imported, results.key, truth_field="points")
    sizes = {"RBC": 30.0, "WBC": 44.0, "Bacteria": 12.0}
    run = evaluate(imported, results.key, truth_field="points", class_sizes_px=sizes)
    assert not _report(run).boxes_annotated
    assert _report(run).class_sizes_px == (12.0, 30.0, 44.0)
    assert imported.list_evaluations() == []


def test_only_images_with_results_are_judged(imported, truth):
    view = imported.match({"split": "val"})
    two = truth.of_split("val").of_images(np.array([True, True, False]))
    write_results(find_targets(view[:2]), as_detector(two))
    report = _report(evaluate(imported, "apply_models_1"))
    assert (report.images, report.overall.detector.f1_iou) == (2, 1)
    assert report.overall.detector.threshold_iou != report.overall.detector.threshold_iou  # a mean of nothing
    assert {entry.detector.threshold_iou for entry in report.classes} == {0.3}
    assert report.overall.random_detector.f1_center >= 0


def test_results_that_find_nothing(imported, truth):
    output = replace(as_detector(truth), images=[])
    results = write_results(find_targets(imported), output)
    assert _report(evaluate(imported, results.key)).overall.detector.f1_iou == 0


def test_undoing_leaves_the_dataset_as_before(imported, truth):
    results = write_results(find_targets(imported), as_detector(truth), as_classifier(truth))
    before = snapshot(imported)
    run = evaluate(imported, results.key)
    with pytest.raises(DatasetError, match="other runs depend"):
        delete_run(imported, results.key)
    delete_run(imported, run.key)
    assert snapshot(imported) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "nothing"}, "no such run"),
        ({"of": "import_points_1"}, "no results"),
        ({"split": "test"}, "both results and objects of their classes"),
    ],
)
def test_mistakes(imported, truth, options, message):
    results = write_results(find_targets(imported), as_detector(truth))
    with pytest.raises(DatasetError, match=message):
        evaluate(imported, **{"of": results.key, **options})
