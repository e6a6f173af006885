from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.points import PointSet, check_points, read_image, read_points
from synthmed.points.check_rows import check_groups, check_rare
from synthmed.points.images import exif_orientation
from synthmed.points.turns import from_stored

DATASETS = ("ldc_small", "bccd_txl", "chula_rbc12_dense", "dsb_fixture")


def read(shared_data: Path, name: str) -> tuple[PointSet, Path]:
    folder = shared_data / name
    return read_points(folder / "points.csv", folder / "images"), folder / "images"


def moved(points: PointSet, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> PointSet:
    shapes = points.image_shapes_px[points.image_index]
    return replace(points, centers_px=change(points.centers_px, shapes))


@pytest.mark.parametrize("name", DATASETS)
def test_clean_data_gives_no_finding(shared_data: Path, name: str) -> None:
    points, images_dir = read(shared_data, name)
    assert check_points(points, images_dir, max_images=16).findings == []


@pytest.mark.parametrize("name", ["ldc_small", "bccd_txl"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c, s: c[:, ::-1], "x and y are swapped"),
        (lambda c, s: c * 0.25, "another unit: 1 of it is"),
        (lambda c, s: c / s * 100, "percent"),
        (lambda c, s: c / s, "shares of the image"),
    ],
    ids=["swap", "micrometres", "percent", "normalised"],
)
def test_a_wrong_reading_is_found(
    shared_data: Path, name: str, change: Callable[[np.ndarray, np.ndarray], np.ndarray], expected: str
) -> None:
    points, images_dir = read(shared_data, name)
    (finding,) = check_points(moved(points, change), images_dir, max_images=10).findings
    assert expected in finding.what
    assert "0.50 is chance" in finding.evidence
    if "1 of it is" in finding.what:
        assert 3.8 < float(finding.what.split()[-2]) < 4.2
    assert finding.remedy


@pytest.mark.parametrize("stray", [0, 20])
@pytest.mark.parametrize("shift_px", [(-4, 0), (0, 6), (3, -3), (0, 10)])
def test_a_shift_is_found_as_large_as_it_is(
    shared_data: Path, shift_px: tuple[float, float], stray: int
) -> None:
    """Rows that lie outside their image change nothing."""
    points, images_dir = read(shared_data, "dsb_fixture")
    points = moved(points, lambda c, s: c + np.array(shift_px))
    centers = points.centers_px.copy()
    centers[: 17 * stray : 17] += 5000
    report = check_points(replace(points, centers_px=centers), images_dir)
    (finding,) = [f for f in report.findings if "shifted" in f.what]
    words = finding.remedy.split()
    assert (words[3], words[7].rstrip(",")) == ("x", "y")
    assert -float(words[5]) == pytest.approx(shift_px[0], abs=0.3)
    assert -float(words[1]) == pytest.approx(shift_px[1], abs=0.3)
    assert "are usual" in finding.evidence


def test_half_a_pixel_is_noted_where_coordinates_are_whole(shared_data: Path) -> None:
    points, images_dir = read(shared_data, "chula_rbc12_dense")
    notes = check_points(points, images_dir, max_images=4).notes
    assert any("half a pixel" in note for note in notes)


def test_points_on_background_are_found(shared_data: Path) -> None:
    points, images_dir = read(shared_data, "ldc_small")
    rng = np.random.default_rng(0)
    centers = points.centers_px.copy()
    for image in range(len(points.images)):
        own = np.flatnonzero(points.image_index == image)
        places = rng.uniform(15, points.image_shapes_px[image] - 15, (200, 2))
        distance = np.linalg.norm(places[:, None] - points.centers_px[own][None], axis=2).min(axis=1)
        if len(own) and rng.random() < 0.3 and distance.max() > 50:
            centers[own[0]] = places[distance.argmax()]
    findings = check_points(replace(points, centers_px=centers), images_dir, max_images=40).findings
    assert [f.what for f in findings] == ["points lie on empty background"]


def test_doubled_points_and_class_names_are_found(shared_data: Path) -> None:
    points, images_dir = read(shared_data, "dsb_fixture")
    order = np.concatenate([np.arange(len(points)), np.arange(7)])
    names = ("centers_px", "image_index", "labels", "annotation_ids", "edge", "sizes_px")
    twice = replace(points, **{name: getattr(points, name)[order] for name in names})
    twice = replace(twice, classes=("nucleus", "Nucleus "), labels=np.arange(len(order)) % 100 // 99)
    findings = check_points(twice, images_dir).findings
    assert [f.what for f in findings] == [
        "objects are clicked twice",
        "class names differ only in case or spaces",
    ]
    assert findings[0].evidence.startswith("7 of 696 points")
    assert findings[1].remedy.endswith("'nucleus'")


def test_points_outside_and_strange_folders_are_found(shared_data: Path, tmp_path: Path) -> None:
    points, images_dir = read(shared_data, "dsb_fixture")
    centers = points.centers_px.copy()
    centers[:5] = 5000 + 10 * np.arange(10).reshape(5, 2)
    findings = check_points(replace(points, centers_px=centers), images_dir).findings
    assert [f.what for f in findings] == ["points lie outside their image"]
    for path in images_dir.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for number in range(9):
        (tmp_path / f"other{number}.png").touch()
    findings = check_points(points, tmp_path).findings
    assert [f.what for f in findings] == ["most images of the folder have no points"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_follow_the_picture(tmp_path: Path, orientation: int) -> None:
    """A bright pixel of the stored picture is found where its point is turned to."""
    stored = np.zeros((40, 60), np.uint8)
    stored[8:16, 16:24] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = read_image(tmp_path / "a.jpg")[:, :, 0] > 128
    turned = from_stored(np.array([[12.0, 20.0]]), np.array(upright.shape, float), orientation)
    np.testing.assert_allclose(turned[0], np.argwhere(upright).mean(axis=0) + 0.5, atol=0.3)
    assert exif_orientation(tmp_path / "a.jpg") == orientation


def test_points_on_unturned_images_are_found(shared_data: Path, tmp_path: Path) -> None:
    """The images get a tag that says to turn them by half, which leaves their shape as it was."""
    points, images_dir = read(shared_data, "bccd_txl")
    points = points.of_images(np.arange(len(points.images)) < 12)
    exif = Image.Exif()
    exif[0x0112] = 3
    for name in points.images:
        with Image.open(images_dir / name) as image:
            image.convert("RGB").save(tmp_path / name, exif=exif, quality=95)
    (finding,) = check_points(points, tmp_path).findings
    assert "EXIF" in finding.what
    assert "12 of 12 images" in finding.remedy


def test_an_empty_set_of_points_is_looked_at(images_dir: Path, tmp_path: Path) -> None:
    for name in ("cut.png", "cut.jpg", "text.png"):
        (images_dir / name).unlink()
    (tmp_path / "p.csv").write_text("image,x,y,label\na.png,5,5,RBC\nsub/b.jpg,,,\n")
    points = read_points(tmp_path / "p.csv", images_dir)
    report = check_points(points.select(np.zeros(1, bool)), images_dir)
    assert report.findings == []
    assert any("2 of 2 images are listed without points" in note for note in report.notes)


@pytest.mark.parametrize(("count", "said"), [(0, ""), (1, "1 point only"), (9, "9 points only"), (10, "")])
def test_a_class_of_few_objects_is_a_warning(shared_data: Path, count: int, said: str) -> None:
    points = read(shared_data, "dsb_fixture")[0]
    points = replace(points, classes=("rare", "usual"), labels=(np.arange(len(points)) >= count).astype(int))
    found = check_rare(points)
    assert [said in text and "rare" in text for text in found] == [True] * bool(said)


def test_groups_on_both_sides_are_found() -> None:
    def points_of(splits: list[str], groups: list[str]) -> PointSet:
        count = len(splits)
        return PointSet(
            classes=("cell",),
            images=tuple(f"{i}.png" for i in range(count)),
            image_shapes_px=np.full((count, 2), 9),
            splits=tuple(splits),
            groups=tuple(groups),
            centers_px=np.zeros((0, 2)),
            image_index=np.zeros(0, dtype=np.int64),
            labels=np.zeros(0, dtype=np.int64),
            annotation_ids=np.zeros(0, dtype=str),
            edge=np.zeros(0, dtype=bool),
            sizes_px=np.zeros((0, 2)),
        )

    assert check_groups(points_of([], [])) == []
    assert check_groups(points_of(["train", "val", "val", "test"], ["", "", "a", "a"])) == []
    (finding,) = check_groups(points_of(["train", "val", "train", "test"], ["b", "b", "a", "c"]))
    assert finding.evidence == "1 of 3 groups: b"
