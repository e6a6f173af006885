import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from synthmed.app.read_points import point_fields, read_points
from synthmed.errors import PointsError, ProblemLog

NAN = float("nan")


@pytest.fixture
def images(tmp_path):
    """Four images of 40 x 80 pixels, two of them in a folder of their own."""
    paths = []
    for name in ("a.png", "b.png", "deep/c.png", "deep/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((40, 80, 3), dtype=np.uint8)).save(path)
        paths.append(str(path))
    return paths


def _point(x, y, label="cell", **more):
    return fo.Keypoint(label=label, points=[[x, y]], **more)


def _sample(path, *points, field="points", **more):
    return fo.Sample(path, **{field: fo.Keypoints(keypoints=list(points))}, **more)


def _add(dataset, *samples):
    dataset.add_samples(list(samples), progress=False)


def test_a_dataset_without_points(dataset, images):
    with pytest.raises(PointsError, match="no keypoints or detections"):
        read_points(dataset)
    _add(dataset, fo.Sample(images[0]))
    with pytest.raises(PointsError, match="no keypoints or detections"):
        read_points(dataset, "points")


def test_keypoints(dataset, images):
    _add(
        dataset,
        _sample(images[0], _point(0.5, 0.25, annotation_id="7", edge=True), _point(0.1, 0.5, "other")),
        _sample(images[2]),
        _sample(images[3], fo.Keypoint(label="cell", points=[[0.25, 0.5], [0.5, 0.5]])),
    )
    found = read_points(dataset)
    points = found.points
    assert found.images_dir.joinpath(points.images[0]).samefile(images[0])
    assert points.images == ("a.png", "deep/c.png", "deep/d.png")
    assert points.classes == ("cell", "other")
    np.testing.assert_allclose(points.centers_px, [[10, 40], [20, 8], [20, 20], [20, 40]])
    assert points.image_index.tolist() == [0, 0, 2, 2]
    assert points.labels.tolist() == [0, 1, 0, 0]
    assert points.edge.tolist() == [True, False, False, False]
    assert points.annotation_ids[0] == "7"
    assert not points.has_sizes
    assert list(found.sample_ids) == dataset.values("id")


def test_detections_are_centres_with_extents(dataset, images):
    box = fo.Detection(label="cell", bounding_box=[0.25, 0.5, 0.5, 0.25])
    _add(dataset, fo.Sample(images[0], boxes=fo.Detections(detections=[box])))
    points = read_points(dataset, "boxes").points
    np.testing.assert_allclose(points.centers_px, [[25, 40]])
    np.testing.assert_allclose(points.sizes_px, [[10, 40]])
    np.testing.assert_allclose(points.boxes_px(), [[20, 20, 30, 60]])


def test_single_labels(dataset, images):
    _add(
        dataset,
        fo.Sample(images[0], one=_point(0.5, 0.5), box=fo.Detection(label="x", bounding_box=[0, 0, 1, 1])),
        fo.Sample(images[1]),
    )
    np.testing.assert_allclose(read_points(dataset, "one").points.centers_px, [[20, 40]])
    np.testing.assert_allclose(read_points(dataset, "box").points.sizes_px, [[40, 80]])
    assert point_fields(dataset) == ["one", "box"]


def test_the_likeliest_field_comes_first(dataset, images):
    _add(
        dataset,
        fo.Sample(images[0], extra=fo.Keypoints(), ground_truth=fo.Detections(), points=fo.Keypoints()),
    )
    assert point_fields(dataset) == ["points", "ground_truth", "extra"]


def test_what_was_not_annotated_is_no_negative(dataset, images):
    _add(dataset, _sample(images[0], _point(0.5, 0.5)), fo.Sample(images[1]), _sample(images[2]))
    assert read_points(dataset).points.images == ("a.png", "deep/c.png")


def test_synthetic_samples_are_left_out(dataset, images):
    _add(
        dataset,
        _sample(images[0], _point(0.5, 0.5)),
        _sample(images[1], _point(0.5, 0.5), tags=["synthetic"]),
    )
    assert read_points(dataset).points.images == ("a.png",)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (_point(NAN, NAN), "no keypoint is visible"),
        (_point(0.5, 0.5, None), "the label is empty"),
        (_point(1.5, 0.5), "the point is outside its image"),
        (_point(-0.1, 0.5), "the point is outside its image"),
        (_point(0.5, 1.0), "the point is outside its image"),
    ],
)
def test_labels_that_cannot_be_used_are_skipped(dataset, images, bad, reason):
    _add(dataset, _sample(images[0], bad, _point(0.5, 0.5)))
    log = ProblemLog()
    assert len(read_points(dataset, log=log).points) == 1
    (problem,) = log.problems
    assert (problem.file, problem.reason) == (images[0], reason)
    with pytest.raises(PointsError, match=reason):
        read_points(dataset, log=ProblemLog(strict=True))


def test_nothing_usable_is_an_error(dataset, images):
    _add(dataset, _sample(images[0], _point(2, 2)))
    with pytest.raises(PointsError, match="no usable point"):
        read_points(dataset)


def test_other_classes_are_skipped(dataset, images):
    _add(dataset, _sample(images[0], _point(0.5, 0.5), _point(0.2, 0.5, "other")))
    log = ProblemLog()
    assert read_points(dataset, classes=["x", "cell"], log=log).points.labels.tolist() == [1]
    assert len(log.problems) == 1


@pytest.mark.parametrize("check_images", [True, False])
def test_images_that_are_missing_or_broken_are_skipped(dataset, images, tmp_path, check_images):
    (tmp_path / "broken.png").write_bytes(b"not an image")
    _add(
        dataset,
        _sample(images[0], _point(0.5, 0.5)),
        _sample(str(tmp_path / "gone.png"), _point(0.5, 0.5)),
        _sample(str(tmp_path / "broken.png"), _point(0.5, 0.5)),
    )
    log = ProblemLog()
    found = read_points(dataset, check_images=check_images, log=log)
    assert found.points.images == ("a.png",)
    assert {problem.reason for problem in log.problems} == {
        "the image is missing",
        "the image does not decode",
    }


def test_linked_images_are_images(dataset, images, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    (links / "one.png").symlink_to(images[0])
    (links / "folder").symlink_to(tmp_path / "deep")
    paths = [str(links / "one.png"), str(links / "folder" / "c.png")]
    _add(dataset, *(_sample(path, _point(0.5, 0.5)) for path in paths))
    log = ProblemLog()
    found = read_points(dataset, log=log)
    assert not log.problems
    for name, path in zip(found.points.images, paths, strict=True):
        assert found.images_dir.joinpath(name).samefile(path)


def test_splits_stand_in_a_field_or_a_tag(dataset, images):
    _add(
        dataset,
        _sample(images[0], _point(0.5, 0.5), split="train"),
        _sample(images[1], _point(0.5, 0.5), tags=["nice", "val"]),
        _sample(images[2], _point(0.5, 0.5), split="test", tags=["train"]),
    )
    assert read_points(dataset).points.splits == ("train", "val", "test")


def test_images_without_a_split_beside_others_are_left_out(dataset, images):
    _add(
        dataset,
        _sample(images[0], _point(0.5, 0.5), split="train"),
        _sample(images[1], _point(0.5, 0.5)),
        _sample(images[2], _point(0.5, 0.5), tags=["train", "val"]),
        _sample(images[3], _point(0.5, 0.5), split="holdout"),
    )
    log = ProblemLog()
    assert read_points(dataset, log=log).points.images == ("a.png",)
    assert {problem.file for problem in log.problems} == set(images[1:])


def test_without_any_split_they_are_shared_out_by_group(dataset, images):
    groups = ["s1", "s1", "s2", "s2"]
    _add(
        dataset,
        *(
            _sample(path, _point(0.5, 0.5), source_group=group)
            for path, group in zip(images, groups, strict=True)
        ),
    )
    log = ProblemLog()
    points = read_points(dataset, log=log).points
    assert log.notes[0].startswith("the dataset names no splits; by the hash of their names: 2 images train")
    assert points.groups == tuple(groups)
    assert sorted(set(zip(points.groups, points.splits, strict=True))) in (
        [("s1", "train"), ("s2", "val")],
        [("s1", "val"), ("s2", "train")],
    )


def test_a_view_is_read_as_it_is(dataset, images):
    _add(dataset, *(_sample(path, _point(0.5, 0.5)) for path in images))
    assert read_points(dataset[1:3]).points.images == ("b.png", "deep/c.png")
    assert read_points(dataset.limit(1)).points.images == ("a.png",)
