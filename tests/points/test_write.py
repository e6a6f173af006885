from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed.errors import PointsError, ProblemLog
from synthmed.points import FORMATS, PointSet, losses, read_points, write_points

from .test_csv_file import point_sets

BOXES = ("coco", "label-studio", "cvat", "qupath", "voc", "yolo")
HOLD_SPLITS = ("csv", "coco", "cvat")


def ordered(points: PointSet) -> list[tuple]:
    """The points as rows that can be compared whatever their order."""
    rows = zip(
        points.image_index.tolist(),
        points.labels.tolist(),
        np.round(points.centers_px, 6).tolist(),
        strict=True,
    )
    return sorted((points.images[image], points.classes[label], *place) for image, label, place in rows)


@pytest.mark.parametrize("kind", FORMATS)
@given(points=point_sets(), sized=st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(
    images_dir: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, points: PointSet, sized: bool
) -> None:
    points = replace(points, classes=tuple(f"c{i}" for i in range(len(points.classes))))
    if kind in ("voc", "yolo") or (sized and kind in BOXES):
        points = replace(points, sizes_px=np.full((len(points), 2), [3.0, 5.0]))
    if kind == "cell-counter":
        points = replace(points, centers_px=np.floor(points.centers_px) + 0.5)
    out = tmp_path_factory.mktemp("out") / "points"
    write_points(points, out, kind)
    again = read_points(out, images_dir, log=ProblemLog(strict=True))
    assert ordered(again) == ordered(points)
    assert set(again.images) == set(points.images)
    if kind in BOXES:
        np.testing.assert_allclose(again.sizes_px, points.sizes_px[: len(again)], rtol=1e-6)
    if kind in HOLD_SPLITS:
        assert dict(zip(again.images, again.splits, strict=True)) == dict(
            zip(points.images, points.splits, strict=True)
        )


@pytest.fixture
def points(images_dir: Path, tmp_path: Path) -> PointSet:
    path = tmp_path / "in.csv"
    path.write_text(
        "image,x,y,label,split,group,edge\na.png,1.25,2,RBC,train,s1,1\nsub/b.jpg,3,4,WBC,val,,0\n"
    )
    return read_points(path, images_dir)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("csv", []),
        ("coco", []),
        ("cvat", ["groups: 1", "edge marks: 1"]),
        ("napari", ["splits: 2", "groups: 1", "edge marks: 1"]),
        ("cell-counter", ["splits: 2", "groups: 1", "edge marks: 1", "up to 0.50 px"]),
    ],
)
def test_what_is_lost_is_said(points: PointSet, kind: str, expected: list[str]) -> None:
    said = losses(points, kind)
    assert len(said) == len(expected)
    assert all(part in sentence for part, sentence in zip(expected, said, strict=True))


@pytest.mark.parametrize("kind", ["voc", "yolo"])
def test_boxes_need_extents(points: PointSet, tmp_path: Path, kind: str) -> None:
    with pytest.raises(PointsError, match="2 of 2 points have no extents"):
        write_points(points, tmp_path / "out", kind)
    write_points(points.with_sizes(np.array([3.0, 4.0])), tmp_path / "out", kind)


def test_nothing_is_overwritten(points: PointSet, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(PointsError, match="already"):
        write_points(points, tmp_path / "out.csv", "csv")
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_names_with_signs_of_xml_are_escaped(points: PointSet, images_dir: Path, tmp_path: Path) -> None:
    strange = replace(points, classes=('a<b>&"c', "d'e"))
    for kind in ("cvat", "cell-counter"):
        write_points(strange, tmp_path / kind, kind)
        assert read_points(tmp_path / kind, images_dir).classes == ('a<b>&"c', "d'e")


def test_a_shared_stem_takes_the_whole_name(points: PointSet, tmp_path: Path) -> None:
    twins = replace(points, images=("x.png", "x.jpg")).with_sizes(np.array([3.0, 4.0]))
    write_points(twins, tmp_path / "out", "napari")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x.jpg.csv", "x.png.csv"]
    with pytest.raises(PointsError, match="share"):
        write_points(twins, tmp_path / "yolo", "yolo")


@pytest.mark.parametrize("kind", ["csv", "coco", "cvat"])
def test_what_a_source_does_not_tell_is_not_written(images_dir: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "in.csv").write_text("image,x,y,label\na.png,1.25,2,RBC\nsub/b.jpg,3,4,WBC\n")
    points = read_points(tmp_path / "in.csv", images_dir)
    assert points.unsaid == {"splits", "edge"}
    lost = write_points(points, tmp_path / "out", kind)
    assert lost == []
    text = (tmp_path / "out").read_text()
    assert not any(word in text for word in ("split", "subset", "edge", "train"))
    again = read_points(tmp_path / "out", images_dir)
    assert (again.unsaid, again.splits) == (points.unsaid, points.splits)


@pytest.mark.parametrize("kind", ["csv", "coco"])
def test_edge_marks_and_splits_that_are_told_are_written(points: PointSet, tmp_path: Path, kind: str) -> None:
    write_points(points, tmp_path / "out", kind)
    again = read_points(tmp_path / "out", tmp_path / "images")
    assert points.unsaid == again.unsaid == frozenset()
    assert again.edge.tolist() == points.edge.tolist()


def test_a_part_of_the_images_keeps_the_splits_that_were_drawn(images_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("image,x,y,label\na.png,1.25,2,RBC\nsub/b.jpg,3,4,WBC\n")
    points = read_points(tmp_path / "in.csv", images_dir).of_split("val")
    write_points(points, tmp_path / "out.csv", "csv")
    assert read_points(tmp_path / "out.csv", images_dir).splits == ("val",)
