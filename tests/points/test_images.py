from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.errors import PointsError
from synthmed.points.depth import find_window, to_uint8
from synthmed.points.images import (
    check_image,
    image_shape_px,
    read_image,
    read_with_window,
    resolve_inside,
)


@pytest.mark.parametrize(
    "name", ["a.png", "./a.png", "sub/b.jpg", "sub//b.jpg", "not yet there.png", "ü µ.tif"]
)
def test_names_inside_are_resolved(images_dir: Path, name: str) -> None:
    assert resolve_inside(images_dir, name).is_relative_to(images_dir.resolve())


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "./",
        "..",
        "../a.png",
        "sub/../../a.png",
        "sub/../a.png",
        "/etc/passwd",
        "//a.png",
        "a\x00.png",
        "..\\a.png",
        "sub\\b.jpg",
        "a\n.png",
        "links/passwd",
        "loop/x",
        "\ud800.png",
    ],
)
def test_names_outside_are_refused(images_dir: Path, name: str) -> None:
    (images_dir / "links").symlink_to("/etc")
    (images_dir / "loop").symlink_to(images_dir / "loop")
    with pytest.raises(PointsError) as caught:
        resolve_inside(images_dir, name)
    assert caught.value.remedy


def test_links_within_the_folder_are_followed(images_dir: Path) -> None:
    (images_dir / "c.png").symlink_to("a.png")
    assert resolve_inside(images_dir, "c.png") == (images_dir / "a.png").resolve()


def test_an_image_may_be_a_link_to_one_elsewhere(images_dir: Path) -> None:
    outside = images_dir.parent / "store" / "0f3a"
    outside.parent.mkdir()
    outside.write_bytes((images_dir / "a.png").read_bytes())
    (images_dir / "link.png").symlink_to(outside)
    assert resolve_inside(images_dir, "link.png") == images_dir.resolve() / "link.png"


def test_a_link_to_a_folder_elsewhere_says_what_it_is(images_dir: Path) -> None:
    elsewhere = images_dir.parent / "elsewhere"
    elsewhere.mkdir()
    (images_dir / "slides").symlink_to(elsewhere)
    with pytest.raises(PointsError, match="is a link that leads out") as caught:
        resolve_inside(images_dir, "slides/a.png")
    assert str(elsewhere) in str(caught.value.remedy)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PointsError, match="does not exist"):
        resolve_inside(tmp_path / "none", "a.png")


RGB = np.array([[[10, 20, 30], [250, 200, 90]]] * 3, dtype=np.uint8)
GREY = np.array([[0, 100], [200, 255], [7, 9]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("picture", "suffix", "expected"),
    [
        (Image.fromarray(RGB), ".png", RGB),
        (Image.fromarray(GREY), ".png", np.repeat(GREY[:, :, None], 3, axis=2)),
        (Image.fromarray(np.dstack([RGB, GREY])), ".png", RGB),
        (Image.fromarray(np.dstack([GREY, GREY // 2])), ".png", np.repeat(GREY[:, :, None], 3, axis=2)),
        (Image.fromarray(RGB).quantize(4), ".png", RGB),
        (Image.fromarray(GREY > 99), ".png", np.repeat(GREY[:, :, None] > 99, 3, axis=2) * 255),
        (Image.fromarray(RGB), ".tif", RGB),
        (Image.fromarray(RGB), ".bmp", RGB),
    ],
    ids=["rgb", "grey", "rgba", "grey alpha", "palette", "bits", "tiff", "bmp"],
)
def test_every_mode_becomes_rgb(
    tmp_path: Path, picture: Image.Image, suffix: str, expected: np.ndarray
) -> None:
    path = tmp_path / f"image{suffix}"
    picture.save(path)
    image = read_image(path)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, expected)
    assert image_shape_px(path) == check_image(path) == expected.shape[:2]


@pytest.mark.parametrize(
    ("values", "suffix"),
    [
        (np.linspace(100, 4000, 2500).reshape(50, 50).astype(np.uint16), ".png"),
        (np.linspace(100, 4000, 2500).reshape(50, 50).astype(np.uint16), ".tif"),
        (np.linspace(-1, 1, 2500).reshape(50, 50).astype(np.float32), ".tif"),
        (np.linspace(-5000, 90000, 2500).reshape(50, 50).astype(np.int32), ".tif"),
    ],
    ids=["16-bit png", "16-bit tiff", "float", "32-bit"],
)
def test_deep_images_are_stretched(tmp_path: Path, values: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"deep{suffix}"
    Image.fromarray(values).save(path)
    grey = read_image(path)[:, :, 0].astype(int).ravel()
    assert (np.diff(grey) >= 0).all()
    assert (grey[0], grey[-1]) == (0, 255)
    assert abs(grey[1250] - 128) <= 1


@pytest.mark.parametrize("value", [0, 5, 65535])
def test_a_constant_deep_image_is_black(tmp_path: Path, value: int) -> None:
    Image.fromarray(np.full((4, 4), value, np.uint16)).save(tmp_path / "flat.png")
    assert not read_image(tmp_path / "flat.png").any()


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_header_and_pixels_agree_on_the_orientation(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"photo{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    assert image_shape_px(path) == check_image(path) == read_image(path).shape[:2]
    assert (read_image(path).shape[0] == 60) == (orientation in (6, 8))


@pytest.mark.parametrize("alpha", [False, True])
def test_colour_of_16_bits_keeps_its_low_byte(tmp_path: Path, alpha: bool) -> None:
    """Levels that all share one high byte: without the low one the image would be flat."""
    rng = np.random.default_rng(1)
    values = rng.integers(0x1200, 0x12FF, size=(20, 30, 4 if alpha else 3), dtype=np.uint16)
    write_png16(tmp_path / "a.png", values)
    image, window = read_with_window(tmp_path / "a.png")
    assert window == find_window(values[:, :, :3])
    np.testing.assert_array_equal(image, to_uint8(values[:, :, :3], window))
    assert len(np.unique(image)) > 100
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    assert read_with_window(tmp_path / "b.png")[1] is None


def write_png16(path: Path, values: np.ndarray) -> None:
    """A PNG of 16 bits per sample, which Pillow does not write: W3C, PNG, third edition, section 5."""
    height, width, samples = values.shape
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if samples == 3 else 6, 0, 0, 0)
    blocks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    coded = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in blocks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(coded))


@pytest.mark.parametrize("name", ["none.png", "sub", "text.png", "cut.png", "cut.jpg", "empty.png"])
@pytest.mark.parametrize("read", [read_image, check_image])
def test_damaged_images_are_errors(images_dir: Path, name: str, read: object) -> None:
    (images_dir / "empty.png").touch()
    with pytest.raises(PointsError) as caught:
        read(images_dir / name)  # type: ignore[operator]
    assert caught.value.file == images_dir / name
    assert caught.value.remedy


@pytest.mark.parametrize("side", [12_000, 50_000])
def test_a_decompression_bomb_is_an_error(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    for read in (read_image, image_shape_px, check_image):
        with pytest.raises(PointsError, match="too large"):
            read(path)
