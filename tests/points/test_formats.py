"""One known point in every format: the centre of the pixel in row 22, column 14 (y 22.5, x 14.5)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.errors import PointsError, ProblemLog
from synthmed.points import FORMATS, PointSet, read_points, sniff
from synthmed.points.problems import Reason

from .conftest import WriteText

OUTLINE = {"type": "Polygon", "coordinates": [[[10, 20], [19, 20], [19, 25], [10, 25], [10, 20]]]}
POINT = {"type": "Point", "coordinates": [14.5, 22.5]}


def feature(geometry: Any = None, label: Any = "RBC", **more: Any) -> dict[str, Any]:
    """A feature as QuPath writes it."""
    properties = {"objectType": "annotation", "classification": {"name": label, "color": [1, 2, 3]}}
    return {"type": "Feature", "id": "f1", "geometry": geometry or POINT, "properties": properties, **more}


def task(
    *regions: dict[str, Any], image: str = "/data/upload/3/0a1b2c3d-a.png", **more: Any
) -> dict[str, Any]:
    """A task as Label Studio exports it; the image is 60 x 40."""
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": list(regions)}], **more}


def region(kind: str = "keypoint", **value: Any) -> dict[str, Any]:
    """A region of a task; by default the known point."""
    place = value or {"x": 14.5 / 60 * 100, "y": 22.5 / 40 * 100, "width": 0.4}
    return {
        "id": "r1",
        "type": f"{kind}labels",
        "original_width": 60,
        "original_height": 40,
        "value": {**place, f"{kind}labels": ["RBC"]},
    }


def counter(
    markers: str = "<Marker><MarkerX>14</MarkerX><MarkerY>22</MarkerY><MarkerZ>1</MarkerZ></Marker>",
) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CellCounter_Marker_File><Image_Properties>'
        "<Image_Filename>a.png</Image_Filename></Image_Properties><Marker_Data><Current_Type>1</Current_Type>"
        f"<Marker_Type><Type>1</Type><Name>RBC</Name>{markers}</Marker_Type>"
        "<Marker_Type><Type>2</Type></Marker_Type></Marker_Data></CellCounter_Marker_File>"
    )


def cvat(
    shapes: str = '<points label="RBC" occluded="0" points="14.5,22.5"/>', image: str = 'name="a.png"'
) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task/></meta>'
        f'<image id="0" {image} width="60" height="40">{shapes}</image></annotations>'
    )


def voc(box: tuple[float, ...] = (10, 20, 19, 25), database: str = "Unknown", name: str = "a.png") -> str:
    corners = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return (
        f"<annotation><folder>x</folder><filename>{name}</filename><source><database>{database}</database></source>"
        f"<object><name>RBC</name><bndbox>{corners}</bndbox></object></annotation>"
    )


YOLO = f"0 {14.5 / 60} {22.5 / 40} {9 / 60} {5 / 40}\n"
COCO = {
    "images": [{"id": 1, "file_name": "a.png"}],
    "annotations": [{"id": 4, "image_id": 1, "category_id": 1, "bbox": [10, 20, 9, 5]}],
    "categories": [{"id": 1, "name": "RBC"}],
}
ONE_POINT = [
    ("csv", "image,x,y,label\na.png,14.5,22.5,RBC\n"),
    ("coco", json.dumps(COCO)),
    ("qupath", json.dumps({"type": "FeatureCollection", "features": [feature()]})),
    ("qupath", json.dumps([feature({"type": "MultiPoint", "coordinates": [[14.5, 22.5]]})])),
    ("qupath", json.dumps(feature())),
    ("qupath", json.dumps(feature(OUTLINE))),
    ("imagej", " ,Area,Mean,X,Y,Type\n1,0,127.5,14,22,RBC\n"),
    ("imagej", " \tX\tY\tClass\n1\t14,0\t22,0\tRBC\n"),
    ("imagej", ";Area;X;Y;Type\n1;0;14,0;22;RBC\n"),
    ("imagej", " ,Area,X,Y,Type,Slice,Label\n1,53.2,14.5,22.5,RBC,1,a.png:1\n"),
    ("imagej", " ,BX,BY,Width,Height,Type\n1,10,20,9,5,RBC\n"),
    ("cell-counter", counter()),
    ("cvat", cvat()),
    ("cvat", cvat('<box label="RBC" xtl="10" ytl="20" xbr="19" ybr="25"/>')),
    ("cvat", cvat('<ellipse label="RBC" cx="14.5" cy="22.5" rx="4.5" ry="2.5"/>')),
    ("cvat", cvat('<polygon label="RBC" points="10,20;19,22;12,25"/>')),
    ("cvat", cvat('<mask label="RBC" rle="0, 45" left="10" top="20" width="9" height="5"/>')),
    ("label-studio", json.dumps([task(region())])),
    ("label-studio", json.dumps([task(region("rectangle", x=10 / 0.6, y=50, width=15, height=12.5))])),
    ("label-studio", json.dumps([task(region("ellipse", x=14.5 / 0.6, y=56.25, radiusX=7.5, radiusY=6.25))])),
    ("label-studio", json.dumps([{"image": "s3://lab/x/a.png", "tag": [{
        "x": 14.5 / 0.6, "y": 56.25, "width": 1, "keypointlabels": ["RBC"], "original_width": 60}]}])),
    ("napari", "index,axis-0,axis-1,class\n0.0,22.0,14.0,RBC\n"),
    ("napari", "index,axis-0,axis-1,axis-2,label\n0.0,0.0,22.0,14.0,RBC\n"),
    ("voc", voc()),
    ("voc", voc((11, 21, 19, 25), database="The VOC2007 Database")),
    ("yolo", YOLO),
    ("yolo", "0 " + " ".join(f"{x / 60} {y / 40}" for x, y in ((10, 20), (19, 22), (12, 25)))),
]  # fmt: skip


def is_known_point(points: PointSet) -> None:
    np.testing.assert_allclose(points.centers_px, [[22.5, 14.5]])
    assert (points.images, points.classes) == (("a.png",), ("RBC",))
    if points.has_sizes:
        np.testing.assert_allclose(points.sizes_px, [[5, 9]])


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.xml", "a.txt", "a.points"])
@pytest.mark.parametrize(("kind", "text"), ONE_POINT)
def test_the_known_point_is_found_under_any_name(
    images_dir: Path, tmp_path: Path, kind: str, text: str, name: str
) -> None:
    (tmp_path / "classes.txt").write_text("RBC\n")
    (tmp_path / name).write_text(text)
    assert sniff(text) == kind
    is_known_point(read_points(tmp_path / name, images_dir, log=ProblemLog(strict=True)))
    is_known_point(read_points(tmp_path / name, images_dir, format=kind))


def test_every_format_has_a_known_point() -> None:
    assert {kind for kind, _ in ONE_POINT} == set(FORMATS)


@pytest.mark.parametrize(("kind", "text"), ONE_POINT)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_gzip_and_byte_order_marks_do_not_matter(
    images_dir: Path, tmp_path: Path, kind: str, text: str, encoding: str
) -> None:
    (tmp_path / "classes.txt").write_text("RBC\n")
    (tmp_path / "a.bin.gz").write_bytes(gzip.compress(text.encode(encoding)))
    is_known_point(read_points(tmp_path / "a.bin.gz", images_dir))


def test_extents_are_kept_where_the_file_has_boxes(images_dir: Path, write: WriteText) -> None:
    sized = [read_points(write(text), images_dir, image="a.png").has_sizes for _, text in ONE_POINT]
    assert sum(sized) == 13


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps([feature(), feature({**POINT, "plane": {"c": -1, "z": 2, "t": 0}})]), Reason.PLANE),
        (json.dumps([feature(), feature({"type": "Circle"})]), Reason.SHAPE),
        (json.dumps([feature(), feature({"type": "Polygon", "coordinates": [[]]})]), Reason.BOX),
        (json.dumps([feature(), None]), Reason.NOT_AN_OBJECT),
        (json.dumps([feature(), feature({"type": "Point", "coordinates": [1]})]), Reason.X),
        (json.dumps([feature(), feature(label=None)]), Reason.LABEL_EMPTY),
        (" ,X,Y,Type\n1,14,22,RBC\n2,nan,3,RBC\n", Reason.X),
        (" ,X,Y,Type,Slice\n1,14,22,RBC,1\n2,3,3,RBC,2\n", Reason.PLANE),
        (" ,X,Y,Type\n1,14,22,RBC\n2,1e9,3,RBC\n", Reason.OUTSIDE),
        (counter("<Marker><MarkerX>14</MarkerX><MarkerY>22</MarkerY></Marker><Marker/>"), Reason.X),
        (cvat('<points label="RBC" points="14.5,22.5;1e400,3"/>'), Reason.X),
        (cvat('<points label="RBC" points="14.5,22.5"/><cuboid label="RBC"/>'), Reason.SHAPE),
        (json.dumps([task(region(), {**region(), "image_rotation": 90})]), Reason.TURNED),
        (json.dumps([task(region(), region("brush", rle=[1]))]), Reason.SHAPE),
        ("index,axis-0,axis-1,axis-2,class\n0,0,22,14,RBC\n1,1,22,14,RBC\n", Reason.PLANE),
        (voc().replace("</object>", "</object><object><name>RBC</name></object>"), Reason.BOX),
        (YOLO + "0 0.5 0.5 0.1\n", Reason.BOX),
        (YOLO + "0 0.5 0.5 0 0.1\n", Reason.BOX),
    ],
)  # fmt: skip
def test_a_bad_object_is_skipped_with_its_reason(
    images_dir: Path, tmp_path: Path, text: str, reason: Reason
) -> None:
    (tmp_path / "classes.txt").write_text("RBC\n")
    (tmp_path / "a.x").write_text(text)
    log = ProblemLog()
    points = read_points(tmp_path / "a.x", images_dir, log=log)
    is_known_point(points)
    assert [problem.reason for problem in log.problems] == [reason.text]
    with pytest.raises(PointsError, match=reason.text):
        read_points(tmp_path / "a.x", images_dir, log=ProblemLog(strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}', "no list 'images'"),
        ("[]", "no list 'images'"),
        ("<html><body/></html>", "neither of Cell Counter"),
        ("<annotations><track id='0'/></annotations>", "tracks of a video"),
        ("<annotations>", "not valid XML"),
        ("free text", "'image', .* are missing"),
        ("1 2 3", "'image', .* are missing"),
        (" ,Area\n1,2\n", "'image', .* are missing"),
    ],
)
def test_what_is_no_format_is_an_error(images_dir: Path, write: WriteText, text: str, message: str) -> None:
    with pytest.raises(PointsError, match=message) as caught:
        read_points(write(text), images_dir)
    assert caught.value.remedy


def test_an_unknown_format_is_an_error(images_dir: Path, write: WriteText) -> None:
    with pytest.raises(PointsError, match="no such format"):
        read_points(write("x"), images_dir, format="word")


@pytest.mark.parametrize("name", ["a.csv", "A.csv", "a.png.csv", "a_points.csv", "a.csv.gz"])
def test_a_file_belongs_to_the_image_of_its_stem(images_dir: Path, tmp_path: Path, name: str) -> None:
    text = b" ,X,Y,Type\n1,14,22,RBC\n"
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    is_known_point(read_points(tmp_path / name, images_dir))


def test_a_file_of_no_image_says_so(images_dir: Path, write: WriteText, tmp_path: Path) -> None:
    path = write(" ,X,Y,Type\n1,14,22,RBC\n")
    log = ProblemLog()
    with pytest.raises(PointsError, match="no usable point"):
        read_points(path, images_dir, log=log)
    assert log.problems[0].reason == Reason.IMAGE_UNNAMED.text
    is_known_point(read_points(path, images_dir, image="a.png"))
    (images_dir / "sub" / "a.tif").write_bytes(b"x")
    (tmp_path / "a.csv").write_bytes(path.read_bytes())
    log = ProblemLog()
    with pytest.raises(PointsError):
        read_points(tmp_path / "a.csv", images_dir, log=log)
    assert log.problems[0].reason == Reason.IMAGE_AMBIGUOUS.text


@pytest.mark.parametrize(
    "image",
    [
        "../a.png",
        "/etc/a.png",
        "..\\a.png",
        "http://x/a.png?y=1",
        "/data/local-files/?d=x/a.png",
        "C:\\x\\a.png",
    ],
)
def test_a_climbing_name_is_only_looked_up_in_the_folder(
    images_dir: Path, write: WriteText, image: str
) -> None:
    is_known_point(read_points(write(json.dumps([task(region(), image=image)])), images_dir))
    if "?" not in image:
        is_known_point(read_points(write(voc(name=image)), images_dir))


def test_points_without_class_are_objects_unless_named(images_dir: Path, write: WriteText) -> None:
    path, log = write(" ,X,Y\n1,14,22\n"), ProblemLog(strict=True)
    points = read_points(path, images_dir, image="a.png", log=log)
    assert points.classes == ("object",)
    assert "names no classes" in log.notes[0]
    is_known_point(read_points(path, images_dir, image="a.png", label="RBC"))


def test_a_calibrated_table_takes_the_pixel_size(images_dir: Path, write: WriteText) -> None:
    path = write(" ,X,Y,Type\n1,3.5,5.5,RBC\n")
    is_known_point(read_points(path, images_dir, image="a.png", pixel_size=0.25))
    with pytest.raises(PointsError, match="pixel size"):
        read_points(path, images_dir, image="a.png", pixel_size=0)


def test_a_turned_rectangle_keeps_its_middle(images_dir: Path, write: WriteText) -> None:
    turned = region("rectangle", x=30 / 0.6, y=10 / 0.4, width=8 / 0.6, height=4 / 0.4, rotation=90)
    points = read_points(write(json.dumps([task(turned)])), images_dir)
    np.testing.assert_allclose(points.centers_px, [[14, 28]], atol=1e-9)
    np.testing.assert_allclose(points.sizes_px, [[8, 4]], atol=1e-9)


def test_of_several_annotations_the_ground_truth_counts(images_dir: Path, write: WriteText) -> None:
    other = {"result": [region(x=1, y=1, width=1)]}
    annotations = [{"result": [region()], "ground_truth": True}, other]
    is_known_point(read_points(write(json.dumps([task(annotations=annotations)])), images_dir))
    cancelled = [{"result": [region()]}, {**other, "was_cancelled": True}]
    is_known_point(read_points(write(json.dumps([task(annotations=cancelled)])), images_dir))


def test_regions_and_ignored_classes_of_qupath_are_no_objects(images_dir: Path, write: WriteText) -> None:
    text = json.dumps([feature(), feature(label="Region*")])
    is_known_point(read_points(write(text), images_dir, image="a.png", log=ProblemLog(strict=True)))


@pytest.mark.parametrize(
    ("classification", "expected"),
    [("RBC", "RBC"), ({"name": " RBC "}, "RBC"), ({"names": ["Tumor", "Positive"]}, "Tumor: Positive")],
)
def test_class_names_of_qupath(
    images_dir: Path, write: WriteText, classification: Any, expected: str
) -> None:
    text = json.dumps(feature(properties={"classification": classification}))
    assert read_points(write(text), images_dir, image="a.png").classes == (expected,)


def test_a_folder_of_files_is_one_input(images_dir: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    (labels / "train").mkdir(parents=True)
    (labels / "val").mkdir()
    (tmp_path / "data.yaml").write_text("names: {0: RBC, 1: WBC}\ntrain: images/train\n")
    (labels / "train" / "a.txt").write_text(YOLO)
    (labels / "val" / "b.txt").write_text("")
    (labels / "README.md").write_text("hello")
    points = read_points(labels, images_dir, log=ProblemLog(strict=True))
    assert points.images == ("a.png", "sub/b.jpg")
    assert points.splits == ("train", "val")
    assert (points.classes, len(points)) == (("RBC",), 1)
    (labels / "c.json").write_text(json.dumps(feature()))
    with pytest.raises(PointsError, match="one tool"):
        read_points(labels, images_dir)


def test_an_image_without_objects_is_a_negative(images_dir: Path, write: WriteText) -> None:
    second = '<image id="1" name="b.jpg" subset="Validation"/>'
    text = cvat(image='name="a.png" subset="train"').replace("</annotations>", second + "</annotations>")
    points = read_points(write(text), images_dir, log=ProblemLog(strict=True))
    assert points.images == ("a.png", "sub/b.jpg") or points.images == ("a.png", "b.jpg")
    assert points.splits == ("train", "val")
    assert points.counts().tolist() == [[1], [0]]
