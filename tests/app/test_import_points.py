import fiftyone as fo
import numpy as np
import pytest

from synthmed.app.import_points import boxes_files, import_points
from synthmed.app.read_points import read_points
from synthmed.app.runs import delete_run, get_run, list_runs
from synthmed.app.skipped import as_text
from synthmed.errors import DatasetError, PointsError, Problem, ProblemLog
from tests.app.conftest import snapshot


def _same(found, expected):
    """Whether two sets of points are equal, whatever the order of the points of an image."""
    for points in (found, expected):
        assert np.all(np.diff(points.image_index) >= 0)
    assert found.images == expected.images
    assert (found.classes, found.splits, found.groups) == (expected.classes, expected.splits, expected.groups)
    for name in ("labels", "annotation_ids", "edge", "image_index"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_allclose(found.centers_px, expected.centers_px, atol=1e-6)
    np.testing.assert_allclose(found.sizes_px, expected.sizes_px, atol=1e-6)


def test_points_come_back(imported, phantom_points, phantom_truths):
    _same(read_points(imported, "points").points, phantom_points)
    for truth in phantom_truths:
        found = read_points(imported.match({"split": truth.splits[0]}), "ground_truth").points
        np.testing.assert_allclose(found.sizes_px, truth.sizes_px, atol=1e-6)
        np.testing.assert_array_equal(found.edge, truth.edge)


def test_the_record_says_what_was_imported(imported, phantom_points):
    (run,) = list_runs(imported)
    assert run.summary["images"] == run.summary["samples_added"] == len(phantom_points.images)
    assert sum(run.summary["points"].values()) == len(phantom_points)
    assert run.params["truth_field"] == "ground_truth"


def test_the_record_says_what_was_skipped(dataset, phantom_dir, phantom_points):
    log = ProblemLog()
    for row in range(2, 9):
        log.add(Problem("points.csv", row, "-5", "the point is outside its image", "mend x and y"))
    log.note("points.csv names no splits")
    run = import_points(dataset, phantom_points, phantom_dir / "images", log=log)
    assert run.summary["skipped"] == "7 rows skipped: 7 × the point is outside its image"
    assert len(run.summary["first_skipped"]) == 3
    assert "points.csv, row 2: the point is outside its image (got '-5'). Remedy: mend x and y" in as_text(
        get_run(dataset, run.key).summary
    )
    assert run.summary["notes"] == ["points.csv names no splits"]


def test_progress_ends_at_the_total(dataset, phantom_dir, phantom_points):
    seen = []
    import_points(dataset, phantom_points, phantom_dir / "images", progress=lambda *step: seen.append(step))
    assert seen[-1] == (len(phantom_points.images),) * 2


def test_undoing_leaves_the_users_samples(dataset, phantom_dir, phantom_points, phantom_truths):
    dataset.add_samples([fo.Sample("own.png", ground_truth=fo.Detections(), tags=["mine"])], progress=False)
    before = snapshot(dataset)
    run = import_points(dataset, phantom_points, phantom_dir / "images", truths=phantom_truths)
    assert len(dataset) == 1 + len(phantom_points.images)
    assert delete_run(dataset, run.key).samples == len(phantom_points.images)
    assert snapshot(dataset) == before


def test_images_that_are_there_get_the_labels(dataset, phantom_dir, phantom_points):
    path = str((phantom_dir / "images" / phantom_points.images[0]).absolute())
    dataset.add_samples([fo.Sample(path, tags=["mine"])], progress=False)
    before = snapshot(dataset)
    run = import_points(dataset, phantom_points, phantom_dir / "images")
    assert len(dataset) == len(phantom_points.images)
    assert dataset.first().tags == ["mine"]
    assert len(dataset.first().points.keypoints) == int((phantom_points.image_index == 0).sum())
    with pytest.raises(DatasetError, match="exists already"):
        import_points(dataset, phantom_points, phantom_dir / "images")
    delete_run(dataset, run.key)
    assert snapshot(dataset) == before


def test_without_boxes_there_is_no_field_of_boxes(dataset, phantom_dir, phantom_points):
    import_points(dataset, phantom_points, phantom_dir / "images")
    assert not dataset.has_field("ground_truth")


def test_files_of_boxes(tmp_path):
    assert boxes_files("") == ()
    assert boxes_files(str(tmp_path / "b.json")) == ((tmp_path / "b.json", "val"),)
    with pytest.raises(PointsError, match="no file of boxes"):
        boxes_files(str(tmp_path / "{split}.json"))
    (tmp_path / "train.json").write_text("{}")
    assert boxes_files(str(tmp_path / "{split}.json")) == ((tmp_path / "train.json", "train"),)
