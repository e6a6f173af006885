from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from synthmed.errors import PointsError
from synthmed.points import ImageSource, image_shape_px, open_image, read_image, read_points, regions
from synthmed.points.depth import find_window, to_uint8
from synthmed.points.folder import ImageFolder
from synthmed.points.images import check_image

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (300, 410, 3), dtype=np.uint8)
GREY16 = (RGB[:, :, 0].astype(np.uint16) * 13 + 100).astype(np.uint16)


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is a TIFF is read by region."""
    monkeypatch.setattr(regions, "LARGE_PX", 1000)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (RGB, {}),
        (RGB, {"tile": (64, 80)}),
        (RGB, {"tile": (64, 80), "compression": "zlib"}),
        (RGB, {"rowsperstrip": 7}),
        (RGB, {"tile": (64, 80), "planarconfig": "separate"}),
        (RGB, {"bigtiff": True, "byteorder": ">"}),
        (RGB[:, :, 0], {"tile": (128, 128), "photometric": "minisblack"}),
        (RGB[:, :, 0], {"tile": (128, 128), "photometric": "miniswhite"}),
        (GREY16, {"tile": (128, 128), "photometric": "minisblack"}),
        (GREY16, {"rowsperstrip": 11, "byteorder": ">"}),
    ],
)
def test_regions_are_cut_out_of_what_pillow_decodes(
    tmp_path: Path, all_large: None, values: np.ndarray, options: dict
) -> None:
    path = tmp_path / "a.tif"
    planar = options.get("planarconfig") == "separate"
    data = np.moveaxis(values, 2, 0) if planar else values
    tifffile.imwrite(path, data, **({"photometric": "rgb"} if values.ndim == 3 else {}) | options)
    grey = values if values.dtype == np.uint8 else to_uint8(values, find_window(values))
    if options.get("photometric") == "miniswhite":
        grey = 255 - grey
    whole = RGB if values.ndim == 3 else np.repeat(grey[:, :, None], 3, axis=2)
    with open_image(path) as source:
        assert source.is_large
        assert source.shape_px == image_shape_px(path) == (300, 410)
        assert (source.window is None) == (values.dtype == np.uint8)
        for low, high in (
            ((0, 0), (300, 410)),
            ((0, 0), (1, 1)),
            ((60, 70), (200, 161)),
            ((299, 409), (300, 410)),
        ):
            region = source.read_region(np.array(low), np.array(high))
            assert region.dtype == np.uint8
            expected = whole[low[0] : high[0], low[1] : high[1]]
            difference = np.abs(region.astype(int) - expected)
            assert difference.max() <= (0 if values.dtype == np.uint8 else 3)


def test_sixteen_bit_colour_is_stretched_by_one_window(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB.astype(np.uint16) * 17, photometric="rgb")
    image = read_image(path)
    assert np.abs(image.astype(int) - RGB).max() <= 2
    with open_image(path) as source:
        assert source.window == (0.0, 255 * 17.0)
        np.testing.assert_array_equal(source.sample(), image)
        np.testing.assert_array_equal(
            source.read_region(np.array([5, 6]), np.array([9, 11])), image[5:9, 6:11]
        )
    assert ImageFolder(tmp_path).look("a.tif").shape_px == (300, 410)


def test_a_large_image_is_not_read_whole(tmp_path: Path, all_large: None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb")
    assert check_image(tmp_path / "a.tif") == (300, 410)
    with pytest.raises(PointsError, match="too large"):
        read_image(tmp_path / "a.tif")


def test_blocks_own_every_point_once(
    tmp_path: Path, all_large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "_BLOCK_PX", 100)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", tile=(64, 80))
    centers = RNG.uniform(0, 1, (60, 2)) * (300, 410)
    owned: list[int] = []
    with open_image(path) as source:
        for block in source.blocks(centers, reach_px=30):
            mine = block.points[block.own]
            owned += mine.tolist()
            low, high = block.corner_px, block.corner_px + block.image.shape[:2]
            np.testing.assert_array_equal(block.image, RGB[low[0] : high[0], low[1] : high[1]])
            assert (np.maximum(centers[mine] - 30, 0) >= low).all()
            assert (np.minimum(centers[mine] + 30, (300, 410)) <= high).all()
            inside = ((centers >= low) & (centers < high)).all(axis=1)
            np.testing.assert_array_equal(np.flatnonzero(inside), block.points)
    assert sorted(owned) == list(range(60))


def test_an_ordinary_image_is_one_block(images_dir: Path) -> None:
    with open_image(images_dir / "a.png") as source:
        assert isinstance(source, ImageSource)
        assert not source.is_large
        (block,) = source.blocks(np.zeros((0, 2)), 10)
        np.testing.assert_array_equal(block.image, read_image(images_dir / "a.png"))


@pytest.mark.parametrize("name", ["none.svs", "a.svs", "none.png", "text.tif", "cut.tif"])
def test_what_does_not_decode_is_an_error(images_dir: Path, all_large: None, name: str) -> None:
    (images_dir / "a.svs").write_bytes(b"no slide")
    (images_dir / "text.tif").write_bytes(b"II*\0" + b"x" * 50)
    tifffile.imwrite(images_dir / "cut.tif", RGB, photometric="rgb", compression="zlib")
    (images_dir / "cut.tif").write_bytes((images_dir / "cut.tif").read_bytes()[:-90_000])
    with pytest.raises(PointsError) as caught, open_image(images_dir / name) as source:
        source.sample()
    assert caught.value.remedy


def test_slides_are_read_by_openslide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openslide")
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", tile=(64, 80))
    monkeypatch.setattr(regions, "SLIDE_SUFFIXES", frozenset({".tif"}))
    with open_image(path) as source:
        assert type(source).__name__ == "SlideSource"
        np.testing.assert_array_equal(source.sample(), RGB)
        np.testing.assert_array_equal(
            source.read_region(np.array([5, 6]), np.array([90, 11])), RGB[5:90, 6:11]
        )


def write_slide(path: Path, side: int = 20_480, tile: int = 1024) -> list[tuple[int, int]]:
    """A tiled TIFF pyramid: grey, with dark discs; a constant tile is compressed once."""
    plain = np.full((tile, tile, 3), 200, np.uint8)
    disc = plain.copy()
    rows, columns = np.ogrid[:tile, :tile]
    disc[(rows - 300) ** 2 + (columns - 700) ** 2 <= 15**2] = 60
    packed = zlib.compress(plain.tobytes(), 1)
    packed_disc = zlib.compress(disc.tobytes(), 1)
    across = side // tile
    chosen = [(row, (row * 7) % across) for row in range(across)]

    def tiles(count: int, marked: bool) -> Iterator[bytes]:
        for row in range(count):
            for column in range(count):
                yield packed_disc if marked and (row, column) in chosen else packed

    options = {"photometric": "rgb", "compression": "zlib", "tile": (tile, tile), "dtype": np.uint8}
    with tifffile.TiffWriter(path) as writer:
        writer.write(tiles(across, True), shape=(side, side, 3), subifds=1, **options)
        writer.write(tiles(across // 4, False), shape=(side // 4, side // 4, 3), subfiletype=1, **options)
    return [(row * tile + 300, column * tile + 700) for row, column in chosen]


PROGRAM = """
import resource, sys
from pathlib import Path
from synthmed.bank import build_bank, make_spec
from synthmed.bank.resolve import resolve_sizes
from synthmed.points import read_points
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
points = read_points(sys.argv[1], sys.argv[2], split="train")
sizes = resolve_sizes((), points, Path(sys.argv[2]), pixel_size_um=None, splits=("train",))
spec = make_spec(sizes_px=sizes, matte="square", variation=0.0, keep_duplicates=True)
bank = build_bank(points, Path(sys.argv[2]), spec)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(bank), round(float(sizes["disc"]), 1), int(bank.pixels.min()), (after - before) // 1024)
"""


def test_a_slide_is_cut_in_bounded_memory(tmp_path: Path) -> None:
    """20,480 x 20,480 px are 1.2 GB; the bank takes a small part of that."""
    (tmp_path / "images").mkdir()
    centers = write_slide(tmp_path / "images" / "slide.tif")
    rows = "".join(f"slide.tif,{x + 0.5},{y + 0.5},disc\n" for y, x in centers)
    (tmp_path / "points.csv").write_text("image,x,y,label\n" + rows)
    points = read_points(tmp_path / "points.csv", tmp_path / "images")
    assert points.image_shapes_px.tolist() == [[20_480, 20_480]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "points.csv"), str(tmp_path / "images")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    patches, size, darkest, growth_mib = done.stdout.split()
    assert (int(patches), int(darkest)) == (len(centers), 60)
    assert 27 <= float(size) <= 36
    assert int(growth_mib) < 300, done.stdout
