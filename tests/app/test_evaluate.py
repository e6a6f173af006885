from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from synthmed.app.evaluate import evaluate
from synthmed.app.read_points import read_points
from synthmed.app.results import ClassifierOutput
from synthmed.app.runs import delete_run, get_run
from synthmed.app.targets import find_targets
from synthmed.app.write_results import write_results
from synthmed.errors import DatasetError
from synthmed.metrics import Detections, Predictions, RunReport
from synthmed.metrics.cam import FIXED_PEAK_THRESHOLD
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


def _noisy(truth, rng):
    """A detector that is a little off, and maps with noise on both sides of zero."""
    boxes_px = truth.boxes_px() + rng.normal(0, 2, (len(truth), 4))
    boxes_px = np.clip(boxes_px, 0, np.tile(truth.image_shapes_px[truth.image_index], 2))
    boxes_px[:, 2:] = np.maximum(boxes_px[:, 2:], boxes_px[:, :2] + 1)
    scores = rng.uniform(0.1, 1, len(truth))
    own = [truth.image_index == index for index in range(len(truth.images))]
    boxes = [Detections(boxes_px[o], scores[o], truth.labels[o]) for o in own]
    maps = []
    for _, scores, cams in as_classifier(truth).images:
        steps = rng.normal(0, 1.5, (len(cams), *(-(-side // 32) for side in cams.shape[1:])))
        noise = steps.repeat(32, axis=1).repeat(32, axis=2)[:, : cams.shape[1], : cams.shape[2]]
        maps.append((rng.permutation(scores), (cams + noise).astype(np.float32)))
    return boxes, maps


@pytest.mark.mmdet
def test_figures_are_those_of_the_demo(imported, truth, phantom_points):
    from synthmed.demo.findings import Findings
    from synthmed.demo.judge import judge

    boxes, maps = _noisy(truth, np.random.default_rng(0))
    sizes = {"Bacteria": 12.0, "RBC": 30.0, "WBC": 44.0}
    sizes_px = np.array([sizes[name] for name in truth.classes])

    def findings(split):
        rows = [index for index, own in enumerate(truth.splits) if own == split]
        scores, cams = zip(*(maps[row] for row in rows), strict=True)
        judged = truth if split == "val" else phantom_points
        return Findings(
            split,
            truth.of_split(split),
            judged.of_split(split).with_sizes(sizes_px),
            Predictions.of_images([boxes[row] for row in rows]),
            np.array(scores),
            list(cams),
        )

    bank = SimpleNamespace(sizes_px=sizes_px)
    expected = judge("demo", phantom_points, bank, findings("train"), findings("val"))
    results = write_results(
        find_targets(imported),
        replace(as_detector(truth), images=list(enumerate(boxes))),
        ClassifierOutput(truth.classes, [(index, *entry) for index, entry in enumerate(maps)]),
    )
    found = _report(evaluate(imported, results.key, class_sizes_px=sizes))
    assert 0 < expected.overall.detector.f1_iou < 1
    assert 0 < expected.overall.cam.peak_f1 < 1
    assert found.class_sizes_px == expected.class_sizes_px
    for report, wanted in zip(
        [*found.classes, found.overall], [*expected.classes, expected.overall], strict=True
    ):
        of_app, of_demo = asdict(report), asdict(wanted)
        for group in ("cam", "detector", "random_detector", "classifier"):
            intervals = [one.pop("intervals") for one in (of_app[group], of_demo[group])]
            assert of_app[group] == pytest.approx(of_demo[group], nan_ok=True), (wanted.name, group)
            assert intervals[0].keys() == intervals[1].keys()
            for name, ends in intervals[0].items():
                assert ends == pytest.approx(intervals[1][name]), (wanted.name, group, name)
        for name, figures in of_demo["baseline_cams"].items():
            own = of_app["baseline_cams"][name]
            assert own.pop("intervals").keys() == figures.pop("intervals").keys()
            assert own == pytest.approx(figures, nan_ok=True), (wanted.name, name)


def test_without_train_results_peaks_count_above_zero(imported, truth):
    view = imported.match({"split": "val"})
    write_results(find_targets(view), None, as_classifier(truth.of_split("val")))
    report = _report(evaluate(imported, "apply_models_1"))
    assert {entry.cam.peak_threshold for entry in report.classes} == {FIXED_PEAK_THRESHOLD}


def test_classes_that_the_models_do_not_know_are_left_out(imported, truth):
    index = truth.classes.index("RBC")
    own = truth.select(truth.labels == index)
    some = replace(own, classes=("RBC",), labels=np.zeros(len(own), dtype=np.int64))
    results = write_results(find_targets(imported), as_detector(some), as_classifier(some))
    run = evaluate(imported, results.key)
    val = truth.of_split("val")
    assert run.summary["left_out"] == {
        name: int((val.labels == label).sum()) for label, name in enumerate(truth.classes) if name != "RBC"
    }
    report = _report(run)
    assert [entry.name for entry in report.classes] == ["RBC"]
    assert report.overall.detector.f1_iou == report.overall.cam.pointing_game == 1


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
