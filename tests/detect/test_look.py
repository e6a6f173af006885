from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from synthmed.detect import Found, LookOptions, ModelFacts, look_at
from synthmed.detect.look import tile_sizes
from synthmed.detect.model import fitting_scale
from synthmed.errors import ModelError, PointsError, SynthmedError
from synthmed.points import regions
from tests.detect.conftest import Blobs


def look(
    blobs: Blobs, paths: list[Path], **options: object
) -> tuple[dict[int, Found], dict[int, SynthmedError]]:
    failed: dict[int, SynthmedError] = {}
    found = dict(look_at(blobs, paths, LookOptions(**options), failed.__setitem__))  # type: ignore[arg-type]
    return found, failed


@pytest.fixture
def phantom_images(phantom_dir: Path) -> list[Path]:
    return sorted((phantom_dir / "images").iterdir())


@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_tiles_find_what_is_found_in_the_whole(
    blobs: Blobs, phantom_images: list[Path], scale: float
) -> None:
    whole, _ = look(blobs, phantom_images, scale=scale, tile_px=1024, overlap_px=96)
    tiled, _ = look(blobs, phantom_images, scale=scale, tile_px=224, overlap_px=96)
    assert sum(len(found.detections.scores) for found in whole.values()) > 20
    for index, found in whole.items():
        assert found.tiles == 1 < tiled[index].tiles
        own, other = (
            [one.boxes_px, one.labels[:, None]] for one in (found.detections, tiled[index].detections)
        )
        rows = [np.concatenate(parts, axis=1) for parts in (own, other)]
        np.testing.assert_array_equal(*(one[np.lexsort(one.T)] for one in rows))


def test_boxes_are_in_pixels_of_the_image(blobs: Blobs, tmp_path: Path) -> None:
    image = np.full((200, 300, 3), 200, np.uint8)
    image[40:60, 100:120] = 20
    Image.fromarray(image).save(tmp_path / "one.png")
    for scale in (1.0, 0.5, 1.4):
        found, _ = look(blobs, [tmp_path / "one.png"], scale=scale)
        np.testing.assert_allclose(found[0].detections.boxes_px, [[40, 100, 60, 120]], atol=1.5 / scale)
        assert found[0].shape_px == (200, 300)


def test_the_scale_of_training_is_taken_and_otherwise_images_are_fitted(tmp_path: Path) -> None:
    Image.fromarray(
        np.full((300, 100, 3), 200, np.uint8) - np.eye(300, 100, dtype=np.uint8)[..., None] * 9
    ).save(tmp_path / "one.png")
    for known, wanted, expected in ((0.5, "auto", 0.5), (0.5, "fit", 96 / 300), (None, "auto", 96 / 300)):
        found, _ = look(Blobs(scale=known), [tmp_path / "one.png"], scale=wanted)
        assert found[0].scale == pytest.approx(expected)


def test_images_of_one_shape_are_computed_together(blobs: Blobs, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = [(96, 96), (90, 80), (96, 96), (64, 64), (96, 96)]
    paths = [tmp_path / f"{k}.png" for k in range(len(shapes))]
    for path, shape in zip(paths, shapes, strict=True):
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(path)
    found, _ = look(blobs, paths, batch=4)
    assert set(found) == set(range(5))
    assert [count for count, *_ in blobs.batches] == [4, 1]  # (90, 80) is padded to (96, 96)


def test_tiles_of_one_colour_are_not_computed(blobs: Blobs, tmp_path: Path) -> None:
    image = np.full((600, 600, 3), 255, np.uint8)
    image[500:520, 500:520] = 0
    Image.fromarray(image).save(tmp_path / "slide.png")
    found, _ = look(blobs, [tmp_path / "slide.png"], tile_px=224, overlap_px=64)
    assert found[0].tiles == 16
    assert sum(count for count, *_ in blobs.batches) == 4, "the object lies in four of them"
    assert found[0].detections.boxes_px.tolist() == [[500, 500, 520, 520]]


def test_images_that_cannot_be_read_are_told(
    blobs: Blobs, phantom_images: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(phantom_images[0].read_bytes()[:2000])
    paths = [tmp_path / "none.png", phantom_images[0], broken, phantom_images[1]]
    found, failed = look(blobs, paths)
    assert set(found) == {1, 3}
    assert set(failed) == {0, 2}
    assert all(isinstance(error, PointsError) for error in failed.values())
    assert look(blobs, []) == ({}, {})


def test_a_slide_is_read_by_region(
    blobs: Blobs, phantom_images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "LARGE_PX", 100_000)
    field = np.asarray(Image.open(phantom_images[0]).convert("RGB"))
    slide = np.tile(field, (3, 3, 1))
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        options = {"tile": (128, 128), "photometric": "rgb", "compression": "zlib"}
        file.write(slide, subifds=1, **options)
        file.write(slide[::2, ::2], subfiletype=1, **options)
    Image.fromarray(slide).save(tmp_path / "slide.png")
    read: list[int] = []
    from synthmed.points.tiff_regions import TiffSource

    plain = TiffSource.read_region

    def noted(self: TiffSource, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        read.append(int((high - low).prod()))
        return plain(self, low, high)

    monkeypatch.setattr(TiffSource, "read_region", noted)
    by_region, _ = look(blobs, [tmp_path / "slide.tif"], tile_px=224, overlap_px=96)
    assert max(read) <= 224**2
    whole, _ = look(blobs, [tmp_path / "slide.png"], tile_px=224, overlap_px=96)
    np.testing.assert_array_equal(by_region[0].detections.boxes_px, whole[0].detections.boxes_px)
    _, failed = look(Blobs(scale=None), [tmp_path / "slide.tif"])
    assert "--scale" in str(failed[0])


def test_a_config_that_fits_nothing_needs_a_scale(phantom_images: list[Path]) -> None:
    blobs = Blobs(scale=None)
    blobs.facts = ModelFacts(("a",), None, None, None)
    with pytest.raises(ModelError, match=r"does not resize images.*--scale"):
        look(blobs, phantom_images[:1])


@pytest.mark.parametrize(
    ("sizes", "scale", "expected"),
    [(None, 1.0, (832, 128)), ((30.0, 110.0), 1.0, (896, 224)), ((30.0,), 0.02, (160, 64))],
)
def test_tile_sizes(sizes: tuple[float, ...] | None, scale: float, expected: tuple[int, int]) -> None:
    facts = ModelFacts(("a",), (416, 416), scale, sizes)
    assert tile_sizes(facts, LookOptions(), scale) == expected


@pytest.mark.parametrize(
    ("shape", "canvas", "expected"), [((416, 416), (416, 416), 1), ((100, 200), (800, 1333), 1333 / 200)]
)
def test_fitting(shape: tuple[int, int], canvas: tuple[int, int], expected: float) -> None:
    assert fitting_scale(shape, canvas) == pytest.approx(expected)
