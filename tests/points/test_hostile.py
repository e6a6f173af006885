"""Truncated, mis-encoded, huge and hostile files: a right answer or a clear error, in bounded time."""

from __future__ import annotations

import gzip
import json
import random
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed.errors import ProblemLog, SynthmedError
from synthmed.points import FORMATS, csv_rows, csv_stream, parsed, read_points, text_file

from .test_formats import COCO, ONE_POINT, counter, cvat, feature, region, task, voc

SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = [text for _, text in ONE_POINT]
NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1e308",
    "9" * 400,
    "1_0",
    "0x10",
    "",
    " ",
    "１２",
    "-0",
    "true",
    "null",
]


def never_a_traceback(path: Path, images_dir: Path, **options: str) -> None:
    """Read a file; what comes out is sound, or an error that says what to do."""
    try:
        points = read_points(path, images_dir, **options)  # type: ignore[arg-type]
    except SynthmedError as error:
        assert error.remedy
        assert len(str(error)) < 3000
    else:
        shapes = points.image_shapes_px[points.image_index]
        assert ((points.centers_px >= 0) & (points.centers_px < shapes)).all()


@pytest.mark.parametrize("text", TEXTS)
@given(data=st.data())
@SETTINGS
def test_cut_and_changed_bytes(images_dir: Path, tmp_path: Path, text: str, data: st.DataObject) -> None:
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    (tmp_path / "a.bin").write_bytes(bytes(content[:end]))
    never_a_traceback(tmp_path / "a.bin", images_dir)


@pytest.mark.parametrize("kind", FORMATS)
@given(text=st.sampled_from(TEXTS) | st.text(max_size=200), number=st.sampled_from(NUMBERS))
@SETTINGS
def test_any_text_as_any_format(images_dir: Path, tmp_path: Path, kind: str, text: str, number: str) -> None:
    for known in ("14.5", "22.5", "14", "22"):
        text = text.replace(known, number)
    (tmp_path / "a.bin").write_bytes(text.encode("utf-8", "surrogatepass"))
    never_a_traceback(tmp_path / "a.bin", images_dir, format=kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def graft(content: object, junk: object, seed: int) -> object:
    """The content with one value somewhere in it replaced."""
    chooser = random.Random(seed)
    copy = json.loads(json.dumps(content))
    place = copy
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return copy
        key = chooser.choice(list(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or chooser.random() < 0.2:
            place[key] = junk
            return copy
        place = place[key]


JSON_CONTENTS = [
    COCO,
    {
        "type": "FeatureCollection",
        "features": [feature(), feature({"type": "MultiPoint", "coordinates": [[1, 2]]})],
    },
    [task(region(), region("rectangle", x=1, y=2, width=3, height=4, rotation=5))],
]


@pytest.mark.parametrize("content", JSON_CONTENTS)
@given(junk=JSON, seed=st.integers(0, 10**6))
@SETTINGS
def test_junk_inside_json(images_dir: Path, tmp_path: Path, content: object, junk: object, seed: int) -> None:
    (tmp_path / "a.json").write_text(json.dumps(graft(content, junk, seed)))
    never_a_traceback(tmp_path / "a.json", images_dir)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 200_000


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "]><annotations><image name='&i;'/></annotations>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation><filename>&e;</filename></annotation>',
        '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>',
        "<annotations>" * DEEP,
        "<annotations>" * DEEP + "</annotations>" * DEEP,
        "[" * DEEP,
        '{"a":' * DEEP,
        '[{"type": "Feature", "geometry": ' + "[" * 900 + "]" * 900 + "}]",
        json.dumps(feature({"type": "Polygon", "coordinates": [[[[[[[1, 2]]]]]]]})),
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [' + "9" * 5000 + ", 1]}}",
        "image,x,y,label\n" + "a.png," + "1" * 100_000 + ",1,RBC",
        " ,X,Y\n" + "," * 100_000,
        "x," * 100_000 + "\n1,2",
        "0 " + "0.5 " * 100_000,
        "99999999999999999999 0.5 0.5 0.1 0.1",
        voc(name="../../../etc/passwd"),
        voc(name="/dev/zero"),
        cvat(image='name="../a.png"'),
        cvat(image='name="' + "x" * 10_000 + '"'),
        cvat('<points label="RBC" points="' + ";" * 100_000 + '"/>'),
        counter("<Marker/>" * 10_000),
        json.dumps([task(region(), image="http://[broken/a.png")]),
        json.dumps([task(region(), image="\ud800.png")]),
        json.dumps([task(region(), image="a\u0000.png")]),
    ],
    ids=range(24),
)  # fmt: skip
@pytest.mark.parametrize("kind", [None, "sniffed for"])
def test_hostile_files(images_dir: Path, tmp_path: Path, text: str, kind: str | None) -> None:
    (tmp_path / "a.bin").write_text(text)
    start = time.perf_counter()
    if kind is None:
        never_a_traceback(tmp_path / "a.bin", images_dir)
    else:
        for name in FORMATS:
            never_a_traceback(tmp_path / "a.bin", images_dir, format=name)
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("opening", [b"", b"image,x,y,label\n", b"["])
@pytest.mark.parametrize("filling", [b" " * 2**20, b"\n" * 2**20])
def test_a_gzip_bomb_is_not_unpacked(
    images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: bytes, filling: bytes
) -> None:
    for reader in (text_file.read_text, text_file.open_text.__wrapped__):  # type: ignore[attr-defined]
        monkeypatch.setattr(reader, "__kwdefaults__", {"max_bytes": 2**20})
    packer = zlib.compressobj(9, wbits=31)
    packed = packer.compress(opening) + b"".join(packer.compress(filling) for _ in range(64)) + packer.flush()
    (tmp_path / "bomb.csv.gz").write_bytes(packed)
    with pytest.raises(SynthmedError, match=r"more than 1 MiB|too long"):
        read_points(tmp_path / "bomb.csv.gz", images_dir)


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 30, gzip.compress(b"image,x,y\n" * 99)[:-9]]
)
def test_a_damaged_gzip_is_an_error(images_dir: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(SynthmedError, match=r"damaged|cannot be read|empty"):
        read_points(tmp_path / "a.gz", images_dir)


def test_links_out_of_a_folder_of_files_are_only_read_as_points(images_dir: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (labels / "loop").symlink_to(labels)
    points = read_points(labels, images_dir, log=ProblemLog())
    np.testing.assert_allclose(points.centers_px, [[20, 30]])


@pytest.mark.parametrize(("kind", "text"), ONE_POINT)
def test_too_many_objects_are_refused(
    images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, text: str
) -> None:
    if kind in ("csv", "imagej", "napari", "yolo"):
        monkeypatch.setattr(parsed, "MAX_ROWS", 3)
        monkeypatch.setattr(csv_stream, "MAX_LINES", 3)
        text = text.rstrip("\n") + ("\n" + text.splitlines()[-1]) * 4
    elif kind == "coco":
        pytest.skip("its size is limited")
    else:
        monkeypatch.setattr(parsed, "MAX_ROWS", 0)
    (tmp_path / "a.bin").write_text(text)
    with pytest.raises(SynthmedError, match=r"more than . (objects|lines)"):
        read_points(tmp_path / "a.bin", images_dir)


def test_a_table_of_many_parts_is_one_table(
    images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"a.png,{x}.5,{x % 40},c{x % 3},{x}" for x in range(60)] + [
        "a.png,oops,1,c0,x",
        "a.png,9e9,1,c1,y",
    ]
    (tmp_path / "a.csv").write_text("\n\nimage,x,y,label,id\n" + "\n".join(rows))
    whole = read_points(tmp_path / "a.csv", images_dir)
    monkeypatch.setattr(csv_stream, "_PART_ROWS", 7)
    log = ProblemLog()
    parts = read_points(tmp_path / "a.csv", images_dir, log=log)
    assert parts.classes == whole.classes == ("c0", "c1", "c2")
    for name in ("centers_px", "labels", "annotation_ids"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert [(p.row, p.value) for p in log.problems] == [(64, "oops"), (65, "a.png, 9e9, 1")]


@pytest.mark.parametrize(
    "content", ["a: &a [1, 1]\nb: &b [*a, *a]\nnames: [*b, *b]\n", "a: " * 9999, "[" * 99999]
)
def test_a_yaml_bomb_is_not_unfolded(images_dir: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "data.yaml").write_text(content)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(SynthmedError, match="not valid YAML"):
        read_points(tmp_path / "a.txt", images_dir)


def test_of_many_bad_rows_some_are_kept_and_all_are_counted(
    images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "_MOST_KEPT", 3)
    rows = ["a.png,1,1,RBC"] + ["a.png,999,1,RBC"] * 8 + ["b.png,1,1,RBC"] * 2
    (tmp_path / "a.csv").write_text("image,x,y,label\n" + "\n".join(rows))
    log = ProblemLog()
    assert len(read_points(tmp_path / "a.csv", images_dir, log=log)) == 1
    assert [problem.row for problem in log.problems] == [3, 4, 5, 11, 12]
    assert log.summary().startswith("10 rows skipped: 8 × the point is outside its image, 2 × ")


def test_a_column_of_nothing_but_different_words_is_refused(
    images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_stream, "_MOST_WORDS", 9)
    (tmp_path / "a.csv").write_text("image,x,y,label\n" + "".join(f"{i}.png,1,1,RBC\n" for i in range(20)))
    with pytest.raises(SynthmedError, match="column image has more than 9 different"):
        read_points(tmp_path / "a.csv", images_dir)
