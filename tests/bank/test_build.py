from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.bank import BankSpec, PatchBank, build_bank, make_spec
from synthmed.errors import BankError, PointsError
from synthmed.points import PointSet, read_points
from synthmed.points.depth import find_window

SHAPE = (60, 80)
Build = Callable[..., PatchBank]


def write_image(path: Path, seed: int) -> None:
    """Bright ground and fine texture, so that every crop is another."""
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(190, 210, size=(*SHAPE, 3), dtype=np.uint8)).save(path)


def pixels_of(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


@pytest.fixture
def points(tmp_path: Path) -> PointSet:
    """Three images: train with four points, train without any, val with one."""
    for number in range(3):
        write_image(tmp_path / f"{number}.png", number)
    centers = [(30.0, 40.0), (30.0, 46.0), (2.0, 20.0), (50.0, 70.0), (30.0, 40.0)]
    return PointSet(
        classes=("a", "b"),
        images=("0.png", "1.png", "2.png"),
        image_shapes_px=np.array([SHAPE] * 3),
        splits=("train", "train", "val"),
        groups=("s1", "", "s2"),
        centers_px=np.array(centers),
        image_index=np.array([0, 0, 0, 0, 2]),
        labels=np.array([0, 1, 0, 1, 0]),
        annotation_ids=np.array(["p", "q", "r", "s", "t"]),
        edge=np.zeros(5, dtype=bool),
        sizes_px=np.full((5, 2), np.nan),
    )


def spec_of(**options: object) -> BankSpec:
    plain = {"matte": "round", "variation": 0.0, "min_contrast": 0.0}
    return make_spec(**{"sizes_px": {"a": 12.0, "b": 7.0}, **plain, **options})


def test_patches_are_crops_with_their_origin(points: PointSet, tmp_path: Path) -> None:
    bank = build_bank(points, tmp_path, spec_of())
    image = pixels_of(tmp_path / "0.png")
    assert bank.classes == ("a", "b")
    assert bank.sizes_px.tolist() == [12, 7]
    assert bank.labels.tolist() == [0, 1, 1]
    assert bank.shapes_px.tolist() == [[12, 12], [7, 7], [7, 7]]
    assert np.array_equal(bank.patch(0), image[24:36, 34:46])
    assert np.array_equal(bank.patch(1), image[27:34, 43:50])
    assert bank.annotation_ids.tolist() == ["p", "q", "s"]
    assert bank.source_images.tolist() == ["0.png"] * 3
    assert set(bank.splits) == {"train"} and set(bank.groups) == {"s1"}
    assert bank.centers_px.tolist() == [[30, 40], [30, 46], [50, 70]]
    assert np.abs(bank.backgrounds - 200).max() < 12
    assert bank.report[0]._asdict() == {
        "name": "a",
        "points": 2,
        "crossing": 1,
        "dropped": 1,
        "patches": 1,
        "crowded": 0,
        "faint": 0,
        "blurred": 0,
        "hidden": 0,
        "duplicates": 0,
        "unsegmented": 1,
        "truncated": 0,
        "rounded": 0,
    }
    # Images without a point tell how often there is none.
    assert bank.images == ("0.png", "1.png")
    assert bank.image_counts.tolist() == [[2, 2], [0, 0]]
    assert bank.image_shapes_px.tolist() == [list(SHAPE)] * 2


@pytest.mark.parametrize(
    ("matte", "expected"),
    # The centre of b lies in the corner of a's window: in its square, but not in its circle.
    [("round", [0, 0, 0]), ("square", [1, 0, 0])],
)
def test_neighbours_are_counted_where_the_matte_shows_them(
    points: PointSet, tmp_path: Path, matte: str, expected: list[int]
) -> None:
    moved = points.centers_px.copy()
    moved[1] = (35.0, 45.0)
    bank = build_bank(replace(points, centers_px=moved), tmp_path, spec_of(matte=matte))
    assert bank.other_centers.tolist() == expected
    assert bank.report[0].crowded == expected[0]


def test_border_policies(points: PointSet, tmp_path: Path) -> None:
    image = pixels_of(tmp_path / "0.png")
    shifted = build_bank(points, tmp_path, spec_of(border="shift"))
    padded = build_bank(points, tmp_path, spec_of(border="pad"))
    assert len(shifted) == len(padded) == 4
    # The click (2, 20) is the middle of the matte, and the patch ends where the image does.
    assert np.array_equal(shifted.patch(2), image[0:8, 14:26])
    assert np.array_equal(shifted.matte(2), padded.matte(2)[4:])
    assert np.array_equal(shifted.matte(2)[2:], padded.matte(0)[6:])
    assert shifted.matte(2)[1:3, 5:7].min() == 255
    assert shifted.cut_off[2] == padded.cut_off[2] == pytest.approx(4 / 12)
    assert np.array_equal(padded.patch(2)[4:], image[0:8, 14:26])
    assert len(np.unique(padded.patch(2)[:4].reshape(-1, 3), axis=0)) == 1
    assert (padded.matte(2)[:4] == 0).all() and (padded.matte(2)[4:] > 0).any()
    assert [row.dropped for row in padded.report] == [0, 0]
    assert [row.crossing for row in padded.report] == [1, 0]


@pytest.mark.parametrize("matte", ["round", "square", "segmented"])
def test_objects_that_the_source_says_are_cut_off(points: PointSet, tmp_path: Path, matte: str) -> None:
    """Point q, of which the whole window is in the image, and r, whose window leaves it."""
    marked = replace(points, edge=np.array([False, True, False, False, True]))
    dropped = build_bank(marked, tmp_path, spec_of(matte=matte))
    assert dropped.annotation_ids.tolist() == ["p", "s"]
    assert [row.crossing for row in dropped.report] == [row.dropped for row in dropped.report] == [1, 1]
    for border in ("shift", "pad"):
        kept = build_bank(marked, tmp_path, spec_of(matte=matte, border=border))
        assert kept.annotation_ids.tolist() == ["p", "q", "r", "s"]
        assert kept.quality.truncated.tolist() == [False, True, True, False]
        assert [row.truncated for row in kept.report] == [1, 1]
        assert kept.annotation_ids[kept.pooled].tolist() == ["p", "s"]


def test_the_bank_notes_the_files_and_the_window_of_deep_images(points: PointSet, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(900, 1100, size=SHAPE).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "1.png")
    bank = build_bank(points, tmp_path, spec_of())
    assert np.isnan(bank.image_windows[0]).all()
    assert bank.image_windows[1].tolist() == list(find_window(grey))
    wanted = [hashlib.sha256((tmp_path / f"{n}.png").read_bytes()).hexdigest() for n in range(2)]
    assert bank.image_digests.tolist() == wanted


def test_variation_stays_within_its_limits(phantom_dir: Path) -> None:
    images = phantom_dir / "images"
    points = read_points(phantom_dir / "points.csv", images)
    sizes = dict.fromkeys(points.classes, 20.0)
    bank = build_bank(points, images, make_spec(sizes_px=sizes, variation=0.25, border="pad", matte="round"))
    sides = bank.shapes_px[:, 0]
    assert (bank.shapes_px[:, 0] == bank.shapes_px[:, 1]).all()
    assert sides.min() >= 15 and sides.max() <= 25
    assert len(np.unique(sides)) > 5
    other = build_bank(points, images, make_spec(sizes_px=sizes, variation=0.25, border="pad", seed=1))
    assert other.hash != bank.hash


def test_what_is_held_out_is_never_read(points: PointSet, tmp_path: Path) -> None:
    before = build_bank(points, tmp_path, spec_of())
    (tmp_path / "2.png").unlink()
    assert build_bank(points, tmp_path, spec_of()).hash == before.hash
    assert "t" not in before.annotation_ids


def test_extents_of_the_points_have_no_influence(points: PointSet, tmp_path: Path) -> None:
    with_extents = replace(points, sizes_px=np.full((5, 2), 33.0))
    assert build_bank(with_extents, tmp_path, spec_of()).hash == build_bank(points, tmp_path, spec_of()).hash


def test_progress(points: PointSet, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build_bank(points, tmp_path, spec_of(), progress=lambda *step: seen.append(step))
    assert seen == [(1, 2), (2, 2)]


def test_refusals(points: PointSet, tmp_path: Path) -> None:
    with pytest.raises(BankError, match=r"without a size.*'b'"):
        build_bank(points, tmp_path, spec_of(sizes_px={"a": 9.0}))
    with pytest.raises(BankError, match=r"none of the 4 points.*--border"):
        build_bank(points, tmp_path, spec_of(sizes_px={"a": 200.0, "b": 200.0}))
    with pytest.raises(BankError, match="no points in split test"):
        build_bank(points, tmp_path, spec_of(splits=("test",)))
    volume = replace(points, centers_px=np.zeros((5, 3)), image_shapes_px=np.ones((3, 3), dtype=np.int64))
    with pytest.raises(BankError, match="2-D"):
        build_bank(volume, tmp_path, spec_of())
    (tmp_path / "0.png").unlink()
    with pytest.raises(PointsError, match=r"0\.png.*missing"):
        build_bank(points, tmp_path, spec_of())
