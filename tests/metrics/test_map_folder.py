from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.metrics.map_folder import MapFolder
from synthmed.metrics.raw_maps import write_raw
from synthmed.points.pointset import PointSet

Make = Callable[..., PointSet]
MAPS = np.random.default_rng(0).integers(0, 255, (2, 40, 60)).astype(np.float32)


@pytest.fixture
def truth(points: Make) -> PointSet:
    """One image, sub/x.png, with an object of class a and none of class b."""
    made = points([(0, 0, 5, 5, 15, 15)], images=1, shape_px=(40, 60))
    return replace(made, images=("sub/x.png",))


def write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".png":
        Image.fromarray(array.astype(np.uint8)).save(path)
    elif path.suffix == ".npz":
        np.savez(path, map=array)
    else:
        tifffile.imwrite(path, array)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".tif", ".png"])
@pytest.mark.parametrize("stem", ["sub/x", "sub/x.png", "x"])
def test_a_folder_for_each_class(tmp_path: Path, truth: PointSet, stem: str, ending: str) -> None:
    for name, cam in zip("ab", MAPS, strict=True):
        write(tmp_path / name / f"{stem}{ending}", cam)
    np.testing.assert_array_equal(MapFolder(tmp_path, truth).maps(0), MAPS)


def test_an_archive_with_class_names(tmp_path: Path, truth: PointSet) -> None:
    np.savez(tmp_path / "x.npz", b=MAPS[1], a=MAPS[0], other=MAPS[0])
    np.testing.assert_array_equal(dict(iter(MapFolder(tmp_path, truth)))[0], MAPS)


@pytest.mark.parametrize("ending", [".npy", ".tif", ".npz", "raw"])
def test_one_file_for_each_image_in_the_order_of_the_classes(
    tmp_path: Path, truth: PointSet, ending: str
) -> None:
    if ending == "raw":
        write_raw(tmp_path / "x.npz", MAPS[::-1])
    else:
        write(tmp_path / f"x{ending}", MAPS[::-1])
    with pytest.raises(SynthmedError, match="which map is of which class"):
        MapFolder(tmp_path, truth).maps(0)
    (tmp_path / "classes.txt").write_text("b\na\n")
    np.testing.assert_array_equal(MapFolder(tmp_path, truth).maps(0), MAPS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_order_of_the_classes_may_be_written_by_windows(
    tmp_path: Path, truth: PointSet, encoding: str
) -> None:
    np.save(tmp_path / "x.npy", MAPS)
    (tmp_path / "classes.txt").write_bytes("a\r\nb\r\n".encode(encoding))
    np.testing.assert_array_equal(MapFolder(tmp_path, truth).maps(0), MAPS)


def test_a_mask_of_one_bit_is_a_map(tmp_path: Path, truth: PointSet) -> None:
    for name, cam in zip("ab", MAPS > 100, strict=True):
        (tmp_path / name).mkdir()
        Image.fromarray(cam).save(tmp_path / name / "x.png")
    np.testing.assert_array_equal(MapFolder(tmp_path, truth).maps(0), MAPS > 100)


def test_what_is_damaged_is_told(tmp_path: Path, truth: PointSet) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "x.npz")
    with pytest.raises(SynthmedError, match="does not hold one map"):
        MapFolder(tmp_path, truth).maps(0)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "classes.txt").write_bytes(b"a\nb\xff\n")
    with pytest.raises(SynthmedError, match="not UTF-8"):
        MapFolder(tmp_path / "flat", truth)


def test_one_class_needs_no_order(tmp_path: Path, points: Make) -> None:
    alone = points([(0, 0, 5, 5, 15, 15)], images=1, shape_px=(40, 60), classes=("a",))
    write(tmp_path / "0.png", MAPS[0])
    np.testing.assert_array_equal(MapFolder(tmp_path, alone).maps(0), MAPS[:1])


@pytest.mark.parametrize("factor", [2, 4, 20])
def test_small_maps_are_laid_over_with_areas_aligned(tmp_path: Path, truth: PointSet, factor: int) -> None:
    rows, columns = np.mgrid[: 40 // factor, : 60 // factor]
    for name in "ab":
        write(tmp_path / name / "x.npy", (rows + 0.5) * factor + 1000 * (columns + 0.5) * factor)
    laid = MapFolder(tmp_path, truth).maps(0)[0]
    wanted = (np.mgrid[:40, :60] + 0.5).astype(float)
    inner = (slice(factor, 40 - factor), slice(factor, 60 - factor))
    assert laid.shape == (40, 60)
    np.testing.assert_allclose(laid[inner], (wanted[0] + 1000 * wanted[1])[inner], rtol=1e-5)


def test_maps_of_absent_classes_may_be_missing(tmp_path: Path, truth: PointSet) -> None:
    write(tmp_path / "a" / "x.npy", MAPS[0])
    (tmp_path / "b").mkdir()
    folder = MapFolder(tmp_path, truth)
    assert folder.absent == 1
    assert not folder.maps(0)[1].any()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "1 of the maps are missing", id="nothing"),
        pytest.param({"a/y.npy": MAPS[0], "b/y.npy": MAPS[1]}, "1 of the maps are missing", id="other image"),
        pytest.param({"a/x.npy": MAPS[0]}, "nothing for b", id="a class is missing"),
        pytest.param({"A/x.npy": MAPS[0]}, "maps are missing", id="classes of other names"),
        pytest.param({"a/x.npy": np.where(MAPS[0] > 9, MAPS[0], math.nan)}, "not a finite", id="NaN"),
        pytest.param({"a/x.npy": MAPS[0][:, :40]}, "another aspect", id="square"),
        pytest.param({"a/x.npy": np.zeros((7, 7))}, "another aspect", id="small and square"),
        pytest.param({"a/x.npy": MAPS}, "one map", id="two maps"),
        pytest.param({"a/x.npy": MAPS[0].astype(complex)}, "numbers", id="complex"),
        pytest.param({"a/x.npy": np.zeros((0, 5))}, "numbers", id="empty"),
        pytest.param({"a/x.png": np.zeros((40, 60, 3))}, "colours", id="a picture"),
        pytest.param(
            {"x.npy": np.zeros((3, 40, 60)), "classes.txt": "a\nb"}, "one map for each", id="three maps"
        ),
        pytest.param({"x.npy": MAPS, "classes.txt": "a\nc"}, "nothing for b", id="order of others"),
        pytest.param({"a/x.npy": "x"}, "cannot be read", id="damaged npy"),
        pytest.param({"a/x.npz": "x"}, "cannot be read", id="damaged npz"),
        pytest.param({"a/x.png": "x"}, "cannot be read", id="damaged png"),
        pytest.param({"a/x.tif": "x"}, "cannot be read", id="damaged tif"),
    ],
)
def test_what_cannot_be_judged_is_told(
    tmp_path: Path, truth: PointSet, files: dict[str, object], message: str
) -> None:
    for name, content in files.items():
        if isinstance(content, str):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        else:
            write(tmp_path / name, content)  # type: ignore[arg-type]
    if message != "nothing for b" and (tmp_path / "a").is_dir():
        (tmp_path / "b").mkdir(exist_ok=True)
    with pytest.raises(SynthmedError, match=message) as error:
        MapFolder(tmp_path, truth).maps(0)
    assert "Remedy" in str(error.value)


def test_pickles_are_not_opened(tmp_path: Path, truth: PointSet) -> None:
    write(tmp_path / "a" / "x.npy", np.array([[{}]], dtype=object))
    (tmp_path / "b").mkdir()
    with pytest.raises(SynthmedError, match="cannot be read"):
        MapFolder(tmp_path, truth).maps(0)
