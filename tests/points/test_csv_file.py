from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed.errors import PointsError, ProblemLog
from synthmed.points.csv_file import CsvColumns, read_csv, write_csv
from synthmed.points.pointset import SPLITS, PointSet
from synthmed.points.problems import Reason

from .conftest import WriteText

GOOD = "image,x,y,label,split,group,edge,id\na.png,10.5,20,RBC,train,s1,0,7\nsub/b.jpg,1,2,WBC,val,s2,1,\n"


def test_every_column_is_read(images_dir: Path, write: WriteText) -> None:
    points = read_csv(write(GOOD), images_dir)
    assert points.classes == ("RBC", "WBC")
    assert points.images == ("a.png", "sub/b.jpg")
    assert points.image_shapes_px.tolist() == [[40, 60], [40, 60]]
    assert (points.splits, points.groups) == (("train", "val"), ("s1", "s2"))
    assert points.centers_px.tolist() == [[20, 10.5], [2, 1]]
    assert points.labels.tolist() == points.image_index.tolist() == [0, 1]
    assert points.annotation_ids.tolist() == ["7", "3"]
    assert points.edge.tolist() == [False, True]
    assert not points.has_sizes


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\n\n" + GOOD.replace("\n", "\n\n"),
        GOOD.replace("image,x", "Image , X"),
        GOOD.replace("a.png", '"a.png"').replace("label", '"label"'),
        GOOD.replace("a.png", "./a.png"),
        GOOD.replace(",", ";").replace("10.5", "10,5"),
        GOOD.replace(",", "\t").replace("10.5", "10,5"),
        GOOD.replace("image,x,y,label", "filename,X,Y,class"),
        GOOD.replace("image,x,y,label", "Image_Name,cx,cy,Category").replace(",", "\t"),
        GOOD.replace("a.png", "a").replace("b.jpg", "b"),
    ],
    ids="plain bom semicolon tab crlf cr blank-lines header-case quoted dot-slash semicolon-comma tab-comma "
    "filename-class image_name-cx stems".split(),
)
def test_dialects_mean_the_same(images_dir: Path, write: WriteText, text: str) -> None:
    expected, points = read_csv(write(GOOD), images_dir), read_csv(write(text), images_dir)
    assert points.images == expected.images
    np.testing.assert_array_equal(points.centers_px, expected.centers_px)
    np.testing.assert_array_equal(points.edge, expected.edge)


def test_utf_16_with_a_byte_order_mark_is_read(images_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "points.txt").write_bytes(GOOD.replace(",", "\t").encode("utf-16"))
    assert len(read_csv(tmp_path / "points.txt", images_dir)) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("none.png,1,1,RBC,train", Reason.IMAGE_MISSING),
        ("x" * 300 + ",1,1,RBC,train", Reason.IMAGE_MISSING),
        ("sub,1,1,RBC,train", Reason.IMAGE_MISSING),
        (",1,1,RBC,train", Reason.IMAGE_EMPTY),
        ("text.png,1,1,RBC,train", Reason.IMAGE_UNREADABLE),
        ("cut.png,1,1,RBC,train", Reason.IMAGE_UNREADABLE),
        ("cut.jpg,1,1,RBC,train", Reason.IMAGE_UNREADABLE),
        ("a.png,,1,RBC,train", Reason.X),
        ("a.png,nan,1,RBC,train", Reason.X),
        ("a.png,inf,1,RBC,train", Reason.X),
        ("a.png,1,one,RBC,train", Reason.Y),
        ("a.png,-0.1,1,RBC,train", Reason.OUTSIDE),
        ("a.png,60,1,RBC,train", Reason.OUTSIDE),
        ("a.png,1,40,RBC,train", Reason.OUTSIDE),
        ("a.png,1,1, ,train", Reason.LABEL_EMPTY),
        ("a.png,1,1,Dust,train", Reason.LABEL_UNKNOWN),
        ("a.png,1,1,RBC,trian", Reason.SPLIT),
        ("a.png,1,1,RBC,", Reason.SPLIT),
        ("a.png,1,1,RBC,val", Reason.TWO_SPLITS),
        ("a.png,1,1,RBC,train,other", Reason.TWO_GROUPS),
        ("a.png,1,1,RBC,train,g,maybe", Reason.EDGE),
        ("a.png,1,1,RBC,train,g,0," + "9" * 201, Reason.ID_TOO_LONG),
        ("a.png,1,1", Reason.CELLS),
        ("a.png,1,1,RBC,train,g,0,1,more", Reason.CELLS),
    ],
)
def test_a_bad_row_is_skipped_with_its_reason(
    images_dir: Path, write: WriteText, row: str, reason: Reason
) -> None:
    path = write(
        f"image,x,y,label,split,group,edge,id\na.png,1,1,RBC,train,g,0,1\n{row}\na.png,2,2,RBC,train,g,0,2\n"
    )
    log = ProblemLog()
    points = read_csv(path, images_dir, classes=("RBC",), log=log)
    assert points.centers_px.tolist() == [[1, 1], [2, 2]]
    assert points.images == ("a.png",)
    (problem,) = log.problems
    assert (problem.file, problem.row, problem.reason) == (str(path), 3, reason.text)
    assert problem.remedy == reason.remedy
    assert log.summary() == f"1 row skipped: 1 × {reason.text}"
    with pytest.raises(PointsError, match=reason.text) as caught:
        read_csv(path, images_dir, classes=("RBC",), log=ProblemLog(strict=True))
    assert caught.value.row == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (",,,\n,,,", "is empty"),
        ('""', "is empty"),
        ("image,x,y,label\n", "no usable point"),
        ("image,x,y,label\na.png,99,1,RBC\n", "no usable point.*1 row skipped: 1 × the point is outside"),
        ("image,x,y,label\na.png,,,\n", "no usable point"),
        ("pic,x,y,label\na.png,1,1,RBC\n", "'image' is missing; the file has 'pic', 'x'.*image=HEADER"),
        ("pic,x,y,what\na.png,1,1,RBC\n", "columns 'image', 'label' are missing.*image=HEADER.*label=HEADER"),
        ("file,filename,x,y,label\na,a,1,1,RBC\n", "'image' is missing"),
        ("a.png,1,1,RBC\n", "no header row; its first row is 'a.png', '1'.*such as image,x,y,label"),
        ("a.png;1,5;1;RBC\n", "no header row"),
        ("image,x,y,label,X\na.png,1,1,RBC,2\n", "a column is there twice"),
        ("image,x,y,label\n../a.png,1,1,RBC\n", "row 2: the image path leaves the image folder"),
        ("image,x,y,label\n/etc/hosts,1,1,RBC\n", "row 2: the image path leaves the image folder"),
        ("image,x,y,label\na.png,1,1,RBC\netc/hosts,1,1,RBC\n", "row 3.*is a link that leads out"),
        ('image,x,y,label\na.png,1,1,"' + "R" * 200_000, "the line is not CSV"),
        ("image,x,y,label\na.png,1,1,\0", "is not text"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    images_dir: Path, write: WriteText, text: str, message: str
) -> None:
    (images_dir / "etc").symlink_to("/etc")
    with pytest.raises(PointsError) as caught:
        read_csv(write(text), images_dir)
    assert caught.value.remedy
    assert re.search(message, str(caught.value), re.DOTALL)
    assert len(str(caught.value)) < 1000


def test_columns_can_be_renamed(images_dir: Path, write: WriteText) -> None:
    path = write("file;col;row;cell type\na.png;3;4;RBC\n")
    columns = CsvColumns.from_pairs(["image=file", "x=col", "y = Row", "label=cell type"])
    assert read_csv(path, images_dir, columns=columns).centers_px.tolist() == [[4, 3]]


def test_a_stem_of_several_images_is_no_name(images_dir: Path, write: WriteText) -> None:
    (images_dir / "a.jpg").write_bytes((images_dir / "sub" / "b.jpg").read_bytes())
    log = ProblemLog()
    points = read_csv(write("image,x,y,label\na,1,1,RBC\na.png,1,1,RBC\n"), images_dir, log=log)
    assert (points.images, [p.value for p in log.problems]) == (("a.png",), ["a"])


@pytest.mark.parametrize("pair", ["", "x", "x=", "z=col"])
def test_a_bad_column_pair_is_an_error(pair: str) -> None:
    with pytest.raises(PointsError):
        CsvColumns.from_pairs([pair])


def test_a_row_without_object_keeps_its_image_as_a_negative(images_dir: Path, write: WriteText) -> None:
    points = read_csv(write("image,x,y,label\nsub/b.jpg,,,\na.png,1,1,RBC\n"), images_dir, split="test")
    assert points.images == ("sub/b.jpg", "a.png")
    assert points.counts().tolist() == [[0], [1]]
    assert points.splits == ("test", "test")


def test_an_image_with_bad_rows_alone_is_no_negative(images_dir: Path, write: WriteText) -> None:
    points = read_csv(write("image,x,y,label\nsub/b.jpg,99,1,RBC\na.png,1,1,RBC\n"), images_dir)
    assert points.images == ("a.png",)


def test_links_to_one_image_elsewhere_are_one_image(images_dir: Path, write: WriteText) -> None:
    (images_dir / "a.png").rename(images_dir.parent / "stored.png")
    for name in ("a.png", "copy.png"):
        (images_dir / name).symlink_to("../stored.png")
    points = read_csv(write("image,x,y,label\na.png,1,1,RBC\ncopy.png,3,3,RBC\n"), images_dir)
    assert (points.images, len(points)) == (("a.png",), 2)


def test_one_image_under_two_names_is_one_image(images_dir: Path, write: WriteText) -> None:
    (images_dir / "copy.png").symlink_to("a.png")
    text = "image,x,y,label,split\na.png,1,1,RBC,train\n./a.png,2,2,RBC,train\ncopy.png,3,3,RBC,val\n"
    log = ProblemLog()
    points = read_csv(write(text), images_dir, log=log)
    assert points.images == ("a.png",)
    assert [problem.reason for problem in log.problems] == [Reason.TWO_SPLITS.text]


def test_without_split_column_splits_are_drawn_and_noted(images_dir: Path, write: WriteText) -> None:
    log = ProblemLog(strict=True)
    points = read_csv(write("image,x,y,label\na.png,1,1,RBC\nsub/b.jpg,2,2,RBC\n"), images_dir, log=log)
    assert sorted(points.splits) == ["train", "val"]
    assert "1 images train, 1 images val" in log.notes[0]


def test_classes_set_the_order(images_dir: Path, write: WriteText) -> None:
    points = read_csv(write(GOOD), images_dir, classes=("WBC", "Platelet", "RBC"))
    assert points.classes == ("WBC", "Platelet", "RBC")
    assert points.labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    "arguments", [{"classes": ()}, {"classes": ("a", "a")}, {"classes": ("",)}, {"split": "x"}]
)
def test_bad_arguments_are_errors(images_dir: Path, write: WriteText, arguments: dict) -> None:
    with pytest.raises(PointsError):
        read_csv(write(GOOD), images_dir, **arguments)


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=6)


@st.composite
def point_sets(draw: st.DrawFn) -> PointSet:
    classes = tuple(sorted(draw(st.sets(TEXTS, min_size=1, max_size=4))))
    count = draw(st.integers(1, 20))
    images = ("a.png", "sub/b.jpg")
    places = st.tuples(st.floats(0, 40, exclude_max=True), st.floats(0, 60, exclude_max=True))
    centers = draw(st.lists(places, min_size=count, max_size=count))
    integers = st.lists(st.integers(0, 1000), min_size=count, max_size=count)
    return PointSet(
        classes=classes,
        images=images,
        image_shapes_px=np.array([[40, 60], [40, 60]]),
        splits=(draw(st.sampled_from(SPLITS)), draw(st.sampled_from(SPLITS))),
        groups=(draw(TEXTS), draw(st.just("") | TEXTS)),
        centers_px=np.array(centers),
        image_index=np.array(draw(integers)) % 2,
        labels=np.array(draw(integers)) % len(classes),
        annotation_ids=np.array(draw(st.lists(TEXTS, min_size=count, max_size=count))),
        edge=np.array(draw(integers)) % 2 > 0,
        sizes_px=np.full((count, 2), np.nan),
    )


@given(point_sets())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(images_dir: Path, tmp_path: Path, points: PointSet) -> None:
    write_csv(points, tmp_path / "round.csv")
    again = read_csv(tmp_path / "round.csv", images_dir, classes=points.classes, log=ProblemLog(strict=True))
    order = [again.images.index(name) for name in points.images]
    assert again.classes == points.classes
    assert tuple(again.splits[i] for i in order) == points.splits
    assert tuple(again.groups[i] for i in order) == points.groups
    np.testing.assert_array_equal(again.image_index, np.array(order)[points.image_index])
    for name in ("centers_px", "labels", "annotation_ids", "edge", "sizes_px"):
        np.testing.assert_array_equal(getattr(again, name), getattr(points, name))


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("image,x,y,label\n" + text).encode())
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_never_a_traceback(images_dir: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "garbage.csv").write_bytes(content)
    try:
        assert len(read_csv(tmp_path / "garbage.csv", images_dir)) > 0
    except PointsError as error:
        assert error.remedy


def test_writing_to_no_folder_is_an_error(images_dir: Path, write: WriteText, tmp_path: Path) -> None:
    points = read_csv(write(GOOD), images_dir)
    with pytest.raises(PointsError, match="cannot be written"):
        write_csv(points, tmp_path / "none" / "points.csv")


def test_a_hundred_thousand_rows_take_a_second(images_dir: Path, write: WriteText) -> None:
    rows = "".join(f"a.png,{i % 60},{i % 41},RBC,train\n" for i in range(100_000))
    path = write("image,x,y,label,split\n" + rows)
    start = time.process_time()
    log = ProblemLog()
    points = read_csv(path, images_dir, log=log)
    assert time.process_time() - start < 5
    assert len(points) + len(log.problems) == 100_000
    assert len(log.problems) == len([i for i in range(100_000) if i % 41 == 40])
